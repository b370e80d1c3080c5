"""What a study will cost, before any of it runs: jobs, images, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn

from filterbench.costs.layer_costs import CompactLayers
from filterbench.documents.targets import SPARSITY, Target
from filterbench.models.depthwise import mask_depthwise
from filterbench.models.registry import build_model
from filterbench.pruners.registry import PRUNERS, SEARCHED, make_pruner
from filterbench.pruners.search.search import Cost, Extent, SearchSettings
from filterbench.pruners.uniform import prunable_convolutions
from filterbench.study.config import Config, pruner_arguments, targets, training_settings

BYTES_A_PARAM = 4


@dataclass(frozen=True)
class Work:
    """Jobs of one kind.

    Attributes:
        stage: their rule.
        model: whose nets they compute with.
        pruner: of their cells; empty for a baseline.
        jobs: how many.
        trained: images that go through a net to train it.
        evaluated: images that go through a net to judge it.
        share: FLOPs of these nets as a share of the unpruned one's.
        bytes: of weights that stay on the disk.
    """

    stage: str
    model: str
    pruner: str
    jobs: int
    trained: int
    evaluated: int
    share: float = 1.0
    bytes: float = 0.0


class Shapes:
    """What is left of a model at a target, if each convolution loses the same share of its filters.

    Args:
        model: the unpruned net.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model, self._layers = model, CompactLayers(model)
        self.convolutions = len(prunable_convolutions(model))
        self.flops, self.params = self._left(0.0)

    @cache  # noqa: B019 a study has a few models
    def shares(self, target: Target) -> tuple[float, float]:
        """Share of the FLOPs and of the params; under a budget both are taken for the budget's."""
        if target.kind != SPARSITY:
            return target.value, target.value
        flops, params = self._left(target.value)
        return flops / self.flops, params / self.params

    def _left(self, sparsity: float) -> tuple[int, float]:
        masks = {}
        for name, module in prunable_convolutions(self._model).items():
            masks[name] = torch.arange(module.out_channels) >= int(sparsity * module.out_channels)
        mask_depthwise(self._model, masks)
        flops, params = 0, 0.0
        for name, (inputs, outputs) in self._layers.channels(masks).items():
            layer = self._layers.layers[name]
            flops += layer.flops(inputs, outputs)
            whole = layer.input_shape[0] * layer.output_shape[0]
            params += layer.module.get_parameter("weight").numel() * inputs * outputs / whole
        return flops, params


class ModelWork:
    """The jobs of a study that compute with nets of one model.

    A search may take more candidates than it must; here it takes the fewest.

    Args:
        config: the study.
        images: how many there are to `train` with, to choose by (`selection`) and to `test` with.
        model: its name.
        shapes: of the model.
    """

    def __init__(self, config: Config, images: dict[str, int], model: str, shapes: Shapes) -> None:
        self._config, self._images, self._model, self._shapes = config, images, model, shapes
        self._whole = shapes.params * BYTES_A_PARAM

    def jobs(self) -> Iterator[Work]:
        """Kind by kind."""
        yield self._work("train_baseline", "", *self._training("baseline"), stays=self._whole)
        if self._config.get("finetune_unpruned"):
            yield self._work("finetune_unpruned", "", *self._training("finetune"))
        for pruner in self._config["pruners"]:
            asked = targets(self._config, pruner, self._model)
            if PRUNERS[pruner].search == "path":
                for kind in dict.fromkeys(target.kind for target in asked):
                    yield self._trajectory(pruner, [target for target in asked if target.kind == kind])
            for target in asked:
                yield from self._cell(pruner, target)

    def _trajectory(self, pruner: str, asked: list[Target]) -> Work:
        cost = self._search(pruner, asked)
        # The way begins with the whole net.
        share = (1 + min(self._shapes.shares(target)[0] for target in asked)) / 2
        stays = len(asked) * self._whole
        return self._work("trajectory", pruner, cost.images_trained, cost.images_evaluated, share, stays)

    def _cell(self, pruner: str, target: Target) -> Iterator[Work]:
        flops, params = self._shapes.shares(target)
        compact, test = self._whole * params, self._images["test"]
        path = PRUNERS[pruner].search == "path"
        cost = Cost() if path else self._search(pruner, [target])
        # What changes weights keeps them, compact after AutoCompress; other pruned nets are their masks.
        stays = self._whole if path else compact if cost.images_trained else 0.0
        evaluated = cost.images_evaluated + test
        yield self._work("prune", pruner, cost.images_trained, evaluated, (1 + flops) / 2, stays)
        final = self._config.get("keep_weights") == "final"
        yield self._work("speedup", pruner, 0, test, flops, 0.0 if final else compact)
        yield self._work("count", pruner, 0, 0)
        yield self._work("finetune", pruner, *self._training("finetune"), flops, compact)
        for budget in self._config.get("scratch", []):
            yield self._work("scratch", pruner, *self._training(budget), flops, compact)

    def _training(self, stage: str) -> tuple[int, int]:
        """Images that a training trains on, and that judge its net."""
        settings, images = training_settings(self._config, stage, self._model), self._images
        size = min(settings["batch_size"], images["train"])
        trained = settings["epochs"] * (images["train"] // size) * size
        return trained, settings["epochs"] * images["selection"] + images["test"]

    def _search(self, pruner: str, asked: list[Target]) -> Cost:
        """What a search spends at least; a matched control as much as the search it is compared with."""
        entry = PRUNERS[pruner]
        if not entry.searches:
            return Cost()
        name = SEARCHED if entry.matched else pruner
        instance = make_pruner(name, pruner_arguments(self._config, name, self._model))
        extent = Extent(
            self._shapes.convolutions,
            asked[0].kind,
            [target.value for target in asked],
            self._images["train"],
            self._images["selection"],
            SearchSettings(**self._config["search"]),
        )
        return instance.least_cost(extent)

    def _work(
        self, stage: str, pruner: str, trained: int, evaluated: int, share: float = 1.0, stays: float = 0.0
    ) -> Work:
        seeds = len(self._config["seeds"])
        counts = seeds, seeds * trained, seeds * evaluated
        return Work(stage, self._model, pruner, *counts, share, seeds * stays)


def shapes_of(config: Config, classes: int) -> dict[str, Shapes]:
    """The study's models, unpruned, by name."""
    return {
        name: Shapes(build_model(name, settings["width"], classes).eval())
        for name, settings in config["models"].items()
    }
