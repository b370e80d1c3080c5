"""Pruners, models and datasets of the user's own, from files beside the study and from installed packages."""

# The environment variable in which jobs find what the process that read the study has registered; unset if
# nothing.
VARIABLE = "FILTERBENCH_CODE"
