"""Layer by layer to a target (NNI's NetAdaptPruner; Yang et al. 2018, arXiv:1804.03230, algorithm 1).

Each iteration prunes the same number of weights, from that layer which keeps the most accuracy after a
short-term fine-tuning. The way to a high sparsity passes through the ways to all lower ones: one
trajectory serves all targets, with a snapshot at each.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import SGD

from filterbench.compaction import silence_masked_channels
from filterbench.nni_adaptor import (
    NetAdaptPruner,
    all_convolutions,
    apply_masks,
    filters_as_rows,
    masked_by,
    wrapped_masks,
)
from filterbench.pruners.journal import Journal
from filterbench.pruners.masking import ChannelMasks, PrunedNet
from filterbench.pruners.searching import InfeasibleError, Search, fingerprint, sparsities_of
from filterbench.slicing import kept_indices, slice_channels
from filterbench.weights import Weights

MOMENTUM = 0.9


@dataclass(frozen=True)
class Snapshot:
    """Where the trajectory first reached a target, or why it did not.

    Attributes:
        target: the sparsity or the budget's share.
        weights: of the masked net; empty where the target was not reached.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        steps: how many candidates had been evaluated by then.
        cost: what had been spent by then.
        infeasible: why the target was not reached; empty where it was.
    """

    target: float
    weights: Weights
    masks: ChannelMasks
    steps: int
    cost: dict[str, int]
    infeasible: str = ""


@dataclass(frozen=True)
class Candidate:
    """One layer pruned further: NNI's config list, its masks and the layer's new sparsity."""

    index: int
    layer: str
    sparsity: float
    masks: ChannelMasks


class Trajectory:
    """The iterations of NetAdapt on one net.

    Args:
        model: the trained net; it is left as it is.
        arguments: NNI's `base_algo` and `sparsity_per_iteration`; `short_term_steps` batches at
            `short_term_learning_rate` for each candidate (0 steps: none).
        search: where candidates are evaluated and recorded.
    """

    def __init__(self, model: nn.Module, arguments: Mapping[str, Any], search: Search) -> None:
        self._arguments, self._search = arguments, search
        self._step = arguments["sparsity_per_iteration"]
        self._model = filters_as_rows(copy.deepcopy(model))
        self._iteration = 0
        self._sparsity = 0.0
        # NNI's class keeps the books: the layers' sparsities, and the weights that each one still has.
        with tempfile.TemporaryDirectory() as folder:
            self._books = NetAdaptPruner(
                copy.deepcopy(self._model),
                all_convolutions(self._model, 0.5),
                short_term_fine_tuner=None,
                evaluator=None,
                base_algo=arguments["base_algo"],
                sparsity_per_iteration=self._step,
                experiment_data_dir=folder,
            )
        self._weights_a_step = int(self._step * _prunable_weights(self._model))

    def run(self, targets: Sequence[float]) -> Iterator[Snapshot]:
        """Go from target to target, the easiest first, and give each one's snapshot."""
        layers = len(self._books.get_modules_wrapper())
        journal = self._search.journal("net-adapt", layers * self._iterations(targets))
        for target in self._in_order(targets):
            infeasible = ""
            while not self._reached(target) and not infeasible:
                if not self._iterate(journal):
                    infeasible = self._exhausted()
            weights = {} if infeasible else copy.deepcopy(self._model.state_dict())
            cost = asdict(self._search.cost)
            masks = {} if infeasible else self._masks()
            yield Snapshot(target, weights, masks, len(journal.steps), cost, infeasible)
        self._search.add_steps(journal)

    def _in_order(self, targets: Sequence[float]) -> list[float]:
        return sorted(targets)

    def _iterations(self, targets: Sequence[float]) -> int:
        """About how many iterations the targets take."""
        return int(max(targets) / self._step + 1)

    def _reached(self, target: float) -> bool:
        return self._sparsity >= target

    def _exhausted(self) -> str:
        """Why there is no candidate."""
        return (
            f"after {self._iteration} iterations, at sparsity {self._sparsity:.4g}, no "
            f"convolution has {self._weights_a_step} weights left to prune in one iteration"
        )

    def _iterate(self, journal: Journal) -> bool:
        """Prune the layer that keeps the most accuracy; false where no layer can give enough."""
        best: tuple[float, int, Candidate, Weights | None] | None = None
        for candidate in self._candidates():
            tuned: list[Weights] = []
            question = b"%d " % self._iteration + fingerprint(candidate.masks)
            self._search.count_evaluation()
            self._search.count_training(self._arguments["short_term_steps"])
            judge = partial(self._judge, candidate, tuned)
            score = journal.score(sparsities_of(candidate.masks), question, judge)
            if best is None or score > best[0]:
                best = score, len(journal.steps) - 1, candidate, tuned[0] if tuned else None
        if best is None:
            return False
        _, step, chosen, weights = best
        journal.accept(step)
        self._adopt(chosen, weights or self._tune(chosen)[1])
        return True

    def _candidates(self) -> Iterator[Candidate]:
        """Each layer that has enough weights left, pruned by one iteration's weights more."""
        for index, wrapper in enumerate(self._books.get_modules_wrapper()):
            pruned = 1 - wrapper.weight_mask.sum().item() / wrapper.weight_mask.numel()
            related = self._books._calc_num_related_weights(wrapper.name)
            sparsity = pruned + self._weights_a_step / related
            if sparsity < 1:
                config = self._books._update_config_list(
                    self._books._config_list_generated, wrapper.name, sparsity
                )
                masked = masked_by(self._arguments["base_algo"], copy.deepcopy(self._model), config)
                yield Candidate(index, wrapper.name, sparsity, wrapped_masks(masked))

    def _judge(self, candidate: Candidate, tuned: list[Weights]) -> float:
        """The candidate's accuracy after its short-term fine-tuning, whose weights go to `tuned`."""
        net, weights = self._tune(candidate)
        tuned.append(weights)
        return self._search.evaluate(net)

    def _tune(self, candidate: Candidate) -> tuple[nn.Module, Weights]:
        """The fine-tuned candidate, compact or masked, and the whole net's weights with its own in place."""
        whole = copy.deepcopy(self._model)
        apply_masks(whole, candidate.masks)
        if self._search.settings.net == "masked":
            self._fine_tune(whole, candidate)
            apply_masks(whole, candidate.masks)
            return whole, whole.state_dict()
        silence_masked_channels(whole, candidate.masks)
        kept = kept_indices(whole, candidate.masks)
        compact = slice_channels(whole, kept)
        self._fine_tune(compact, candidate)
        return compact, kept.scatter(compact.state_dict(), whole.state_dict())

    def _fine_tune(self, net: nn.Module, candidate: Candidate) -> None:
        steps = self._arguments["short_term_steps"]
        net.to(memory_format=torch.channels_last)
        optimizer = SGD(net.parameters(), lr=self._arguments["short_term_learning_rate"], momentum=MOMENTUM)
        if self._search.settings.net == "masked":
            # The masks hold at every step, as NNI's wrappers see to.
            optimizer.register_step_post_hook(lambda *_: apply_masks(net, candidate.masks))
        self._search.train_steps(net, optimizer, steps, self._iteration, candidate.index)
        net.eval()

    def _adopt(self, candidate: Candidate, weights: Weights) -> None:
        """Go on from a candidate."""
        self._model.load_state_dict(weights)
        self._books._config_list_generated = self._books._update_config_list(
            self._books._config_list_generated, candidate.layer, candidate.sparsity
        )
        self._books._model_to_prune.load_state_dict(weights)
        wrapper = self._books.get_modules_wrapper()[candidate.index]
        kept = candidate.masks[candidate.layer].to(wrapper.weight_mask)
        wrapper.weight_mask = kept.view(-1, 1, 1, 1).expand_as(wrapper.weight_mask).contiguous()
        self._iteration += 1
        self._sparsity += self._step

    def _masks(self) -> ChannelMasks:
        """Masks of all convolutions that were pruned so far."""
        masks = wrapped_masks(self._books.bound_model)
        return {name: kept for name, kept in masks.items() if not kept.all()}


def _prunable_weights(model: nn.Module) -> int:
    """Weights of convolutions and linear layers, of which an iteration prunes a share (as NNI does)."""
    return sum(
        module.weight.numel() for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)
    )


@dataclass(frozen=True)
class NetAdapt:
    """NetAdapt to one target alone; the workflow takes a trajectory's snapshot instead.

    Attributes:
        arguments: see `Trajectory`.
    """

    arguments: Mapping[str, Any]

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.masking.Pruner.prune`.

        Raises:
            InfeasibleError: no layer can be pruned further on the way.
        """
        (snapshot,) = Trajectory(model, self.arguments, search).run([sparsity])
        if snapshot.infeasible:
            raise InfeasibleError(snapshot.infeasible)
        model.load_state_dict(snapshot.weights)
        return PrunedNet(model, snapshot.masks)
