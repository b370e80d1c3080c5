"""Writes this folder's README.md, and what the repository's says was found, from the study's documents.

    PYTHONPATH=workflow python docs/fair-comparison/write_page.py

Sentences stand in `page.md.jinja` and `findings.md.jinja`, every number comes from `results/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from filterbench.analysis.blind import blind_cells
from filterbench.analysis.equal_training import UNIFORM
from filterbench.analysis.seeds import t_interval
from filterbench.analysis.wording import short, times
from filterbench.models.registry import MODELS
from filterbench.plotting.style import style_of

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RESULTS = HERE / "results"
STUDY = REPOSITORY / "studies/fair.yaml"
README = REPOSITORY / "README.md"
FINDINGS = re.compile(r"(<!-- findings -->\n).*?(<!-- end of findings -->\n)", re.DOTALL)
COLUMNS = {"published": "performance_finetuned", "equal": "performance_equal"}


class Study:
    """The study's tables, as the page asks them."""

    def __init__(self) -> None:
        self.config = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
        self.models = {name: MODELS[name].label for name in self.config["models"]}
        self.tables = {name: pd.read_csv(RESULTS / name / "comparison.csv") for name in self.models}
        self.latencies = {name: pd.read_csv(RESULTS / name / "shape_latency.csv") for name in self.models}
        documents = [
            json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("verdicts", "verdicts-latency")
        ]
        self.verdicts = {each["key"]: each for document in documents for each in document["verdicts"]}

    def targets(self, model: str) -> list[float]:
        """The sparsities that the model was pruned to."""
        return sorted(self.tables[model]["sparsity"].unique())

    def pruners(self, model: str) -> list[str]:
        """The model's pruners and controls, in the study's order."""
        return list(dict.fromkeys(self.tables[model]["pruner"]))

    def number(self, model: str, column: str, **chosen: Any) -> float:
        """The mean of a column over the cells that are chosen by others."""
        return float(self._chosen(model, **chosen)[column].mean())

    def accuracy(self, model: str, pruner: str, sparsity: float, training: str) -> str:
        """Mean test accuracy over seeds in per cent, with how many seeds were infeasible."""
        cells = self._chosen(model, pruner=pruner, sparsity=sparsity)
        known = cells[COLUMNS[training]].dropna()
        if known.empty:
            return "-"
        lost = len(cells) - len(known)
        return f"{100 * known.mean():.1f}" + (f" ({lost} of {len(cells)} infeasible)" if lost else "")

    def factor(self, model: str, pruner: str, sparsity: float, cost: str = "params") -> str:
        """How many times fewer, the mean over seeds."""
        cells = self._chosen(model, pruner=pruner, sparsity=sparsity)
        return times(float((cells[f"{cost}_original"] / cells[f"{cost}_speedup"]).mean()))

    def speed(self, model: str, pruner: str, sparsity: float) -> str:
        """How many times as fast as through the unpruned net a batch is, the mean over seeds."""
        times_of = self.latencies[model]
        cells = times_of[(times_of["pruner"] == pruner) & (times_of["sparsity"] == sparsity)]
        return times(float((cells["latency_original"] / cells["latency_speedup"]).mean()))

    def rows_slower(self, pairs: Mapping[str, str]) -> str:
        """In how many of all targets a searched net takes longer than its uniform one."""
        speeds = [
            [float(self.speed(model, name, target)) for name in (pruner, pairs[pruner])]
            for model in self.models
            for pruner in pairs
            for target in self.targets(model)
        ]
        return f"{sum(searched < other for searched, other in speeds)} of {len(speeds)}"

    def original_times(self, model: str) -> str:
        """The smallest and the largest median of a batch through the unpruned net, ms."""
        times_of = self.latencies[model]["latency_original"]
        return f"{times_of.min():.1f} to {times_of.max():.1f}"

    def measured(self) -> dict[str, Any]:
        """How and where latencies were measured."""
        return self.latencies[next(iter(self.models))].iloc[0].to_dict()

    def lead(self, model: str, pruner: str, other: str, sparsity: float, training: str) -> str:
        """One pruner's accuracy minus another's at a sparsity, in points, with its 95 % interval."""
        points = self.differences(model, pruner, other, [sparsity], training)[sparsity]
        if not points:
            return "-"
        low, high = t_interval(points)
        return f"{np.mean(points):+.1f} ({low:+.1f} to {high:+.1f})"

    def mean_lead(self, model: str, pruner: str, other: str, sparsity: float, training: str) -> str:
        """The mean of that difference alone, without a sign."""
        return f"{abs(np.mean(self.differences(model, pruner, other, [sparsity], training)[sparsity])):.1f}"

    def leads(self, model: str, pruner: str, other: str, training: str) -> str:
        """The smallest and the largest of the mean differences over all sparsities."""
        points = self.differences(model, pruner, other, self.targets(model), training)
        means = [float(np.mean(values)) for values in points.values() if values]
        return f"between {min(means):+.1f} and {max(means):+.1f}"

    def rows_with_more_flops(self, pairs: Mapping[str, str]) -> str:
        """In how many of all targets a searched net has more FLOPs than its uniform one."""
        flops = [
            [
                self.number(model, "flops_speedup", pruner=name, sparsity=target)
                for name in (pruner, pairs[pruner])
            ]
            for model in self.models
            for pruner in pairs
            for target in self.targets(model)
        ]
        return f"{sum(searched > other for searched, other in flops)} of {len(flops)}"

    def differences(
        self, model: str, pruner: str, other: str, sparsities: Iterable[float], training: str
    ) -> dict[float, list[float]]:
        """By sparsity the paired differences of all seeds that have both cells, in points."""
        found = {}
        for sparsity in sparsities:
            values = [
                self._chosen(model, pruner=name, sparsity=sparsity).set_index("seed")[COLUMNS[training]]
                for name in (pruner, other)
            ]
            found[sparsity] = (100 * (values[0] - values[1])).dropna().to_list()
        return found

    def blind(self, model: str, pruner: str) -> str:
        """With how many of its cells a pruner's search had no candidate above chance."""
        cells = self._chosen(model, pruner=pruner)
        return f"{len(blind_cells(cells))} of {len(cells)}"

    def infeasible(self, model: str) -> int:
        """How many of the model's cells are infeasible."""
        return int(self.tables[model]["infeasible"].notna().sum())

    def _chosen(self, model: str, **values: Any) -> pd.DataFrame:
        cells = self.tables[model]
        for column, value in values.items():
            cells = cells[cells[column] == value]
        return cells


def rendered(template: str) -> str:
    """A template of this folder with the study's numbers."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.get_template(template).render(
        study=Study(),
        uniform=UNIFORM,
        short=short,
        label=lambda pruner: style_of(pruner, 0).label,
    )


def page() -> str:
    """This folder's README.md."""
    return rendered("page.md.jinja")


def readme() -> str:
    """The repository's README.md with what was found."""
    text = README.read_text(encoding="utf-8")
    return FINDINGS.sub(lambda found: f"{found[1]}{rendered('findings.md.jinja')}{found[2]}", text)


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
