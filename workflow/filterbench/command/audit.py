"""A table of reported points audited, for a reviewer or a CI."""

from __future__ import annotations

import sys
from pathlib import Path

from filterbench.audit.shipped import table_named
from filterbench.audit.writing import folder_of, lines_of, write_audit
from filterbench.storage.errors import InputError

# More findings than this are not counted in the exit code: 256 would wrap to 0.
MAX_FINDINGS = 100
# Of a table that cannot be read; no number of findings.
UNREADABLE = 101


def audit(table: Path, folder: Path | None) -> int:
    """Write the audit of a table, and print its findings.

    Args:
        table: a CSV file (docs/claims.md), or `literature` for the table that comes with the workflow.
        folder: where to; by default below results/audit.

    Returns:
        The exit code: the number of findings, at most 100, or 101 if the table cannot be read.
    """
    path = table_named(str(table))
    folder = folder or folder_of(path)
    try:
        document = write_audit(path, folder)
    except InputError as reason:
        print(f"error: {reason}", file=sys.stderr)
        return UNREADABLE
    for line in lines_of(document):
        print(line)
    found = len(document["findings"])
    print(f"{document['rows']} rows, {found} finding{'s' * (found != 1)}: {folder / 'audit.md'}")
    return min(found, MAX_FINDINGS)
