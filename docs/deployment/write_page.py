"""Writes docs/deployment.md from the study's documents.

    PYTHONPATH=workflow python docs/deployment/write_page.py

Sentences stand in `page.md.jinja`, every number comes from `results/` and `repeats.csv`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from filterbench.domain.names import short
from filterbench.models.registry import MODELS
from filterbench.study.cells import variants

HERE = Path(__file__).parent
PAGE = HERE.with_suffix(".md")
RESULTS = HERE / "results"
STUDY = HERE.parents[1] / "studies/deployment.yaml"
CELL = ["model", "pruner", "sparsity", "seed"]
BATCHES = {"single": "one image", "batch": "a batch"}


class Study:
    """The study's tables, as the page asks them."""

    def __init__(self) -> None:
        self.config = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
        self.models = {name: MODELS[name].label for name in self.config["models"]}
        self.rounded = variants(self.config)
        self.runtimes = self.config["latency"]["runtimes"]
        self.repeats = pd.read_csv(HERE / "repeats.csv")
        comparison, latency, self.int8 = (
            pd.concat(
                [pd.read_csv(RESULTS / model / f"{name}.csv") for model in self.models], ignore_index=True
            )
            for name in ("comparison", "latency", "int8")
        )
        known = [name for name in latency if name not in comparison or name in CELL]
        self.cells = comparison.merge(latency[known], on=CELL)

    @property
    def machine(self) -> str:
        """What the nets were timed on."""
        return str(self.cells["machine"].iloc[0])

    def correlation(self, model: str, form: str, cost: str, runtime: str, batch: str) -> str:
        """Rank correlation (Spearman) of a count and a latency over a model's cells of one form."""
        cells = self._of(model, form)
        return f"{cells[f'{cost}_compact'].corr(cells[self._ratio(runtime, batch)], method='spearman'):+.2f}"

    def slope(self, model: str, form: str, runtime: str, batch: str) -> str:
        """How many times faster a quarter of the FLOPs makes cells: the logarithms' fit through zero."""
        cells = self._of(model, form)
        flops = np.log(cells["flops_original"] / cells["flops_compact"])
        faster = -np.log(cells[self._ratio(runtime, batch)])
        return f"{4 ** ((flops * faster).sum() / (flops**2).sum()):.1f}"

    def slower(self, model: str, form: str, runtime: str, batch: str) -> str:
        """How many of a model's cells of one form take longer than the unpruned net."""
        cells = self._of(model, form)
        return f"{(cells[self._ratio(runtime, batch)] > 1).sum()} of {len(cells)}"

    def cell(self, model: str, pruner: str, sparsity: float) -> dict[str, str]:
        """How many times fewer FLOPs a cell has, and how many times faster it is, by runtime and batch."""
        cells = self._feasible(model)
        row = cells[(cells["pruner"] == pruner) & (cells["sparsity"] == sparsity)].iloc[0]
        faster = {
            f"{runtime}_{batch}": f"{1 / row[self._ratio(runtime, batch)]:.2f}"
            for runtime in self.runtimes
            for batch in BATCHES
        }
        return {"flops": f"{row['flops_original'] / row['flops_compact']:.1f}", **faster}

    def infeasible(self) -> str:
        """The cells that could not be made."""
        cells = self.cells[self.cells["infeasible"].notna()]
        named = [
            f"{self.models[row.model]}, {short(row.pruner)} at {row.sparsity:g}" for row in cells.itertuples()
        ]
        return "; ".join(named) or "none"

    def rounding(self, model: str, column: str) -> str:
        """The geometric mean of a column with rounded channels over the same without, and its range."""
        pairs = self._pairs(model)
        found = pairs[f"{column}_rounded"] / pairs[column]
        return f"{np.exp(np.log(found).mean()):.2f} ({found.min():.2f} to {found.max():.2f})"

    def rounding_time(self, model: str, runtime: str, batch: str) -> str:
        """The same of a latency."""
        return self.rounding(model, self._ratio(runtime, batch))

    def rounding_accuracy(self, model: str) -> str:
        """The mean and the range of the points that rounded channels gain."""
        pairs = self._pairs(model)
        gained = 100 * (pairs["performance_finetuned_rounded"] - pairs["performance_finetuned"])
        return f"{gained.mean():+.1f} ({gained.min():+.1f} to {gained.max():+.1f})"

    def rounding_seconds(self, pruner: str, rounded: str) -> tuple[str, str]:
        """Median seconds of `prune` without rounding and with it."""
        medians = (
            self.cells[self.cells["pruner"] == name]["seconds_prune"].median() for name in (pruner, rounded)
        )
        without, with_it = (f"{median:.2f}" for median in medians)
        return without, with_it

    def int8_loss(self, model: str, net: str) -> str:
        """Points that int8 takes: of the unpruned net, or the mean and the range of the pruned ones."""
        cells = self._quantised(model)
        lost = 100 * (cells[f"performance_{net}"] - cells[f"performance_{net}_int8"])
        if net == "original":
            return f"{lost.mean():+.2f}"
        return f"{lost.mean():+.2f} ({lost.min():+.2f} to {lost.max():+.2f})"

    def int8_speed(self, model: str, batch: str, net: str) -> str:
        """How many times faster a net is in int8 than in float32: geometric mean and range over cells."""
        cells = self._quantised(model)
        found = cells[f"latency_{batch}_{net}"] / cells[f"latency_{batch}_{net}_int8"]
        mean = f"{np.exp(np.log(found).mean()):.2f}"
        return mean if net == "original" else f"{mean} ({found.min():.2f} to {found.max():.2f})"

    def pruning_speed(self, model: str, form: str, batch: str, format_: str) -> str:
        """How many times faster pruned nets of one form are than the unpruned one, both in one format."""
        cells = self._quantised(model)
        cells = cells[self._has(cells, form)]
        found = cells[f"latency_{batch}_original{format_}"] / cells[f"latency_{batch}_finetuned{format_}"]
        return f"{np.exp(np.log(found).mean()):.2f} ({found.min():.2f} to {found.max():.2f})"

    def int8_size(self, model: str) -> str:
        """How many times smaller the ONNX model of a pruned net is in int8, mean over cells."""
        cells = self._quantised(model)
        return f"{(cells['onnx_bytes_finetuned'] / cells['onnx_bytes_finetuned_int8']).mean():.1f}"

    def spread(self, runtime: str, batch: str) -> str:
        """How far a cell's repeated ratios lie apart, in per cent of their mean; of the worst cell."""
        ratios = self.repeats.groupby("cell")[self._ratio(runtime, batch)]
        return f"{(100 * (ratios.max() - ratios.min()) / ratios.mean()).max():.1f}"

    def _ratio(self, runtime: str, batch: str) -> str:
        return f"relative_{runtime}_{batch}_compact"

    def _feasible(self, model: str) -> pd.DataFrame:
        return self.cells[(self.cells["model"] == model) & self.cells["infeasible"].isna()]

    def _of(self, model: str, form: str) -> pd.DataFrame:
        """The feasible cells whose channels are `plain` or `rounded`."""
        cells = self._feasible(model)
        return cells[self._has(cells, form)]

    def _has(self, cells: pd.DataFrame, form: str) -> pd.Series:
        return cells["pruner"].isin(list(self.rounded)) == (form == "rounded")

    def _quantised(self, model: str) -> pd.DataFrame:
        return self.int8[(self.int8["model"] == model) & self.int8["infeasible"].isna()]

    def _pairs(self, model: str) -> pd.DataFrame:
        """A row a cell, with the columns of its rounded variant."""
        cells = self._feasible(model)
        rounded = cells[cells["pruner"].isin(list(self.rounded))]
        rounded = rounded.assign(pruner=rounded["pruner"].map(self.rounded))
        return cells.merge(rounded, on=CELL, suffixes=("", "_rounded"))


def page(**more: Any) -> str:
    """docs/deployment.md."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.get_template("page.md.jinja").render(
        study=Study(), short=short, batches=BATCHES, **more
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
