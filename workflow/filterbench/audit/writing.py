"""The audit of a table, written as a document, a table and a page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from filterbench.audit.audit import UNKNOWN, audit
from filterbench.audit.findings import AuditDocument, Finding
from filterbench.audit.page import audit_page
from filterbench.documents import write
from filterbench.storage.files import write_text
from filterbench.storage.tables import write_table

# Beside the studies' folders.
FOLDER = Path("results/audit")


def folder_of(table: Path) -> Path:
    """Where the audit of a table is written."""
    return FOLDER / table.stem


def write_audit(table: Path, folder: Path) -> AuditDocument:
    """Audit a table, and write `audit.json`, `findings.csv` and `audit.md` into a folder.

    Raises:
        InputError: see `filterbench.audit.audit.audit`.
    """
    document = audit(table)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "audit.json", dict(document))
    findings = pd.DataFrame(document["findings"], columns=list(Finding.__annotations__))
    write_table(folder / "findings.csv", findings)
    write_text(folder / "audit.md", audit_page(document))
    return document


def lines_of(document: AuditDocument) -> list[str]:
    """One line per finding, for a terminal, and one about rows whose net is not known."""
    lines = [
        f"line {each['line']} ({each['source']}, {each['model']}): {each['key']}: printed {each['printed']}, "
        f"recomputed {each['recomputed']}: {each['explanation']}"
        for each in document["findings"]
    ]
    unknown = [str(gap["line"]) for gap in document["gaps"] if UNKNOWN in gap["missing"]]
    if unknown:
        lines.append(f"net or dataset not known here, so not counted: line {', '.join(unknown)}")
    # A quoted text may hold line breaks.
    return [" ".join(line.split()) for line in lines]
