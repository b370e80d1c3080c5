"""The reproduction and the verdicts as pages in Markdown."""

from __future__ import annotations

from typing import Any

from filterbench.analysis.reproduction import STATUSES


def reproduction_page(document: dict[str, Any]) -> str:
    """`reproduction.md` from `reproduction.json`."""
    tolerance = document["tolerance"]
    lines = [
        f"# Reproduction: study `{document['study']}` beside the published cells",
        "",
        "A cell is *exact* if params and FLOPs are the published ones digit for digit, *within tolerance* "
        f"if both differ by at most {tolerance['count_percent']:g} %, else *off*; an accuracy that differs "
        f"by more than {tolerance['accuracy_points']:g} points makes it *off*. Where this study trains "
        "nothing, or on another dataset, only counts are compared.",
        "",
        _table(
            ["pruner", *STATUSES],
            [
                [row["pruner"], *(row[status.replace(" ", "_")] for status in STATUSES)]
                for row in document["summary"]
            ],
        ),
        "",
    ]
    for model in dict.fromkeys(cell["model"] for cell in document["cells"]):
        rows = [_cell_row(cell) for cell in document["cells"] if cell["model"] == model]
        heading = ["pruner", "sparsity", "status", "accuracy", "points", "params", "%", "FLOPs", "%"]
        lines += [f"## {model}", "", _table(heading, rows), ""]
    return "\n".join(lines)


def verdicts_page(document: dict[str, Any]) -> str:
    """`verdicts.md` from `verdicts.json`."""
    lines = [f"# Verdicts on the published conclusions, from {document['source']}", ""]
    for verdict in document["verdicts"]:
        lines += [f"## {verdict['statement']}", "", f"**{verdict['verdict']}.** {verdict['reason']}", ""]
        rows = [
            [name, *(_number(value[key], "+.2f") for key in ("mean", "low", "high")), _pairs(value["pairs"])]
            for name, value in verdict["numbers"].items()
        ]
        lines += [_table(["", "mean", "low", "high", "a model and seed"], rows), ""]
    return "\n".join(lines)


def _cell_row(cell: dict[str, Any]) -> list[Any]:
    ours, difference = cell["ours"], cell["difference"]
    return [
        cell["pruner"],
        f"{cell['sparsity']:g}",
        cell["status"],
        _number(ours["accuracy"], ".4f"),
        _number(difference["accuracy_points"], "+.2f"),
        _number(ours["params"], ",.0f"),
        _number(difference["params_percent"], "+.2f"),
        _number(ours["flops"], ",.0f"),
        _number(difference["flops_percent"], "+.2f"),
    ]


def _pairs(pairs: dict[str, float]) -> str:
    return "; ".join(f"{name}: {value:+.2f}" for name, value in pairs.items())


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _table(heading: list[str], rows: list[list[Any]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
