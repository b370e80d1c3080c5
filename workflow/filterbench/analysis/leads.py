"""What a searching pruner's lead over a uniform net is made of (docs/leads.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np
import pandas as pd

from filterbench.analysis.controls import layers_of, uniform_flops_of, with_uniform
from filterbench.analysis.estimates import Estimate, by_target, pooled
from filterbench.analysis.nets import FINETUNED, FURTHEST, SCRATCH, Cells, Nets, at_epochs
from filterbench.analysis.seeds import CONFIDENCE
from filterbench.analysis.wording import listed

LEAD, ALLOCATION, INHERITANCE, TRAINED = "lead", "allocation", "inheritance", "trained weights"
RECOVERY, EQUAL_BILL, EQUAL_FLOPS = "recovery", "lead at equal bill", "lead at equal FLOPs"
OVER_SCRATCH, TOGETHER = "lead over scratch", "parts together"
PARTS = (ALLOCATION, INHERITANCE, TRAINED)
COMPONENTS = {
    LEAD: "the pruner's own net minus the uniform net with its params",
    ALLOCATION: "the pruner's shape minus the uniform shape, both trained from scratch",
    INHERITANCE: "what the unpruned net's weights add to training from scratch in the pruner's shape, less "
    "what they add in the uniform shape",
    TRAINED: "the pruner's own net minus its shape cut plainly from the unpruned net",
    TOGETHER: "allocation, inheritance and trained weights: the lead over the seeds that these rest on",
    RECOVERY: "the uniform net minus itself after as many more epochs as the pruner's search cost",
    EQUAL_BILL: "lead and recovery: the pruner's own net minus the uniform net that cost as many images",
    EQUAL_FLOPS: "the pruner's own net minus the uniform net with its FLOPs",
    OVER_SCRATCH: "the pruner's own net minus its shape trained from scratch",
}
ALL = "all"


@dataclass(frozen=True)
class Lead:
    """One component of a pruner's lead at a training budget.

    Attributes:
        model: name of the model.
        pruner: the searching pruner.
        control: the uniform net that it is compared with.
        budget: epochs after the last cut.
        component: a key of `COMPONENTS`.
        nets: the component, in percentage points by seed and target.
        bills: by column of the report, images by seed and target.
        epochs: at equal bill, how long the uniform net would be fine-tuned, by seed and target.
        note: a remark for readers.
    """

    model: str
    pruner: str
    control: str
    budget: int
    component: str
    nets: Nets
    bills: dict[str, pd.DataFrame] = field(default_factory=dict)
    epochs: pd.DataFrame | None = None
    note: str = ""

    @property
    def targets(self) -> list[str]:
        """The targets that both the pruner and its control reach, in rising order."""
        return list(self.nets.values.columns)

    def estimate(self, target: str = ALL, level: float = CONFIDENCE) -> Estimate:
        """The mean over seeds, of one target by itself or pooled over all, with an interval of this level."""
        asked = self.nets if target == ALL else self.nets.at([target])
        return pooled(asked.values, asked.apart, level)

    def estimates(self) -> dict[str, Estimate]:
        """By target the means over seeds, with simultaneous intervals, after the one pooled over `all`."""
        each = by_target(self.nets.values, self.nets.apart)
        return {ALL: self.estimate(), **{target: each[target] for target in self.targets}}

    def why_missing(self, target: str = ALL) -> str:
        """Why no seed has a value, in words; empty where one has."""
        targets = self.targets if target == ALL else [target]
        if not self.nets.values[targets].dropna().empty:
            return ""
        if self.nets.lacking:
            return f"the study has no {listed(self.nets.lacking)}"
        if self.epochs is not None:
            longest = float(np.nanmax(self.epochs[targets].to_numpy()))
            limit = f"more than {FURTHEST} times the study's largest training budget"
            return f"the uniform net would be fine-tuned for up to {longest:.4g} epochs, {limit}"
        return "no seed has all of its nets"


def training_budgets(table: pd.DataFrame) -> list[int]:
    """The training budgets that a table of cells has accuracies at, in epochs, in rising order."""
    found = (re.fullmatch(rf"{FINETUNED}_(\d+)", str(column)) for column in table)
    return sorted(int(match[1]) for match in found if match)


def leads(table: pd.DataFrame) -> list[Lead]:
    """All components of the leads of all pruners with a uniform control, from rows of `comparison.csv`."""
    found = []
    for model, rows in table.groupby("model", sort=False):
        cells, budgets = Cells(rows), training_budgets(rows)
        for pruner, control in with_uniform(list(dict.fromkeys(rows["pruner"]))).items():
            apart = _TakenApart(str(model), cells, pruner, control, budgets)
            found += [lead for budget in budgets for lead in apart.at(budget) if lead.targets]
    return found


@dataclass(frozen=True)
class _TakenApart:
    """A pruner's lead on a model, to be taken apart."""

    model: str
    cells: Cells
    pruner: str
    uniform: str
    budgets: list[int]

    def at(self, budget: int) -> list[Lead]:
        """All components at a training budget."""
        own, uniform = (self._nets(name, budget) for name in (self.pruner, self.uniform))
        shape, uniform_shape = (
            self.cells.nets(name, SCRATCH, budget) for name in (self.pruner, self.uniform)
        )
        layers, by_construction = self._layers(budget)
        same_flops = uniform_flops_of(self.pruner)
        longer = self._epochs_at_equal_bill(budget)
        as_paid = at_epochs({each: self._nets(self.uniform, each) for each in self.budgets}, longer)
        parts = _of_the_same_seeds(
            {
                ALLOCATION: shape - uniform_shape,
                INHERITANCE: (layers - shape) - (uniform - uniform_shape),
                TRAINED: own - layers,
            }
        )
        lead = own - uniform
        targets = lead.values.dropna(axis="columns", how="all").columns.to_list()

        bills_of = {control: self._bills(budget, control) for control in (self.uniform, same_flops, "")}

        def make(component: str, nets: Nets, control: str = self.uniform, note: str = "") -> Lead:
            bills = {name: frame[targets] for name, frame in bills_of[control].items()}
            epochs = longer[targets] if component in (RECOVERY, EQUAL_BILL) else None
            nets = nets.at(targets)
            return Lead(self.model, self.pruner, control, budget, component, nets, bills, epochs, note)

        return [
            make(LEAD, lead),
            make(ALLOCATION, parts[ALLOCATION]),
            make(INHERITANCE, parts[INHERITANCE]),
            make(TRAINED, parts[TRAINED], note=by_construction),
            make(TOGETHER, _sum(parts)),
            make(RECOVERY, uniform - as_paid),
            make(EQUAL_BILL, own - as_paid),
            make(EQUAL_FLOPS, own - self._nets(same_flops, budget), control=same_flops),
            make(OVER_SCRATCH, own - shape, control=""),
        ]

    def _nets(self, pruner: str, budget: int) -> Nets:
        return self.cells.nets(pruner, FINETUNED, budget)

    def _layers(self, budget: int) -> tuple[Nets, str]:
        """The pruner's shape cut plainly: a control or, if its search trains nothing, its own net."""
        control = layers_of(self.pruner)
        trained = self.cells.column(self.pruner, "images_trained").max(axis=None)
        if not self.cells.of(control) and trained == 0:
            return self._nets(self.pruner, budget), "0 by construction: its search trains nothing"
        return self._nets(control, budget), ""

    def _epochs_at_equal_bill(self, budget: int) -> pd.DataFrame:
        """Epochs after which the uniform net has cost as many images as the pruner's own net."""
        paid = [self.cells.column(name, f"images_paid_{budget}") for name in (self.pruner, self.uniform)]
        an_epoch = self.cells.column(self.uniform, f"images_after_cut_{budget}") / budget
        return budget + (paid[0] - paid[1]) / an_epoch

    def _bills(self, budget: int, control: str) -> dict[str, pd.DataFrame]:
        return {
            f"{bill}{suffix}": self.cells.column(name, f"{bill}_{budget}")
            for name, suffix in ((self.pruner, ""), (control, "_control"))
            for bill in ("images_after_cut", "images_paid")
        }


def _of_the_same_seeds(parts: dict[str, Nets]) -> dict[str, Nets]:
    """The parts restricted to the nets where all are known, so that their means add up, too.

    A seed is set apart in all parts if it is in one. If all parts are known nowhere, each stays as it is.
    """
    whole = _sum(parts)
    known = whole.values.notna()
    if not known.any(axis=None):
        return parts
    return {name: Nets(nets.values.where(known), whole.apart, nets.lacking) for name, nets in parts.items()}


def _sum(parts: dict[str, Nets]) -> Nets:
    return reduce(add, parts.values())
