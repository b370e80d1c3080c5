"""`docs/literature.md` and its figure, from the shipped table: python -m filterbench.audit.literature."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from filterbench.analysis.claims_table import Claim, read_rows
from filterbench.analysis.printed import Printed
from filterbench.analysis.report import markdown_table
from filterbench.audit.audit import audit
from filterbench.audit.findings import AuditDocument, counted
from filterbench.audit.nets import FIELDS, unpruned_counts
from filterbench.audit.page import findings_sections, recounts_section
from filterbench.audit.shipped import TABLE
from filterbench.plotting.recounts import PANELS, draw_recounts
from filterbench.plotting.saving import save_figure
from filterbench.storage.files import write_text

REPOSITORY = Path(__file__).parents[3]
PAGE, FIGURE = REPOSITORY / "docs/literature.md", REPOSITORY / "docs/literature.png"
HEADING = """# The literature, recounted

What papers and their code repositories print about pruned nets, and what follows from it by arithmetic. The
rows are in `workflow/resources/claims/literature.csv`; each has the address where it was read, and the date.
This page is generated from them by `make docs`. Nothing was trained for it, and no line says which of two
numbers is wrong. To audit a table of your own: [claims.md](claims.md).

A net is counted from the layers or rates that a row states, in the form of the net and the convention that
come closest to what is printed: VGG16 with one or two linear layers, CIFAR ResNets with padded shortcuts or
projections, multiply-accumulates with or without BatchNorm. Counts agree within 1 %, reductions within 0.75
points, each beyond the printed precision.

![Printed against recounted reductions](literature.png)
"""
UNPRUNED = """## Unpruned nets

The counts that papers print of unpruned nets, and the form that comes closest.
"""
GAPS = """## What cannot be told

What the rows of a source do not state, with the number of its rows. Without layers or rates nothing can be
recounted, without a base accuracy no loss is known, and one run says nothing about the spread between runs.
"""
SOURCES = """## Sources
"""


def literature_page(document: AuditDocument, claims: Sequence[Claim]) -> str:
    """The page in Markdown, from the audit of the shipped table and its rows."""
    agree = sum(each["agrees"] for each in document["recounts"])
    summary = ", ".join(f"{count} {kind}" for kind, count in document["summary"].items())
    return "\n".join(
        [
            HEADING,
            f"{document['rows']} rows of {len({claim.source for claim in claims})} sources. "
            f"{len(document['recounts'])} state their layers and were counted; {agree} of them agree with "
            f"what is printed. {len(document['findings'])} findings: {summary}.",
            "",
            *recounts_section(document["recounts"]),
            *findings_sections(document["findings"]),
            UNPRUNED,
            markdown_table(["source", "model", "printed", "closest form", "counted", "%"], _unpruned(claims)),
            "",
            GAPS,
            markdown_table(["source", "rows", "not stated (rows)"], _gaps(document, claims)),
            "",
            SOURCES,
            markdown_table(["source", "lines", "address", "checked", "notes"], _sources(claims)),
            "",
        ]
    )


def _unpruned(claims: Sequence[Claim]) -> Iterator[list[object]]:
    """Each printed unpruned count once, beside the closest form's."""
    seen = set()
    for claim in claims:
        for cost, fields in FIELDS.items():
            printed = claim.numbers.get(f"base_{cost}")
            if not printed or (claim.source, claim.model, printed.text) in seen:
                continue
            seen.add((claim.source, claim.model, printed.text))
            name, count = closest(claim, printed, fields)
            off = 100 * (count / printed.value - 1)
            yield [claim.source, claim.model, printed.text, name, counted(count), f"{off:+.2f}"]


def closest(claim: Claim, printed: Printed, fields: Sequence[str]) -> tuple[str, float]:
    """The form of a row's net whose count comes closest to a printed one, and the count."""
    known = {
        f"{name} with BatchNorm" if field == "full" else name: float(getattr(counts, field))
        for name, counts in unpruned_counts(claim)
        for field in fields
    }
    return min(known.items(), key=lambda item: abs(item[1] - printed.value))


def _gaps(document: AuditDocument, claims: Sequence[Claim]) -> Iterator[list[object]]:
    missing: dict[str, Counter[str]] = defaultdict(Counter)
    for gap in document["gaps"]:
        missing[gap["source"]].update(gap["missing"])
    for source, rows in Counter(claim.source for claim in claims).items():
        yield [source, rows, ", ".join(f"{words} ({count})" for words, count in missing[source].items())]


def _sources(claims: Sequence[Claim]) -> Iterator[list[object]]:
    for source in dict.fromkeys(claim.source for claim in claims):
        rows = [claim for claim in claims if claim.source == source]
        lines = f"{rows[0].line} to {rows[-1].line}" if len(rows) > 1 else str(rows[0].line)
        said = [
            "; ".join(dict.fromkeys(filter(None, (claim.texts[column] for claim in rows))))
            for column in ("address", "checked", "note")
        ]
        yield [source, lines, *said]


def recounted_numbers(document: AuditDocument, claims: Sequence[Claim]) -> pd.DataFrame:
    """The reductions that the figure shows; see `filterbench.plotting.recounts.draw_recounts`."""
    labels = {claim.line: f"{claim.label}, {claim.model}" for claim in claims}
    findings = [each for each in document["findings"] if each["kind"] == "recount"]
    off = {(each["line"], key) for each in findings for key in each["key"].split(", ")}
    return pd.DataFrame(
        [
            {**number, "agrees": (each["line"], number["key"]) not in off, "label": labels[each["line"]]}
            for each in document["recounts"]
            for number in each["numbers"]
            if number["key"] in PANELS
        ]
    )


def main() -> None:
    """Write the page and the figure."""
    document, claims = audit(TABLE), read_rows(TABLE)
    write_text(PAGE, literature_page(document, claims))
    title = f"{len(document['recounts'])} pruned nets of the literature, counted from their stated layers"
    save_figure(draw_recounts(recounted_numbers(document, claims), title), FIGURE)


if __name__ == "__main__":
    main()
