"""`leads.md` from `leads.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from filterbench.analysis.leads import ALL, COMPONENTS, LEAD
from filterbench.analysis.wording import counted, listed
from filterbench.domain.names import short
from filterbench.storage.markdown import markdown_table

QUESTION = """How much better is a searched pruner's net than a uniform one with as many parameters, what is
that lead made of, and how does it change with the training after the last cut? Numbers are percentage points
of test accuracy: the mean over seeds and its {level:.0f} % interval and, where nets collapsed, how many seeds
were set apart for it and the mean over all seeds. Where seeds lack a net, the number of seeds is given.
docs/leads.md of the repository says how to read them."""
LIMITS = """- The intervals are about seeds of this study's models, dataset and training, and no others.
- Intervals per target hold together for the targets of one pruner and component, not over components and
  budgets. What was not in the plan is for looking, not for deciding.
- Recovery and the lead at equal bill rest on accuracies interpolated between training budgets, or on the last
  slope, followed up to {furthest:g} times beyond the largest.
- From scratch, a shape is trained for the baseline's epochs and the training budget, not for longer.
- Seeds in which a net collapsed are left out of means and intervals. That a pruner's nets collapse more often
  is a finding too, which the numbers of seeds show."""


def leads_page(document: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    definitions = document["definitions"]
    lines = [f"# Leads taken apart, from {document['source']}", ""]
    lines += [QUESTION.format(level=100 * definitions["interval_level"]), "", *_answers(document)]
    for pair in document["pairs"]:
        lines += [*_pair(document, pair), ""]
    components = [f"- **{name}**: {meaning}." for name, meaning in definitions["components"].items()]
    lines += ["## The components", "", *components, "", "## What this does not say", ""]
    lines += [LIMITS.format(furthest=definitions["furthest_extrapolation"]), ""]
    return "\n".join(lines)


def interim(document: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether an answer of `leads.json` can change, as seeds of its plan are not computed yet."""
    there = {(pair["model"], pair["pruner"]): pair["seeds"] for pair in document["pairs"]}
    return bool(there.get((answer["model"], answer["pruner"]), 0) < answer["seeds"])


def _answers(document: Mapping[str, Any]) -> list[str]:
    """The plan's questions with their answers; nothing where there is no plan."""
    if not document["answers"]:
        return []
    rows = [
        [
            each["key"],
            each["statement"],
            f"**{each['answer']}**" + (" so far" if interim(document, each) else ""),
            _estimate(each) or each["note"],
            f"{each['n'] + each['collapsed']} of {each['seeds']}",
            f"{each['p_holds']:.3f}",
            f"{each['p_fails']:.3f}",
        ]
        for each in document["answers"]
    ]
    heading = ["key", "claim", "answer", "estimate", "seeds", "p, holds", "p, does not hold"]
    level = document["definitions"]["test_level"]
    return [
        "## The primary questions",
        "",
        "The study's plan, with one-sided t tests corrected over all of its questions (Holm 1979): with a "
        f"probability of at most {level:.0%} a false claim is said to hold, and with at most as much a true "
        "one is said not to hold.",
        "",
        markdown_table(heading, rows),
        "",
    ]


def _pair(document: Mapping[str, Any], pair: Mapping[str, Any]) -> list[str]:
    heading = f"## {short(pair['pruner'])} on {pair['model']}, against {pair['control']}"
    own, found = (
        [each for each in document[key] if all(each[name] == pair[name] for name in ("model", "pruner"))]
        for key in ("leads", "crossings")
    )
    targets = f"Pooled over {listed(pair['targets'])}." if pair["targets"] else ""
    no_seed = "Left out, because no seed has both nets there:"
    left_out = f"{no_seed} {listed(pair['left_out'])}." if pair["left_out"] else ""
    if not own:
        return [heading, "", left_out]
    pooled = [row for row in own if row["target"] == ALL]
    lead = [row for row in own if row["target"] != ALL and row["component"] == LEAD]
    places = {ALL: "all targets, pooled"}
    crossed = [f"- {places.get(each['target'], each['target'])}: {each['sentence']}" for each in found]
    return [
        heading,
        "",
        " ".join(filter(None, [targets, left_out])),
        "",
        _table("component", COMPONENTS, pooled, document["budgets"], pair["seeds"]),
        "",
        _bills(pooled),
        "",
        "By target, with simultaneous intervals, the lead:",
        "",
        _table(
            "target", dict.fromkeys(row["target"] for row in lead), lead, document["budgets"], pair["seeds"]
        ),
        *(["", *crossed] if crossed else []),
        *_notes(pooled),
    ]


def _table(key: str, names: Iterable[str], rows: list[dict[str, Any]], budgets: list[int], seeds: int) -> str:
    """Estimates, one line per name in the column `key`, and one column per training budget."""
    cells = {(row[key], row["budget"]): _estimate(row, seeds) for row in rows}
    lines = [[name, *(cells[name, budget] for budget in budgets)] for name in names]
    return markdown_table([key, *(counted(budget, "epochs") for budget in budgets)], lines)


def _bills(rows: list[dict[str, Any]]) -> str:
    """Both bills of both nets at each budget, in images."""
    of_control = "of the uniform net"
    heading = ["epochs", "images after the last cut", of_control, "images paid", of_control]
    columns = ("images_after_cut", "images_after_cut_control", "images_paid", "images_paid_control")
    lines = [
        [row["budget"], *("" if row[column] is None else f"{row[column]:,.0f}" for column in columns)]
        for row in rows
        if row["component"] == LEAD
    ]
    return markdown_table(heading, lines)


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """Why there is no estimate, each reason once."""
    lines = []
    for note in dict.fromkeys(row["note"] for row in rows if row["note"]):
        own = [row for row in rows if row["note"] == note]
        components, budgets = (dict.fromkeys(str(row[key]) for row in own) for key in ("component", "budget"))
        lines.append(f"- {listed(components)} at {listed(budgets)} epochs: {note}.")
    return ["", *lines] if lines else []


def _estimate(row: Mapping[str, Any], study_seeds: int = 0) -> str:
    """A mean, its interval, seeds set apart, and how many of the study's seeds these are if some lack nets.

    Empty where there is no mean.
    """
    if row["mean"] is None:
        return ""
    interval = "" if row["low"] is None else f" ({row['low']:+.2f} to {row['high']:+.2f})"
    complete = row["n"] + row["collapsed"]
    apart = (
        f"; {row['collapsed']} of {complete} seeds apart, all: {row['mean_all']:+.2f}"
        if row["collapsed"]
        else ""
    )
    fewer = f"; {complete} of {study_seeds} seeds have these nets" if complete < study_seeds else ""
    return f"{row['mean']:+.2f}{interval}{apart}{fewer}"
