"""The cost of a study before it runs: jobs, images, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from torch import nn

from filterbench.costs.layer_costs import CompactLayers
from filterbench.data.loading import Splits
from filterbench.domain.spending import distils, images_shown, images_trained
from filterbench.domain.targets import SPARSITY, Target
from filterbench.making.spending import Spending, with_total
from filterbench.models.registry import build_model
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import PRUNERS, make_pruner
from filterbench.pruners.search.extent import Cost, Extent, SearchSettings
from filterbench.pruners.uniform import prunable_convolutions, uniform_masks
from filterbench.study.cells import (
    Config,
    budget_settings,
    pruner_arguments,
    references,
    scratch_settings,
    search_settings,
    sparse_settings,
    sparse_training,
    sparse_trainings,
    targets,
    trained_again,
    training_settings,
)
from filterbench.study.paths import BASELINE, CELL, SPARSE, TRAJECTORY, in_seed

BYTES_A_PARAM = 4


class Passes(NamedTuple):
    """Images that pass through the nets of a job.

    Attributes:
        trained: images that the net is trained on.
        evaluated: images that the net is evaluated on.
        taught: images that an unpruned teacher classifies.
    """

    trained: int
    evaluated: int
    taught: int = 0


@dataclass(frozen=True)
class Work:
    """Jobs of one kind.

    Attributes:
        stage: their rule.
        model: of their nets.
        pruner: of their cells; empty for a baseline.
        document: path of each job's document, below the folder of its seed.
        jobs: their number.
        trained: images that the nets are trained on.
        evaluated: images that the nets are evaluated on.
        share: FLOPs of these nets as a share of the unpruned net's, 0..1.
        bytes: of weights that are kept.
        taught: images that an unpruned teacher classifies.
    """

    stage: str
    model: str
    pruner: str
    document: str
    jobs: int
    trained: int
    evaluated: int
    share: float = 1.0
    bytes: float = 0.0
    taught: int = 0


class UniformNet:
    """FLOPs and params of a net at a target, if each convolution loses the same share of its filters."""

    def __init__(self, model: nn.Module) -> None:
        self._model, self._layers = model, CompactLayers(model)
        self.convolutions = len(prunable_convolutions(model))
        self.flops, self.params = self._left(0.0)

    @cache  # noqa: B019 a study has a few models
    def shares(self, target: Target) -> tuple[float, float]:
        """Remaining shares of the FLOPs and of the params; under a budget, both are the budget's."""
        if target.kind != SPARSITY:
            return target.value, target.value
        flops, params = self._left(target.value)
        return flops / self.flops, params / self.params

    def _left(self, sparsity: float) -> tuple[int, float]:
        flops, params = 0, 0.0
        for name, (inputs, outputs) in self._layers.channels(uniform_masks(self._model, sparsity)).items():
            layer = self._layers.layers[name]
            flops += layer.flops(inputs, outputs)
            if isinstance(weight := getattr(layer.module, "weight", None), nn.Parameter):
                whole = layer.input_shape[0] * layer.output_shape[0]
                params += weight.numel() * inputs * outputs / whole
        return flops, params


