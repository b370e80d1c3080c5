"""Files on disk: whole or not there, with digests; weights, tables, also in Markdown, and the state of a long computation."""
