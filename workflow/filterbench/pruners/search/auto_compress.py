"""AutoCompress (NNI's AutoCompressPruner; Liu et al. 2019, arXiv:1907.03141).

Each of a few rounds finds the layers' sparsities by annealing, trains the weights towards them by ADMM, and
removes the channels. NNI's class is a loop over two of its pruners and keeps its state in memory. The loop is
written out here, so that it can be interrupted between any two evaluations or epochs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.rounding import rounded_masks
from filterbench.compaction.speedup import compact, silence_masked_channels
from filterbench.pruners.nni import (
    ADMMPruner,
    PrunerModuleWrapper,
    convolution_config,
    filters_as_rows,
    wrapped_masks,
)
from filterbench.pruners.search.annealing import AnnealingArguments, anneal
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search
from filterbench.storage.checkpoint import (
    Checkpoint,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    without_prefix,
)
from filterbench.storage.weights import Weights
from filterbench.training.optimizers import Adam


class _ResumableADMM(ADMMPruner):
    """NNI's ADMM, resumable at each epoch."""

    checkpoint: Checkpoint

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As in NNI."""
        with mock.patch.object(torch.optim, "Adam", Adam):
            super().__init__(*arguments, **named)

    def compress(self) -> nn.Module:
        """As in NNI; in both, the first iteration's Z is the weights themselves, not a copy."""
        wrappers = self.get_modules_wrapper()
        self.Z = [wrapper.module.weight.data for wrapper in wrappers]
        self.U = [torch.zeros_like(z) for z in self.Z]
        done = self._restore()
        for epoch in range(done, self._num_iterations * self._training_epochs):
            self._trainer(self.bound_model, optimizer=self.optimizer, criterion=self._criterion, epoch=epoch)
            if (epoch + 1) % self._training_epochs == 0:
                self._update_multipliers()
            if self.checkpoint.due():
                self.checkpoint.save(self._tensors(epoch + 1), {"epochs": epoch + 1})
        self.update_mask()
        return self.bound_model

    def _update_multipliers(self) -> None:
        for index, wrapper in enumerate(self.get_modules_wrapper()):
            z = wrapper.module.weight.data + self.U[index]
            self.Z[index] = self._projection(z, wrapper.config["sparsity"], wrapper)
            self.U[index] = self.U[index] + wrapper.module.weight.data - self.Z[index]

    def _projection(self, weight: Tensor, sparsity: float, wrapper: PrunerModuleWrapper) -> Tensor:
        """The same as in NNI, where it copies the whole pruner for each layer."""
        own = wrapper.module.weight.data
        wrapper.module.weight.data = weight
        mask = self.masker.calc_mask(sparsity, wrapper)["weight_mask"]
        wrapper.module.weight.data = own
        return weight.mul(mask)

    def _tensors(self, epochs: int) -> Weights:
        own_z = self.Z if self._has_own_z(epochs) else []
        return {
            **prefixed("model", self.bound_model.state_dict()),
            **prefixed("optimizer", optimizer_tensors(self.optimizer)),
            **prefixed("Z", {str(index): z for index, z in enumerate(own_z)}),
            **prefixed("U", {str(index): u for index, u in enumerate(self.U)}),
        }

    def _has_own_z(self, epochs: int) -> bool:
        """Whether Z is no longer the weights themselves, which a file cannot hold a second time."""
        return epochs >= self._training_epochs

    def _restore(self) -> int:
        """Continue where another process stopped; the number of epochs that it had finished."""
        saved = self.checkpoint.load()
        if saved is None:
            return 0
        tensors, record = saved
        self.bound_model.load_state_dict(without_prefix("model", tensors))
        restore_optimizer(self.optimizer, without_prefix("optimizer", tensors))
        device = self.Z[0].device
        for index in range(len(self.Z)):
            self.U[index] = tensors[f"U/{index}"].to(device)
            if self._has_own_z(record["epochs"]):
                self.Z[index] = tensors[f"Z/{index}"].to(device)
        return record["epochs"]


@dataclass(frozen=True)
class AutoCompress(AnnealingArguments):
    """NNI's AutoCompressPruner; the arguments are NNI's."""

    num_iterations: int
    admm_num_iterations: int
    admm_epochs_per_iteration: int
    row: float

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; the net comes back compact."""
        rounds = self.num_iterations
        sparsity_per_round = 1 - (1 - sparsity) ** (1 / rounds)
        for number in range(rounds):
            sparsities, _ = anneal(model, sparsity_per_round, self, search, number)
            model, masks = self._push(model, sparsities, search, number)
            silence_masked_channels(model, masks)
            model = compact(model, masks).eval()
        return PrunedNet(model, {}, compact=True)

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`."""
        annealing = super().least_cost(extent)
        passes = self.admm_num_iterations * self.admm_epochs_per_iteration
        trained = annealing.images_trained + passes * extent.batches(None)
        rounds = self.num_iterations
        return Cost(rounds * annealing.evaluations, rounds * annealing.images_evaluated, rounds * trained)

    def _push(
        self, model: nn.Module, sparsities: dict[str, float], search: Search, number: int
    ) -> tuple[nn.Module, ChannelMasks]:
        """Train the weights towards the sparsities by ADMM, and mask the filters that go."""

        def trainer(net: nn.Module, optimizer: Optimizer, criterion: nn.Module, epoch: int) -> None:
            search.train_steps(net, optimizer, None, number, epoch)

        pruner = _ResumableADMM(
            filters_as_rows(copy.deepcopy(model)),
            [convolution_config(name, sparsity) for name, sparsity in sparsities.items()],
            trainer=trainer,
            num_iterations=self.admm_num_iterations,
            epochs_per_iteration=self.admm_epochs_per_iteration,
            row=self.row,
            base_algo=self.base_algo,
        )
        pruner.checkpoint = search.checkpoint(f"admm-{number}")
        for _ in range(self.admm_num_iterations * self.admm_epochs_per_iteration):
            search.count_training(None)
        masks = wrapped_masks(pruner.compress())
        pruner._unwrap_model()
        if search.round_channels > 1:
            masks = rounded_masks(pruner.bound_model, masks, search.round_channels, up=True)
        apply_masks(pruner.bound_model, masks)
        return pruner.bound_model.eval(), masks
