"""`leads.md` from `leads.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from filterbench.analysis.leads import ALL, COMPONENTS, LEAD
from filterbench.analysis.report import markdown_table
from filterbench.analysis.wording import counted, listed, short

QUESTION = """How much better is a searched pruner's net than a uniform one with as many parameters, what is
that lead made of, and how does it change with the training after the last cut? Numbers are percentage points
of test accuracy: the mean over seeds and its {level:.0f} % interval and, where nets collapsed, how many seeds
were set apart for it and the mean over all seeds. docs/leads.md of the repository says how to read them."""
LIMITS = """- The intervals are about seeds of this study's models, dataset and training, and no others.
- Intervals per target hold together for the targets of one pruner and component, not over components and
  budgets. What was not in the plan is for looking, not for deciding.
- Recovery and the lead at equal bill rest on accuracies interpolated between training budgets.
- From scratch, a shape is trained for the baseline's epochs and the training budget, not for longer.
- Seeds in which a net collapsed are left out of means and intervals. That a pruner's nets collapse more often
  is a finding too, which the numbers of seeds show."""


def leads_page(document: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    definitions = document["definitions"]
    lines = [
        f"# Leads taken apart, from {document['source']}",
        "",
        QUESTION.format(level=100 * definitions["interval_level"]),
        "",
        *_answers(document),
    ]
    for pair in document["pairs"]:
        lines += [*_pair(document, pair), ""]
    components = [f"- **{name}**: {meaning}." for name, meaning in definitions["components"].items()]
    return "\n".join(
        [*lines, "## The components", "", *components, "", "## What this does not say", "", LIMITS, ""]
    )


def _answers(document: Mapping[str, Any]) -> list[str]:
    """The plan's questions with their answers; nothing where there is no plan."""
    if not document["answers"]:
        return []
    rows = [
        [
            each["key"],
            each["statement"],
            f"**{each['answer']}**",
            _estimate(each) or each["note"],
            f"{each['n'] + each['collapsed']} of {each['seeds']}",
            f"{each['p_holds']:.3f}",
            f"{each['p_fails']:.3f}",
        ]
        for each in document["answers"]
    ]
    level = document["definitions"]["test_level"]
    return [
        "## The primary questions",
        "",
        "The study's plan, with one-sided t tests corrected over all of its questions (Holm 1979): with a "
        f"probability of at most {level:.0%} a false claim is said to hold, and with at most as much a true "
        "one is said not to hold.",
        "",
        markdown_table(
            ["key", "claim", "answer", "estimate", "seeds", "p, holds", "p, does not hold"],
            rows,
        ),
        "",
    ]


def _pair(document: Mapping[str, Any], pair: Mapping[str, Any]) -> list[str]:
    heading = f"## {short(pair['pruner'])} on {pair['model']}, against {pair['control']}"
    own = [row for row in document["leads"] if _is_of(row, pair)]
    targets = f"Pooled over {listed(pair['targets'])}." if pair["targets"] else ""
    left_out = (
        f"Left out, because no seed has both nets there: {listed(pair['left_out'])}."
        if pair["left_out"]
        else ""
    )
    if not own:
        return [heading, "", left_out]
    pooled = [row for row in own if row["target"] == ALL]
    found = [each for each in document["crossings"] if _is_of(each, pair)]
    return [
        heading,
        "",
        " ".join(filter(None, [targets, left_out])),
        "",
        _by_component(pooled, document["budgets"]),
        "",
        _bills(pooled),
        "",
        "By target, with simultaneous intervals, the lead:",
        "",
        _by_target(
            [row for row in own if row["component"] == LEAD and row["target"] != ALL], document["budgets"]
        ),
        *(["", *(f"- {_place(each['target'])}: {each['sentence']}" for each in found)] if found else []),
        *_notes(pooled),
    ]


def _is_of(row: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    return (row["model"], row["pruner"]) == (pair["model"], pair["pruner"])


def _by_component(rows: list[dict[str, Any]], budgets: list[int]) -> str:
    return _table("component", COMPONENTS, "component", rows, budgets)


def _by_target(rows: list[dict[str, Any]], budgets: list[int]) -> str:
    return _table("target", dict.fromkeys(row["target"] for row in rows), "target", rows, budgets)


def _table(
    heading: str, names: Iterable[str], key: str, rows: list[dict[str, Any]], budgets: list[int]
) -> str:
    """Estimates, a line per name and a column per training budget."""
    cells = {(row[key], row["budget"]): _estimate(row) for row in rows}
    return markdown_table(
        [heading, *(counted(budget, "epochs") for budget in budgets)],
        [[name, *(cells[name, budget] for budget in budgets)] for name in names],
    )


def _bills(rows: list[dict[str, Any]]) -> str:
    """Both bills of both nets at each budget, in images."""
    heading = [
        "epochs",
        "images after the last cut",
        "of the uniform net",
        "images paid",
        "of the uniform net",
    ]
    columns = ("images_after_cut", "images_after_cut_control", "images_paid", "images_paid_control")
    lines = [
        [row["budget"], *(_images(row[column]) for column in columns)]
        for row in rows
        if row["component"] == LEAD
    ]
    return markdown_table(heading, lines)


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """Why there is no estimate, each reason once."""
    found: dict[str, dict[int, list[str]]] = {}
    for row in rows:
        if row["note"]:
            found.setdefault(row["note"], {}).setdefault(row["budget"], []).append(row["component"])
    lines = []
    for note, by_budget in found.items():
        components = dict.fromkeys(name for names in by_budget.values() for name in names)
        lines.append(f"- {listed(components)} at {listed(map(str, by_budget))} epochs: {note}.")
    return ["", *lines] if lines else []


def _place(target: str) -> str:
    return "all targets, pooled" if target == ALL else target


def _estimate(row: Mapping[str, Any]) -> str:
    """A mean, its interval, and seeds set apart; empty where there is no mean."""
    if row["mean"] is None:
        return ""
    interval = "" if row["low"] is None else f" ({row['low']:+.2f} to {row['high']:+.2f})"
    apart = (
        f"; {row['collapsed']} of {row['n'] + row['collapsed']} seeds apart, all: {row['mean_all']:+.2f}"
        if row["collapsed"]
        else ""
    )
    return f"{row['mean']:+.2f}{interval}{apart}"


def _images(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"
