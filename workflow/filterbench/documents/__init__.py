"""JSON documents: each kind has a schema; each document is checked when written and when read."""

from filterbench.documents.checking import KINDS, check, kind_of, parse, read, write
from filterbench.documents.schemas import SCHEMAS, Fault, schema_path

__all__ = ["KINDS", "SCHEMAS", "Fault", "check", "kind_of", "parse", "read", "schema_path", "write"]
