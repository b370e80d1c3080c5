"""The numbers of a study of leads, as this folder's page says them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from filterbench.analysis.hypotheses import OPEN
from filterbench.analysis.leads import ALL, EQUAL_FLOPS, LEAD, PARTS, leads
from filterbench.analysis.leads_document import leads_document, leads_table
from filterbench.analysis.leads_page import interim
from filterbench.analysis.questions import read_questions
from filterbench.analysis.seeds import bonferroni, t_interval
from filterbench.analysis.wording import counted, listed, times
from filterbench.models.registry import MODELS

# Components in the table of a model.
TABLED = (LEAD, *PARTS, EQUAL_FLOPS)


class Study:
    """The tables of a study, as the page asks them.

    Args:
        file: the study.
        results: the folder of its tables.
    """

    def __init__(self, file: Path, results: Path) -> None:
        self.config = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.models = {name: MODELS[name].label for name in self.config["models"]}
        self.cells = {name: pd.read_csv(results / name / "comparison.csv") for name in self.models}
        self.questions = read_questions(file.parent / self.config["plan"])
        table = pd.concat(self.cells.values(), ignore_index=True)
        self.document = leads_document(f"study {self.config['study']}", table, self.questions)
        self.leads = leads_table(self.document)
        self.components = {
            (lead.model, lead.pruner, lead.component, lead.budget): lead for lead in leads(table)
        }

    @property
    def budgets(self) -> list[int]:
        """Training budgets, epochs after the last cut."""
        return self.document["budgets"]

    def pruners(self, model: str) -> list[str]:
        """The model's searching pruners."""
        return [pair["pruner"] for pair in self.document["pairs"] if pair["model"] == model]

    def seeds(self, model: str) -> int:
        """How many seeds of a model there are."""
        return int(self.cells[model]["seed"].nunique())

    def factor(self, model: str, pruner: str) -> str:
        """How many times fewer params a pruner's nets have than the unpruned one, the mean over seeds."""
        cells = self._of(model, pruner)
        return times(float((cells["params_original"] / cells["params_compact"]).mean()))

    def accuracy(self, model: str, pruner: str, budget: int) -> str:
        """Mean test accuracy over seeds after a training budget, per cent."""
        return f"{self._by_seed(model, pruner, budget).mean():.1f}"

    def unpruned(self, model: str) -> str:
        """Mean test accuracy of the unpruned nets, per cent."""
        return f"{100 * self.cells[model]['performance_original'].mean():.1f}"

    def said(self, model: str, pruner: str, component: str, budget: int) -> str:
        """A component in points, with its 95 % interval, and seeds that were set apart."""
        return said(row_of(self.leads, model, pruner, component, budget))

    def said_together(self, model: str, pruner: str, component: str, budget: int) -> str:
        """The same with an interval that holds together with all others of the pruner's rows (Bonferroni).

        In bold if it excludes zero.
        """
        level = bonferroni(len(TABLED) * len(self.budgets))
        found = self.components[model, pruner, component, budget].estimate(level=level)
        words = said(found.document())
        return f"**{words}**" if found.low > 0 or found.high < 0 else words

    def points(self, model: str, pruner: str, component: str, budget: int) -> str:
        """The same for a sentence that says the direction: without plus signs."""
        return self.said(model, pruner, component, budget).replace("+", "").replace("-0.0 ", "0.0 ")

    def fall(self, model: str, pruner: str) -> str:
        """By how many points the lead falls from the first to the last training budget, with its interval."""
        first, last = (self._lead(model, pruner, budget) for budget in (self.budgets[0], self.budgets[-1]))
        return mean_of(first - last)

    def beyond_shapes(self, model: str, pruner: str, budget: int) -> str:
        """How much larger the lead is than that of the shapes from scratch, points."""
        own, uniform = (
            self._by_seed(model, name, budget, "performance_scratch")
            for name in (pruner, self._control(model, pruner))
        )
        return mean_of(self._lead(model, pruner, budget) - (own - uniform))

    def below_scratch(self, model: str, pruner: str, shape: str, budget: int) -> str:
        """How many points a net is below its shape trained from scratch, the mean over seeds."""
        scratch = self._by_seed(model, shape, budget, "performance_scratch")
        return f"{(scratch - self._by_seed(model, pruner, budget)).mean():.1f}"

    def gap(self, model: str, pruner: str, control: str, cost: str = "params") -> str:
        """How many per cent fewer params or FLOPs a control's net has, the mean and the most."""
        fewer = 100 * (1 - self._count(model, control, cost) / self._count(model, pruner, cost))
        return f"{fewer.mean():.0f} % (mean), at most {fewer.max():.0f} %"

    def gap_worth(self, model: str, pruner: str, uniform: str, larger: str, budget: int) -> str:
        """What that gap in params is worth by the accuracies of two uniform nets, points.

        Accuracy is taken as linear in the logarithm of params between them.
        """
        own, few, many = (np.log(self._count(model, name, "params")) for name in (pruner, uniform, larger))
        gain = self._by_seed(model, larger, budget) - self._by_seed(model, uniform, budget)
        return f"{(gain * (own - few) / (many - few)).mean():.1f}"

    def lead_of_subset(self, model: str, pruner: str, subset: int, budget: int) -> str:
        """The lead over the seeds of one training subset, counted from 0."""
        lead = self._lead(model, pruner, budget)
        return mean_of(lead[lead.index % self.config["dataset"]["train_subsets"] == subset])

    def times_the_flops(self, model: str, pruner: str, control: str) -> str:
        """How many times as many FLOPs a pruner's net has as a control's, the mean over seeds."""
        ratio = self._count(model, pruner, "flops") / self._count(model, control, "flops")
        return times(float(ratio.mean()))

    def times_the_params(self, model: str, pruner: str, control: str) -> str:
        """How many times as many params a control's net has as a pruner's, the mean over seeds."""
        ratio = self._count(model, control, "params") / self._count(model, pruner, "params")
        return times(float(ratio.mean()))

    def blind(self, model: str, pruner: str) -> str:
        """How many of a search's choices had no candidate above chance."""
        cells = self._of(model, pruner)
        return f"{cells['search_blind_choices'].sum():.0f} of {cells['search_choices'].sum():.0f}"

    def with_collapsed(self, model: str, pruner: str, budget: int) -> str:
        """The lead over all seeds, those with a collapsed net included."""
        return mean_of(self._lead(model, pruner, budget))

    def crossings(self, model: str) -> dict[str, str]:
        """By pruner where its lead crosses zero, in a sentence, once all seeds of the model are there."""
        if self.seeds(model) < len(self.config["seeds"]):
            return {}
        return {
            each["pruner"]: each["sentence"] + _of_seeds(each)
            for each in self.document["crossings"]
            if (each["model"], each["target"]) == (model, ALL)
        }

    def few(self) -> str:
        """Which models have fewer seeds than were planned."""
        planned = len(self.config["seeds"])
        few = {label: self.seeds(name) for name, label in self.models.items() if self.seeds(name) < planned}
        there = [f"{label} has {counted(seeds, 'seeds')}" for label, seeds in few.items()]
        return f"{listed(there)} of {planned}" if there else ""

    def factors(self) -> list[str]:
        """By model how many times fewer params AutoCompress's nets have, with the model's name."""
        return [
            f"{self.factor(name, 'AutoCompressPruner')} on {label}" for name, label in self.models.items()
        ]

    def answered(self, answer: Mapping[str, Any]) -> str:
        """The estimate of an answer to the plan, or why there is none."""
        return answer["note"] if answer["mean"] is None else said(answer)

    def decided(self) -> int:
        """How many of the plan's questions are decided, by all of their seeds."""
        return sum(each["answer"] != OPEN and not self.interim(each) for each in self.document["answers"])

    def interim(self, answer: Mapping[str, Any]) -> bool:
        """Whether the study has fewer seeds of the question's model than were planned."""
        return interim(self.document, answer)

    def _by_seed(
        self, model: str, pruner: str, budget: int, column: str = "performance_finetuned"
    ) -> pd.Series:
        """Test accuracies after a training budget, in per cent."""
        return 100 * self._of(model, pruner).set_index("seed")[f"{column}_{budget}"]

    def _lead(self, model: str, pruner: str, budget: int) -> pd.Series:
        """A pruner's accuracy minus its uniform control's after a training budget, points by seed."""
        control = self._control(model, pruner)
        return self._by_seed(model, pruner, budget) - self._by_seed(model, control, budget)

    def _control(self, model: str, pruner: str) -> str:
        """The uniform net that a pruner is compared with."""
        (control,) = (
            pair["control"]
            for pair in self.document["pairs"]
            if (pair["model"], pair["pruner"]) == (model, pruner)
        )
        return control

    def _count(self, model: str, pruner: str, cost: str) -> pd.Series:
        """Params or FLOPs of a pruner's nets, by seed."""
        return self._of(model, pruner).set_index("seed")[f"{cost}_compact"]

    def _of(self, model: str, pruner: str) -> pd.DataFrame:
        return self.cells[model][self.cells[model]["pruner"] == pruner]


