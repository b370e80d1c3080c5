"""A study: its checked configuration, its cells and its paths."""