class _ModelWork:
    """The jobs of a study that compute with nets of one model.

    A search counts with its minimum number of candidates. `images` are numbers by split: `train`, `selection`
    and `test`.
    """

    def __init__(self, config: Config, images: dict[str, int], model: str, net: UniformNet) -> None:
        self._config, self._images, self._model, self._net = config, images, model, net
        self._whole = net.params * BYTES_A_PARAM

    def jobs(self) -> Iterator[Work]:
        """All of them, kind by kind."""
        baseline = f"{in_seed(BASELINE)}/baseline"
        training = self._training("baseline")
        if self._config["models"][self._model].get("weights"):
            training = Passes(0, self._images["test"])
        yield self._work("train_baseline", "", f"{baseline}.json", training, stays=self._whole)
        if self._config.get("finetune_unpruned"):
            training = self._training("finetune")
            yield self._work("finetune_unpruned", "", f"{baseline}-finetune.json", training)
        for name, sparse in sparse_trainings(self._config, self._model).items():
            images = self._trained(sparse_settings(self._config, self._model, sparse))
            document = in_seed(f"{SPARSE}/sparse.json").format(sparse=name)
            yield self._work("train_sparse", "", document, images, stays=self._whole)
        for pruner in self._config["pruners"]:
            own = targets(self._config, pruner, self._model)
            if PRUNERS[pruner].search == "path":
                for kind in dict.fromkeys(target.kind for target in own):
                    yield self._trajectory(pruner, [target for target in own if target.kind == kind])
            for target in own:
                yield from self._cell(pruner, target)

    def _trajectory(self, pruner: str, own: list[Target]) -> Work:
        cost = self._search(pruner, own)
        # The path begins with the whole net.
        share = (1 + min(self._net.shares(target)[0] for target in own)) / 2
        images = Passes(cost.images_trained, cost.images_evaluated)
        document = in_seed(f"{TRAJECTORY}.json").format(pruner=pruner, kind=own[0].kind)
        return self._work("trajectory", pruner, document, images, share, len(own) * self._whole)

    def _cell(self, pruner: str, target: Target) -> Iterator[Work]:
        flops, params = self._net.shares(target)
        compact, test = self._whole * params, self._images["test"]
        path = PRUNERS[pruner].search == "path"
        cost = Cost() if path else self._search(pruner, [target])
        # Searches that change weights store them, compact after AutoCompress; other pruners store masks.
        stays = self._whole if path else compact if cost.images_trained else 0.0
        evaluated = cost.images_evaluated + test
        cell = in_seed(CELL).format(pruner=pruner, target=target)
        kept = 0.0 if self._config.get("keep_weights") == "final" else compact
        jobs = [
            ("prune", "prune", Passes(cost.images_trained, evaluated), (1 + flops) / 2, stays),
            ("speedup", "speedup", Passes(0, test), flops, kept),
            ("count", "count", Passes(0, 0), 1.0, 0.0),
            ("finetune", "finetune", self._training("finetune", pruner), flops, compact),
        ]
        for stage in trained_again(self._config, pruner):
            kind = stage.partition("-")[0]
            rule = {"equal": "equal_training", "finetune": "finetune_longer"}.get(kind, kind)
            jobs.append((rule, stage, self._again(stage, pruner, target), flops, compact))
        for rule, document, images, share, weights in jobs:
            yield self._work(rule, pruner, f"{cell}/{document}.json", images, share, weights)

    def _training(self, stage: str, pruner: str = "") -> Passes:
        """Images of a stage that trains nets."""
        settings = training_settings(self._config, stage, self._model, pruner)
        tuning = self._config[stage].get("tuning", {})
        epochs = sum(tuning.get("epochs", [settings["epochs"]])) * len(tuning.get("learning_rate", [None]))
        return self._trained(settings | {"epochs": epochs})

    def _trained(self, settings: Config, times: int = 1) -> Passes:
        """Images of a training that is done so many times, and of the test of its net."""
        shown = times * images_shown(settings, self._images["train"])
        chosen_by = times * settings["epochs"] * self._images["selection"]
        recalibrated = times * min(settings.get("recalibrate", 0), self._images["train"])
        evaluated = chosen_by + recalibrated + self._images["test"]
        return Passes(shown, evaluated, shown if distils(settings) else 0)

    def _again(self, stage: str, pruner: str, target: Target) -> Passes:
        """The same for a further training of a cell."""
        settings = training_settings(self._config, "finetune", self._model, pruner)
        tried = len(self._config["finetune"].get("tuning", {}).get("learning_rate", [None]))
        kind, _, budget = stage.partition("-")
        times = 1 if kind == "scratch" else tried
        if kind == "finetune":
            settings = budget_settings(self._config, int(budget), self._model, pruner)
        elif kind == "equal":
            try:
                epochs = self._spending(pruner, target).epochs(settings)
            except InfeasibleError:
                epochs = 0
            settings = settings | {"epochs": epochs}
        else:
            settings = scratch_settings(self._config, budget, self._model, pruner)
            if budget == "total":
                settings = with_total(settings, self._spending(pruner, target))
        return self._trained(settings, times)

    def _spending(self, pruner: str, target: Target) -> Spending:
        """Images that a cell is to be trained on after its baseline, and the minimum of its pruner."""
        images = self._config.get("equal_training", {}).get("images") or max(
            self._after_baseline(name, target)
            for name in references(self._config, self._model, target) or [pruner]
        )
        searched = self._search(pruner, [target]).images_trained
        return Spending(images, searched, self._images["train"], self._sparse(pruner))

    def _after_baseline(self, pruner: str, target: Target) -> int:
        """Minimum of the images that a cell is trained on, by its pruner and in its fine-tuning."""
        settings = training_settings(self._config, "finetune", self._model, pruner)
        trained = images_trained(settings, self._images["train"])
        return self._sparse(pruner) + self._search(pruner, [target]).images_trained + trained

    def _sparse(self, pruner: str) -> int:
        """Images of the sparse training before a pruner."""
        sparse = sparse_training(self._config, pruner, self._model)
        return images_trained(sparse, self._images["train"]) if sparse else 0

    def _search(self, pruner: str, own: list[Target]) -> Cost:
        """Minimum cost of a search; a matched control costs as much as the search it is compared with."""
        entry = PRUNERS[pruner]
        # Groups can be pruned in rounds, with trainings between them.
        if not entry.searches and "rounds" not in entry.arguments:
            return Cost()
        name = entry.searched or pruner
        instance = make_pruner(name, pruner_arguments(self._config, name, self._model))
        extent = Extent(
            self._net.convolutions,
            own[0].kind,
            [target.value for target in own],
            self._images["train"],
            self._images["selection"],
            SearchSettings(**search_settings(self._config, pruner, self._model)),
        )
        return instance.least_cost(extent)

    def _work(
        self,
        stage: str,
        pruner: str,
        document: str,
        images: Passes,
        share: float = 1.0,
        stays: float = 0.0,
    ) -> Work:
        seeds = len(self._config["seeds"])
        trained, evaluated, taught = (seeds * number for number in images)
        stay = seeds * stays
        return Work(stage, self._model, pruner, document, seeds, trained, evaluated, share, stay, taught)


def expected_work(config: Config, splits: Splits) -> Iterator[Work]:
    """All jobs of a study that compute with nets, kind by kind."""
    images = {name: len(getattr(splits, name)) for name in ("train", "selection", "test")}
    for name, settings in config["models"].items():
        net = UniformNet(build_model(name, settings["width"], splits.classes, splits.image_size).eval())
        yield from _ModelWork(config, images, name, net).jobs()
