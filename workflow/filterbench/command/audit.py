"""A table of reported points audited, for a reviewer or a CI."""

from __future__ import annotations

from pathlib import Path

from filterbench.audit.shipped import table_named
from filterbench.audit.writing import folder_of, lines_of, write_audit

# More findings than this are not counted in the exit code: 256 would wrap to 0.
MAX_FINDINGS = 100
# The exit code where there is no audit; no number of findings.
NOT_AUDITED = 101


def audit(table: Path, folder: Path | None) -> int:
    """Write the audit of a table, and print its findings.

    Args:
        table: a CSV file (docs/claims.md), or `literature` for the table that comes with the workflow.
        folder: where to; by default below results/audit.

    Returns:
        The exit code: the number of findings, at most 100.

    Raises:
        InputError: the table cannot be read.
        OSError: the audit cannot be written.
    """
    path = table_named(str(table))
    folder = folder or folder_of(path)
    document = write_audit(path, folder)
    for line in lines_of(document):
        print(line)
    found = len(document["findings"])
    print(f"{document['rows']} rows, {found} finding{'s' * (found != 1)}: {folder / 'audit.md'}")
    return min(found, MAX_FINDINGS)
