"""A study: its checked configuration, its cells and the paths of what the workflow makes of them."""
