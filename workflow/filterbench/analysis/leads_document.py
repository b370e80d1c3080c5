"""`leads.csv` and `leads.json`: leads taken apart, their crossings and the answers to a plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from filterbench.analysis.answers import Answer, answers
from filterbench.analysis.claims import ALPHA
from filterbench.analysis.controls import with_uniform
from filterbench.analysis.crossings import Crossing, crossings, sentence
from filterbench.analysis.estimates import Estimate
from filterbench.analysis.leads import COMPONENTS, Lead, leads, training_budgets
from filterbench.analysis.nets import FURTHEST, Cells
from filterbench.analysis.questions import Question
from filterbench.analysis.seeds import LEVEL
from filterbench.analysis.wording import json_number

DIGITS = 4
BILLS = ("images_after_cut", "images_paid", "images_after_cut_control", "images_paid_control")
COLUMNS = (
    "model",
    "pruner",
    "control",
    "target",
    "budget",
    "component",
    *Estimate.__dataclass_fields__,
    *BILLS,
    "epochs_control",
    "note",
)


def leads_document(source: str, table: pd.DataFrame, questions: Sequence[Question] = ()) -> dict[str, Any]:
    """`leads.json`.

    Args:
        source: what the cells are.
        table: rows of `comparison.csv`, of all models.
        questions: of the study's plan; none where it has no plan.
    """
    found = leads(table)
    return {
        "source": source,
        "definitions": {
            "components": COMPONENTS,
            "interval_level": LEVEL,
            "test_level": ALPHA,
            "furthest_extrapolation": FURTHEST,
        },
        "budgets": training_budgets(table),
        "pairs": _pairs(table, found),
        "leads": [row for lead in found for row in _rows(lead)],
        "crossings": [
            _crossing(model, pruner, target, crossed)
            for (model, pruner), by_target in crossings(found).items()
            for target, crossed in by_target.items()
        ],
        "answers": [_answer(each) for each in answers(questions, found)],
    }


def leads_table(document: Mapping[str, Any]) -> pd.DataFrame:
    """`leads.csv` from `leads.json`: one row per model, pruner, target or `all`, budget and component."""
    return pd.DataFrame(document["leads"], columns=list(COLUMNS))


def _pairs(table: pd.DataFrame, found: Sequence[Lead]) -> list[dict[str, Any]]:
    """Which pruners are compared with which control on a model, and where."""
    targets = {(lead.model, lead.pruner): lead.targets for lead in found}
    pairs = []
    for model, rows in table.groupby("model", sort=False):
        cells = Cells(rows)
        for pruner, control in with_uniform(list(dict.fromkeys(rows["pruner"]))).items():
            reached = targets.get((str(model), pruner), [])
            left_out = [target for target in cells.of(pruner) if target not in reached]
            pairs.append(
                {
                    "model": str(model),
                    "pruner": pruner,
                    "control": control,
                    "targets": reached,
                    "left_out": left_out,
                }
            )
    return pairs


def _rows(lead: Lead) -> list[dict[str, Any]]:
    """A component's rows: pooled over all targets, then each target."""
    return [_row(lead, target, estimate) for target, estimate in lead.estimates().items()]


def _row(lead: Lead, target: str, estimate: Estimate) -> dict[str, Any]:
    targets = lead.targets if target == "all" else [target]
    epochs = lead.budget if lead.epochs is None else _mean(lead.epochs[targets])
    return {
        "model": lead.model,
        "pruner": lead.pruner,
        "control": lead.control or None,
        "target": target,
        "budget": lead.budget,
        "component": lead.component,
        **_estimate(estimate),
        **{bill: json_number(_mean(lead.bills[bill][targets]), 0) for bill in BILLS},
        "epochs_control": json_number(epochs, DIGITS),
        "note": lead.why_missing(target) or lead.note,
    }


def _mean(frame: pd.DataFrame) -> float:
    values = frame.to_numpy(dtype=float)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        name: value if isinstance(value, int) else json_number(value, DIGITS)
        for name, value in asdict(estimate).items()
    }


def _crossing(model: str, pruner: str, target: str, crossed: Crossing) -> dict[str, Any]:
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


def _answer(each: Answer) -> dict[str, Any]:
    question = each.question
    return {
        **asdict(question),
        "statement": question.statement(),
        "answer": each.answer,
        **_estimate(each.estimate),
        "p_holds": round(each.p_holds, DIGITS),
        "p_fails": round(each.p_fails, DIGITS),
        "note": each.note,
    }
