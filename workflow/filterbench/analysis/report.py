"""The reproduction and the verdicts as pages in Markdown."""

from __future__ import annotations

from typing import TypedDict

from filterbench.analysis.reproduction import STATUSES, CellDocument
from filterbench.analysis.scopes import ComparisonDocument
from filterbench.analysis.verdicts import VerdictsDocument
from filterbench.analysis.wording import COSTS, times
from filterbench.domain.names import short
from filterbench.storage.markdown import markdown_table, number


class ReproductionDocument(TypedDict):
    """`reproduction.json`."""

    study: str
    tolerance: dict[str, float]
    summary: list[dict[str, str | int]]
    cells: list[CellDocument]


def reproduction_page(document: ReproductionDocument) -> str:
    """`reproduction.md` from `reproduction.json`."""
    tolerance = document["tolerance"]
    columns = ["pruner", *(status.replace(" ", "_") for status in STATUSES)]
    lines = [
        f"# Reproduction: study `{document['study']}` beside the published cells",
        "",
        "A cell is *exact* if params and FLOPs are the published ones digit for digit, *within tolerance* "
        f"if both differ by at most {tolerance['count_percent']:g} %, else *off*; an accuracy that differs "
        f"by more than {tolerance['accuracy_points']:g} points makes it *off*. Where this study trains "
        "nothing, or on another dataset, only counts are compared.",
        "",
        markdown_table(
            ["pruner", *STATUSES], [[row[column] for column in columns] for row in document["summary"]]
        ),
        "",
    ]
    for model in dict.fromkeys(cell["model"] for cell in document["cells"]):
        rows = [_cell_row(cell) for cell in document["cells"] if cell["model"] == model]
        heading = ["pruner", "sparsity", "status", "accuracy", "points", "params", "%", "FLOPs", "%"]
        lines += [f"## {model}", "", markdown_table(heading, rows), ""]
    return "\n".join(lines)


def verdicts_page(document: VerdictsDocument) -> str:
    """`verdicts.md` from `verdicts.json`."""
    lines = [f"# Verdicts on the published conclusions, from {document['source']}", ""]
    if not document["verdicts"]:
        lines += ["No conclusion applies to these cells: each is about pruners that have none.", ""]
    for verdict in document["verdicts"]:
        scopes = verdict["scopes"]
        lines += [f"## {verdict['statement']}", "", f"**{verdict['verdict']}.**", ""]
        lines += [f"- **{scope['scope']}: {scope['verdict']}.** {scope['reason']}" for scope in scopes]
        lines += [f"- {note}" for note in verdict["notes"]]
        rows = [_comparison_row(scope["scope"], each) for scope in scopes for each in scope["comparisons"]]
        if rows:
            heading = [
                "", "pair", "of", "pooled over", "points", "95 %", "90 %", "units", "collapsed", "with all",
                "", "by factor, 95 % together", "by unit",
            ]  # fmt: skip
            lines += ["", markdown_table(heading, rows)]
        lines += [""]
    return "\n".join(lines)


def _comparison_row(scope: str, comparison: ComparisonDocument) -> list[object]:
    pooled, factors = comparison["pooled"], comparison["by_factor"]
    return [
        scope,
        f"{short(comparison['pruner'])} - {short(comparison['other'])}",
        COSTS[comparison["cost"]],
        " to ".join(dict.fromkeys(times(factors[place]["factor"]) for place in (0, -1))),
        number(pooled["mean"], "+.2f"),
        _interval(pooled["low"], pooled["high"]),
        _interval(pooled["test_low"], pooled["test_high"]),
        pooled["n"],
        pooled["collapsed"],
        number(pooled["mean_all"], "+.2f"),
        comparison["outcome"],
        "; ".join(
            f"{times(each['factor'])}: {number(each['mean'], '+.2f')} {_interval(each['low'], each['high'])}"
            for each in factors
        ),
        "; ".join(f"{name} {value:+.2f}" for name, value in comparison["differences"].items()),
    ]


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"


def _cell_row(cell: CellDocument) -> list[object]:
    ours, difference = cell["ours"], cell["difference"]
    return [
        cell["pruner"],
        f"{cell['sparsity']:g}",
        cell["status"],
        number(ours["accuracy"], ".4f"),
        number(difference["accuracy_points"], "+.2f"),
        number(ours["params"], ",.0f"),
        number(difference["params_percent"], "+.2f"),
        number(ours["flops"], ",.0f"),
        number(difference["flops_percent"], "+.2f"),
    ]