def row_of(table: pd.DataFrame, model: str, pruner: str, component: str, budget: int) -> Mapping[str, Any]:
    """The row of a table of leads that pools all targets."""
    chosen = {"model": model, "pruner": pruner, "component": component, "budget": budget, "target": ALL}
    for column, value in chosen.items():
        table = table[table[column] == value]
    (row,) = table.to_dict("records")
    return row


def mean_of(differences: pd.Series) -> str:
    """A mean over the seeds that have one, with its 95 % t interval."""
    low, high = t_interval(differences.dropna().to_list())
    return f"{differences.mean():z.1f} ({low:z.1f} to {high:z.1f})"


def _of_seeds(crossing: Mapping[str, Any]) -> str:
    apart = "in which no net collapsed at any budget"
    return f" Over the {crossing['n']} seeds {apart}." if crossing["collapsed"] else ""


def said(row: Mapping[str, Any]) -> str:
    """A mean with its interval and, where nets collapsed, how many seeds are left out and the mean of all."""
    if pd.isna(row["mean"]):
        return "-"
    about = []
    if not pd.isna(row["low"]):
        about.append(f"{row['low']:+.1f} to {row['high']:+.1f}")
    if row["collapsed"]:
        left_out = f"{row['collapsed']:.0f} of {counted(int(row['n'] + row['collapsed']), 'seeds')} left out"
        about.append(f"{left_out}, with all {row['mean_all']:+.1f}")
    return f"{row['mean']:+.1f}" + (f" ({'; '.join(about)})" if about else "")
