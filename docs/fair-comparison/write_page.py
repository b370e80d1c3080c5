"""Writes this folder's README.md from the study's documents.

    PYTHONPATH=workflow python docs/fair-comparison/write_page.py

Sentences stand in `page.md.jinja`, every number comes from `results/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from filterbench.analysis.blind import blind_cells
from filterbench.analysis.collapses import collapsed
from filterbench.analysis.equal_training import UNIFORM
from filterbench.analysis.estimates import Estimate, by_target, pooled
from filterbench.analysis.seeds import t_interval
from filterbench.analysis.wording import times
from filterbench.domain.names import short
from filterbench.models.registry import MODELS
from filterbench.plotting.style import style_of

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RESULTS = HERE / "results"
STUDY = REPOSITORY / "studies/fair.yaml"
# Of docs/verdicts.md; all others are (g), one per searched pruner.
LETTERS = {
    "strict-params": "a",
    "equal-flops": "b",
    "one-shot-similar": "c",
    "netadapt-compression": "d",
    "annealing-beats-random": "e",
    "seeing-beats-blind": "f",
    "inherited-beats-scratch": "h",
}
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
        return times(float((cells[f"{cost}_original"] / cells[f"{cost}_compact"]).mean()))

    def speed(self, model: str, pruner: str, sparsity: float) -> str:
        """How many times as fast as through the unpruned net a batch is, the mean over seeds."""
        return times(float(self._speeds(model, pruner, sparsity).mean()))

    def rows_slower(self, pairs: Mapping[str, str]) -> dict[str, int]:
        """In how many of all targets a searched net takes longer than its uniform one."""
        found = [
            self._speeds(model, pairs[pruner], target) - self._speeds(model, pruner, target)
            for model in self.models
            for pruner in pairs
            for target in self.targets(model)
        ]
        return {
            "mean": sum(values.mean() > 0 for values in found),
            "interval": sum(t_interval(values.dropna().to_list())[0] > 0 for values in found),
            "all": len(found),
        }

    def _speeds(self, model: str, pruner: str, sparsity: float) -> pd.Series:
        """By seed how many times as fast as through the unpruned net a batch is."""
        times_of = self.latencies[model]
        cells = times_of[(times_of["pruner"] == pruner) & (times_of["sparsity"] == sparsity)]
        return (cells["latency_original"] / cells["latency_compact"]).set_axis(cells["seed"])

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

    def pooled_lead(self, model: str, pruner: str, other: str, training: str) -> str:
        """The difference pooled over all sparsities within each seed."""
        return _said(pooled(*self._apart(model, pruner, other, training)))

    def lead_together(self, model: str, pruner: str, other: str, sparsity: float, training: str) -> str:
        """The difference at a sparsity, with an interval that holds together with those of all others."""
        return _said(by_target(*self._apart(model, pruner, other, training))[sparsity])

    def _apart(self, model: str, pruner: str, other: str, training: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Differences of all seeds and sparsities in points, and whether a net of the two collapsed."""
        nets = self._chosen(model).pivot(
            index="seed", columns=["pruner", "sparsity"], values=COLUMNS[training]
        )
        fell = nets.apply(collapsed)
        return 100 * (nets[pruner] - nets[other]), fell[pruner] | fell[other]

    def mean_lead(self, model: str, pruner: str, other: str, sparsity: float, training: str) -> str:
        """The mean of that difference alone, without a sign."""
        return f"{abs(np.mean(self.differences(model, pruner, other, [sparsity], training)[sparsity])):.1f}"

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
        """How many of a pruner's choices were blind, and in how many of its cells all were."""
        cells = self._chosen(model, pruner=pruner)
        choices, of_them = (int(cells[f"search_{name}"].sum()) for name in ("choices", "blind_choices"))
        return (
            f"{of_them} of {choices} choices (all choices in {len(blind_cells(cells))} of {len(cells)} cells)"
        )

    def changed_arguments(self) -> dict[str, str]:
        """By pruner its arguments that are not NNI's."""
        tables = pd.concat(self.tables.values())
        known = tables.dropna(subset="arguments_changed").groupby("pruner", sort=False)["arguments_changed"]
        return {str(name): f"`{changed.iloc[0]}`" for name, changed in known}

    def asked(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The verdicts that the page shows, each with its letter in docs/verdicts.md."""
        for key, verdict in self.verdicts.items():
            yield LETTERS.get(key, "g"), verdict

    def infeasible(self, model: str) -> int:
        """How many of the model's cells are infeasible."""
        return int(self.tables[model]["infeasible"].notna().sum())

    def _chosen(self, model: str, **values: Any) -> pd.DataFrame:
        cells = self.tables[model]
        for column, value in values.items():
            cells = cells[cells[column] == value]
        return cells


def _said(estimate: Estimate) -> str:
    """A mean difference with its interval and, where a net collapsed, the mean of all seeds."""
    said = f"{estimate.mean:+.1f} ({estimate.low:+.1f} to {estimate.high:+.1f})"
    if not estimate.collapsed:
        return said
    seeds = "seed" if estimate.collapsed == 1 else "seeds"
    return f"{said}; without {estimate.collapsed} {seeds} that collapsed, with all {estimate.mean_all:+.1f}"


def page() -> str:
    """This folder's README.md."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.get_template("page.md.jinja").render(
        study=Study(),
        uniform=UNIFORM,
        short=short,
        label=lambda pruner: style_of(pruner).label,
    )


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(), encoding="utf-8")
