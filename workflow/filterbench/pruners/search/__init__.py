"""Pruners that evaluate candidates, and what they search with."""
