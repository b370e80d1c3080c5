"""Pruners, models and datasets of the user's own, from files beside the study and from installed packages."""
