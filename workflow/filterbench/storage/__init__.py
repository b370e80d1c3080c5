"""Files on disk, whole or not there: weights, tables, Markdown, digests, the state of long computations."""
