"""Writes this folder's README.md and its figures.

    PYTHONPATH=workflow python docs/criteria/write_page.py

Sentences stand in `page.md.jinja`. Numbers come from the kept tables of the studies: of
studies/ranking.yaml in `results/`, of studies/protection.yaml in `docs/protection/results/`, and of
studies/ranking_local.yaml in `docs/ranking_local/results/`; `hours.csv` has what was noted by hand. The
rankings are written to these folders, too.
"""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from statistics import median
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from filterbench.analysis.ranking import rankings
from filterbench.analysis.ranking_document import ranking_document, ranking_table
from filterbench.analysis.ranking_page import ranking_page
from filterbench.analysis.wording import counted, listed
from filterbench.documents import write
from filterbench.domain.names import short
from filterbench.models.registry import MODELS
from filterbench.plotting.ranking import draw_ranking
from filterbench.plotting.saving import save_figure
from filterbench.storage.files import write_text
from filterbench.storage.tables import write_table
from filterbench.study.cells import variants
from filterbench.study.extending import study_in

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RESULTS = {
    "ranking": HERE / "results",
    "protection": HERE.with_name("protection") / "results",
    "ranking_local": HERE.with_name("ranking_local") / "results",
}
RANDOM = "GroupRandomPruner"


class Study:
    """The rankings of one study, as the page asks them.

    Args:
        name: of the study, a key of `RESULTS`.
        beside: a study whose cells at the same budgets and seeds count as variants of the same pruners.
    """

    def __init__(self, name: str, beside: Study | None = None) -> None:
        self.name, self.results = name, RESULTS[name]
        self.config = study_in(REPOSITORY / f"studies/{name}.yaml")
        tables = [pd.read_csv(self.results / model / "comparison.csv") for model in self.config["models"]]
        self.cells = pd.concat(tables, ignore_index=True)
        varied = variants(self.config)
        cells = self.cells
        if beside is not None:
            others, varied = _as_variants(beside, self.cells)
            cells = pd.concat([self.cells, others], ignore_index=True)
        self.document = ranking_document(f"study {name}", list(rankings(cells, varied)))
        self.table = ranking_table(self.document)

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return int(self.cells["seed"].nunique())

    @property
    def models(self) -> list[str]:
        """The models' labels."""
        return [MODELS[name].label for name in self.config["models"]]

    @property
    def budgets(self) -> list[int]:
        """Training budgets, in epochs."""
        return [ranking["budget"] for ranking in self.document["rankings"]]

    def at(self, budget: int) -> Mapping[str, Any]:
        """The ranking after a training budget."""
        (found,) = (each for each in self.document["rankings"] if each["budget"] == budget)
        return found

    def order(self, budget: int) -> list[str]:
        """The pruners in order, without `Pruner`."""
        return [short(own["pruner"]) for own in self.at(budget)["pruners"]]

    def accuracy(self, budget: int, pruner: str) -> str:
        """The pooled accuracy of a pruner, per cent."""
        return f"{self._own(budget, pruner)['accuracy']:.1f}"

    def spread(self, budget: int) -> str:
        """How many points the first pruner is above the last."""
        own = self.at(budget)["pruners"]
        return f"{own[0]['accuracy'] - own[-1]['accuracy']:.1f}"

    def with_first(self, budget: int, sign: int | None) -> list[str]:
        """Pruners that are told apart from the first (-1), are not (0), or have no interval (None).

        With 1, those that are better on the seeds that both have.
        """
        others = self.at(budget)["pruners"][1:]
        return [short(own["pruner"]) for own in others if _sign(own["from_best"]) == sign]

    def against_random(self, budget: int, sign: int | None) -> list[str]:
        """The same against random channels; better ones are 1."""
        return [short(name) for name, found in self._from_random(budget) if _sign(found) == sign]

    def reach(self, budget: int) -> str:
        """Half of an interval against random channels, the median, points."""
        half = [
            (own["high"] - own["low"]) / 2 for _, own in self._from_random(budget) if own["low"] is not None
        ]
        return f"{median(half):.1f}"

    def spread_of_variants(self, budget: int) -> str:
        """How many points the first variant is above the last."""
        accuracies = [own["accuracy"] for own in self.variants(budget)]
        return f"{max(accuracies) - min(accuracies):.1f}"

    def variants_everywhere(self, budget: int, sign: int) -> list[str]:
        """The pruners whose variants' means are above (1) or below (-1) theirs at all targets and models."""
        own = {each["pruner"]: pd.DataFrame(each["accuracies"]) for each in self.at(budget)["pruners"]}
        return [
            short(each["variant_of"])
            for each in self.variants(budget)
            if (sign * (pd.DataFrame(each["accuracies"]) - own[each["variant_of"]]) > 0).all(axis=None)
        ]

    def everywhere(self, budget: int, sign: int) -> list[str]:
        """Those whose mean is above (1) or below (-1) that of random channels at all targets and models."""
        means = {own["pruner"]: pd.DataFrame(own["accuracies"]) for own in self.at(budget)["pruners"]}
        random = means.pop(RANDOM)
        return [short(name) for name, own in means.items() if (sign * (own - random) > 0).all(axis=None)]

    def at_target(self, budget: int, pruner: str, target: str) -> str:
        """The accuracy of a pruner at one budget of FLOPs, the mean over models, per cent."""
        accuracies = self._own(budget, pruner)["accuracies"].values()
        return f"{sum(of_model[target] for of_model in accuracies) / len(accuracies):.1f}"

    def rank_correlation(self, one: int, other: int) -> str:
        """Spearman's rank correlation of the accuracies after two training budgets."""
        columns = [
            pd.Series({own["pruner"]: own["accuracy"] for own in self.at(budget)["pruners"]})
            for budget in (one, other)
        ]
        return f"{columns[0].corr(columns[1], method='spearman'):.2f}"

    def pairs_apart(self, budget: int) -> str:
        """How many pairs are told apart."""
        pairs = self.at(budget)["pairs"]
        return f"{sum(pair['told_apart'] for pair in pairs)} of {len(pairs)}"

    def distance(self, budget: int, pruner: str) -> Mapping[str, Any]:
        """A pruner's accuracy minus that of the first one, points."""
        return self._own(budget, pruner)["from_best"]

    def collapses(self, budget: int, pruner: str) -> int:
        """In how many pairs of a model and a seed a net of a pruner or variant collapsed."""
        ranking = self.at(budget)
        everyone = (*ranking["pruners"], *ranking["variants"])
        return next(own["collapsed"] for own in everyone if own["pruner"] == pruner)

    def changed(self, budget: int) -> list[str]:
        """The pruners from which their variants are told apart."""
        return [short(own["variant_of"]) for own in self.variants(budget) if own["difference"]["told_apart"]]

    def unchanged(self) -> list[str]:
        """The pruners whose variants have the same nets."""
        variants_ = self.variants(self.budgets[-1])
        return [short(own["variant_of"]) for own in variants_ if own["alike"] == own["nets"]]

    def variant_of(self, budget: int, pruner: str) -> Mapping[str, Any]:
        """The accuracy of a pruner's only variant minus the pruner's, points."""
        return next(own["difference"] for own in self.variants(budget) if short(own["variant_of"]) == pruner)

    def variants(self, budget: int) -> list[Mapping[str, Any]]:
        """The variants beside their pruners."""
        return self.at(budget)["variants"]

    def _own(self, budget: int, pruner: str) -> Mapping[str, Any]:
        return next(own for own in self.at(budget)["pruners"] if short(own["pruner"]) == pruner)

    def _from_random(self, budget: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each other pruner's accuracy minus that of random channels."""
        for pair in self.at(budget)["pairs"]:
            one, other = pair["pruners"]
            if other == RANDOM:
                yield one, pair
            elif one == RANDOM:
                yield other, {**pair, "mean": -pair["mean"]}


def _as_variants(other: Study, cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Another study's cells at the budgets and seeds of `cells` as variants, and their pruners by name."""
    named = {name: f"{short(name)} in {other.name}" for name in cells["pruner"].unique()}
    rows = other.cells.merge(cells[["model", "pruner", "target", "seed"]])
    return rows.assign(pruner=rows["pruner"].map(named)), {variant: name for name, variant in named.items()}


def _sign(found: Mapping[str, Any]) -> int | None:
    """1 or -1 if a difference is told apart from zero, else 0; None if it has no interval."""
    if found["low"] is None:
        return None
    if not found["told_apart"]:
        return 0
    return 1 if found["mean"] > 0 else -1


def at_floor(archive: Path, model: str, target: str) -> tuple[int, dict[str, float]]:
    """How many convolutions keep only their protected share of channels, from a kept study's documents.

    Args:
        archive: of the study.
        model: its name.
        target: as in paths, such as `flops-0.125`.

    Returns:
        The number of convolutions of the model, and by pruner the mean over seeds of those at that share.
    """
    found: dict[str, list[int]] = {}
    layers: list[dict[str, Any]] = []
    with tarfile.open(archive) as tar:
        for entry in tar:
            place = PurePosixPath(entry.name)
            document = tar.extractfile(entry)
            if document and place.match(f"{model}/seed-*/*/{target}/prune.json"):
                pruned = json.load(document)
                layers, share = pruned["layers"], pruned["arguments"]["smallest_share"]
                at = sum(layer["kept"] <= math.ceil(share * layer["channels"]) for layer in layers)
                found.setdefault(short(place.parts[2]), []).append(at)
    means = {name: sum(counts) / len(counts) for name, counts in found.items()}
    return len(layers), dict(sorted(means.items(), key=lambda item: -item[1]))


def interval(found: Mapping[str, Any]) -> str:
    """A difference in points with its interval, in bold if it is told apart from zero."""
    if found["low"] is None:
        return _points(found["mean"]) if found["mean"] is not None else "-"
    said = f"{_points(found['mean'])} ({_points(found['low'])} to {_points(found['high'])})"
    return f"**{said}**" if found["told_apart"] else said


def _points(value: float) -> str:
    """With its sign, but for a zero."""
    return "0.0" if abs(value) < 0.05 else f"{value:+.1f}"


def studies() -> dict[str, Study]:
    """The studies by name."""
    ranking = Study("ranking")
    return {
        "ranking": ranking,
        "protection": Study("protection"),
        "ranking_local": Study("ranking_local", beside=ranking),
    }


def page(found: Mapping[str, Study]) -> str:
    """This folder's README.md."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    hours = pd.read_csv(HERE / "hours.csv").to_dict("records")
    words: dict[str, Any] = {"short": short, "listed": listed, "counted": counted, "interval": interval}
    layers, floors = at_floor(RESULTS["ranking"] / "ranking.tar.xz", "vgg16", "flops-0.125")
    words |= {"hours": hours, "layers": layers}
    words |= {"floors": [f"{name} {mean:.1f}" for name, mean in floors.items()]}
    return environment.get_template("page.md.jinja").render(**found, **words)


def main() -> None:
    """Write everything."""
    found = studies()
    for name in found:
        # Without another study's cells, as `validate` makes them from these results.
        study = Study(name)
        write(study.results / "ranking.json", study.document)
        write_table(study.results / "ranking.csv", study.table)
        write_text(study.results / "ranking.md", ranking_page(study.document))
    for study in found.values():
        figure = draw_ranking(study.table, f"Fashion-MNIST, narrow nets, study {study.name}")
        save_figure(figure, HERE / f"figures/{study.name}.png")
    write_text(HERE / "README.md", page(found))


if __name__ == "__main__":
    main()
