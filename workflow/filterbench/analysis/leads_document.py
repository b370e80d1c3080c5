"""`leads.csv` and `leads.json`: leads taken apart, their crossings and the answers to a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from filterbench.analysis.answers import Answer, answers
from filterbench.analysis.controls import with_uniform
from filterbench.analysis.crossings import Crossing, crossings, sentence
from filterbench.analysis.estimates import DIGITS, Estimate, json_number
from filterbench.analysis.hypotheses import ALPHA
from filterbench.analysis.leads import ALL, COMPONENTS, Lead, leads, training_budgets
from filterbench.analysis.nets import FURTHEST, Cells
from filterbench.analysis.questions import Question
from filterbench.analysis.seeds import CONFIDENCE

BILLS = ("images_after_cut", "images_paid", "images_after_cut_control", "images_paid_control")
COLUMNS = [
    *("model", "pruner", "control", "target", "budget", "component"),
    *Estimate.__dataclass_fields__,
    *(*BILLS, "epochs_control", "note"),
]


def leads_document(source: str, table: pd.DataFrame, questions: Sequence[Question] = ()) -> dict[str, Any]:
    """`leads.json` from rows of `comparison.csv` of all models and the questions of the study's plan, if any.

    `source` says what the cells are.
    """
    found = leads(table)
    return {
        "source": source,
        "definitions": {
            "components": COMPONENTS,
            "interval_level": CONFIDENCE,
            "test_level": ALPHA,
            "furthest_extrapolation": FURTHEST,
        },
        "budgets": training_budgets(table),
        "pairs": _pairs(table, found),
        "leads": [
            _row(lead, target, estimate) for lead in found for target, estimate in lead.estimates().items()
        ],
        "crossings": [
            _crossing(model, pruner, target, crossed)
            for (model, pruner), by_target in crossings(found).items()
            for target, crossed in by_target.items()
        ],
        "answers": [_answer(each) for each in answers(questions, found)],
    }


def leads_table(document: Mapping[str, Any]) -> pd.DataFrame:
    """`leads.csv` from `leads.json`: one row per model, pruner, target or `all`, budget and component."""
    return pd.DataFrame(document["leads"], columns=COLUMNS)


def _pairs(table: pd.DataFrame, found: Sequence[Lead]) -> list[dict[str, object]]:
    """By model, each pruner with its control, and the targets at which they are compared or not."""
    targets = {(lead.model, lead.pruner): lead.targets for lead in found}
    pairs: list[dict[str, object]] = []
    for model, rows in table.groupby("model", sort=False):
        cells = Cells(rows)
        for pruner, control in with_uniform(list(dict.fromkeys(rows["pruner"]))).items():
            reached = targets.get((str(model), pruner), [])
            left_out = [target for target in cells.of(pruner) if target not in reached]
            names = {"model": str(model), "pruner": pruner, "control": control, "seeds": len(cells.seeds)}
            pairs.append({**names, "targets": reached, "left_out": left_out})
    return pairs


def _row(lead: Lead, target: str, estimate: Estimate) -> dict[str, object]:
    """A component's row at a target, or pooled over `all`."""
    targets = lead.targets if target == ALL else [target]
    epochs = lead.budget if lead.epochs is None else _mean(lead.epochs[targets])
    return {
        "model": lead.model,
        "pruner": lead.pruner,
        "control": lead.control or None,
        "target": target,
        "budget": lead.budget,
        "component": lead.component,
        **estimate.document(),
        **{bill: json_number(_mean(lead.bills[bill][targets]), 0) for bill in BILLS},
        "epochs_control": json_number(epochs),
        "note": lead.why_missing(target) or lead.note,
    }


def _mean(frame: pd.DataFrame) -> float:
    return float(pd.Series(frame.to_numpy(dtype=float).ravel()).mean())


def _crossing(model: str, pruner: str, target: str, crossed: Crossing) -> dict[str, object]:
    def rounded(ranges: list[tuple[float, float]]) -> list[list[float]]:
        return [[round(end, DIGITS) for end in each] for each in ranges]

    return {
        "model": model,
        "pruner": pruner,
        "target": target,
        "n": crossed.seeds,
        "collapsed": crossed.collapsed,
        "zeros": [round(zero, DIGITS) for zero in crossed.zeros],
        "undecided": rounded(crossed.undecided),
        "positive": rounded(crossed.positive),
        "negative": rounded(crossed.negative),
        "sentence": sentence(pruner, crossed),
    }


def _answer(each: Answer) -> dict[str, object]:
    return {
        **asdict(each.question),
        "statement": each.question.statement(),
        "answer": each.answer,
        **each.estimate.document(),
        "p_holds": round(each.p_holds, DIGITS),
        "p_fails": round(each.p_fails, DIGITS),
        "note": each.note,
    }
