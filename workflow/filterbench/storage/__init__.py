"""Files on disk, whole or not there, with digests: weights, tables, Markdown, the state of long computations."""
