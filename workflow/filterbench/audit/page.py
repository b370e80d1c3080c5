"""The audit as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from filterbench.audit.findings import AuditDocument, Finding, Recount, with_unit
from filterbench.storage.markdown import markdown_table

KINDS = {
    "recount": "Counted from the stated layers",
    "change": "Changes of accuracy",
    "reduction": "Reductions and counts of one row",
    "base": "Unpruned nets of another model",
    "out of range": "Values out of range",
    "duplicate": "Duplicate rows",
    "equal counts": "Equal counts in different papers",
    "unlike baselines": "Unlike baselines",
}
# Columns of a finding, by key.
FINDING = {
    "line": "line",
    "source": "source",
    "model": "model",
    "key": "what",
    "printed": "printed",
    "recomputed": "recomputed",
    "explanation": "what would explain it",
    "note": "note of the row",
}
SHOWN = ("params", "params_reduction", "flops", "flops_reduction")


def audit_page(document: AuditDocument) -> str:
    """`audit.md` from `audit.json`."""
    found = len(document["findings"])
    lines = [
        f"# Audit of {document['table']}",
        "",
        f"{document['rows']} rows, {len(document['recounts'])} counted from their stated layers, {found} "
        f"finding{'s' * (found != 1)}. Each is arithmetic on the numbers of the table; it does not say which "
        "of them is wrong.",
        "",
        *findings_sections(document["findings"]),
        *recounts_section(document["recounts"]),
        "## What rows do not say",
        "",
        *(f"- line {gap['line']}: {', '.join(gap['missing'])}" for gap in document["gaps"]),
        "",
    ]
    return "\n".join(lines)


def findings_sections(findings: Sequence[Finding]) -> list[str]:
    """One table per kind of finding."""
    lines: list[str] = []
    for kind, title in KINDS.items():
        rows = [list(map(each.__getitem__, FINDING)) for each in findings if each["kind"] == kind]
        if rows:
            lines += [f"## {title}", "", markdown_table(FINDING.values(), rows), ""]
    return lines


def recounts_section(recounts: Iterable[Recount]) -> list[str]:
    """Printed beside recounted numbers of each row whose layers are stated."""
    rows = []
    for each in recounts:
        numbers = {number["key"]: number for number in each["numbers"]}
        cells = [
            f"{numbers[key]['text']} / {_number(key, numbers[key]['recounted'])}" if key in numbers else ""
            for key in SHOWN
        ]
        agrees = "yes" if each["agrees"] else "no"
        layers = f"`{each['layers']}`"
        rows.append([each["line"], each["source"], each["model"], *cells, agrees, each["net"], layers])
    if not rows:
        return []
    costs = ["params", "% fewer", "FLOPs", "% fewer"]
    heading = ["line", "source", "model", *costs, "agrees", "counted as", "layers"]
    return ["## Printed / recounted", "", markdown_table(heading, rows), ""]


def _number(key: str, value: float) -> str:
    return f"{value:.1f}" if key.endswith("reduction") else with_unit(value)
