"""The files of each figure, by their suffixes; this module imports nothing."""

KINDS = ("png", "svg", "pdf")
