"""Files on disk: whole or not there, with digests; weights, tables, and the state of a long computation."""
