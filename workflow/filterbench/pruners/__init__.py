"""Pruners: each chooses which filters of a net to remove."""
