"""Pruners, models and datasets of the user's own, from files beside the study and from installed packages."""

# Where jobs find what the process that read the study registered; not there where that is nothing.
VARIABLE = "FILTERBENCH_CODE"
