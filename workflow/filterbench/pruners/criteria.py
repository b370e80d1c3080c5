"""Scores of channels from weights and gradients; most are Torch-Pruning's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch_pruning.pruner import importance
from torch_pruning.pruner.importance import Importance

from filterbench.models.inputs import example_input
from filterbench.pruners.groups import GroupPruner
from filterbench.pruners.search.search import Search, derived_seed


class GroupL1(GroupPruner):
    """By the mean L1 norm of a channel's weights in all layers, relative to its group's mean.

    Li et al. 2016, arXiv:1608.08710, section 3.1, for groups.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        return importance.GroupMagnitudeImportance(p=1, normalizer="mean")


class GroupNorm(GroupPruner):
    """By the mean squared norm of a channel's weights in all layers, relative to its group's mean.

    DepGraph (Fang et al. 2023, arXiv:2301.12900, section 3.3).
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        return importance.GroupMagnitudeImportance(p=2, normalizer="mean")


class GroupFPGM(GroupPruner):
    """By the distance of a channel's weights to those of the group's other channels, relative to its mean.

    He et al. 2018, arXiv:1811.00250, section 3.3, for groups. As in the library, the distances are those of
    the weights' absolute values, not of the weights; its default takes those of their squares.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        return importance.FPGMImportance(p=1, normalizer="mean")


class GroupRandom(GroupPruner):
    """By chance, drawn by the seed (Mittal et al. 2018, arXiv:1801.10447, for groups)."""

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        generator = torch.Generator().manual_seed(derived_seed(search.seed))
        return lambda group: torch.rand(len(group[0].idxs), generator=generator)


class BNScale(GroupPruner):
    """By the size of a channel's BatchNorm weight, mean over the group's layers, comparable across layers.

    Network slimming (Liu et al. 2017, arXiv:1708.06519, section 3).
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        return importance.BNScaleImportance(normalizer=None)


class LAMP(GroupPruner):
    """By a channel's squared norm over the sum of those of all channels of its group that are no smaller.

    LAMP (Lee et al. 2021, arXiv:2010.07611), for channels instead of single weights.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        return importance.LAMPImportance()


class SynFlow(GroupPruner):
    """By the synaptic flow through a channel's weights, comparable across layers; it looks at no images.

    Tanaka et al. 2020, arXiv:2006.05467, section 6: weights times gradients of the sum of the outputs for an
    image of ones, with all weights made positive. BatchNorm statistics are taken as 0 and 1, biases as 0.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        image = torch.ones_like(example_input(model), dtype=torch.double)
        # A product of many layers leaves the range of float32.
        model.double()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.zeros_like(parameter) if name.endswith("bias") else parameter.abs())
            for module in model.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.reset_running_stats()
        model(image).sum().backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        # Scores in float32 would be infinite; a common factor changes no ranking.
        largest = max(gradient.abs().max() for gradient in gradients.values() if gradient is not None)
        for gradient in gradients.values():
            if gradient is not None:
                gradient.div_(largest)
        model.float()
        return importance.GroupTaylorImportance(normalizer=None)


class Taylor(GroupPruner):
    """By the first-order change of the loss without a channel's weights, comparable across layers.

    Molchanov et al. 2019, arXiv:1906.10771, section 3: weights times gradients.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        count = self.looked_at(search)
        for images, labels in search.training_batches(count):
            (cross_entropy(model(images), labels, reduction="sum") / count).backward()
        return importance.GroupTaylorImportance(normalizer=None)


class Hessian(GroupPruner):
    """By the second-order change of the loss without a channel's weights, comparable across layers.

    Optimal brain damage (LeCun et al. 1989), for groups: squared weights times the curvature, for which the
    mean squared gradient of single images stands.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        # The library's `accumulate_grad` (1.6.1) keeps the gradient of the last image alone.
        count = self.looked_at(search)
        _set_gradients(model, _squared_gradients(model, search, count, lambda _, labels: labels))
        return importance.GroupHessianImportance(normalizer=None)


class OBDC(GroupPruner):
    """By squared weights times the Fisher information, summed over a filter, comparable across layers.

    C-OBD, the baseline of EigenDamage (Wang et al. 2019, arXiv:1905.05934, section 3): as `Hessian`, but with
    labels drawn from the net's own predictions, and without the layers that take the channel in.
    """

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        count = self.looked_at(search)
        generator = torch.Generator().manual_seed(derived_seed(search.seed))

        def guessed(outputs: Tensor, _: Tensor) -> Tensor:
            return torch.multinomial(outputs.detach().softmax(dim=1).cpu(), 1, generator=generator)[:, 0]

        squared = _squared_gradients(model, search, count, guessed)
        _set_gradients(model, squared)
        scorer = importance.OBDCImportance(normalizer=None)
        # What the library adds to the information can be more than there is in a net's first layers.
        scorer.steps, scorer.eps = 1, 0.0
        modules = dict(model.named_modules())
        scorer.Fisher = {
            modules[name.removesuffix(".weight")]: gradient.flatten(1)
            for name, gradient in squared.items()
            if name.endswith(".weight") and gradient.dim() > 1
        }
        return scorer


def _squared_gradients(
    model: nn.Module, search: Search, count: int, answers: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, Tensor]:
    """The mean over single images of the squared gradient of the loss, by name of a parameter.

    Args:
        model: the net.
        search: the training images.
        count: of images.
        answers: the labels of the loss, from the net's outputs and the images' own labels.
    """
    squared = {name: torch.zeros_like(parameter) for name, parameter in model.named_parameters()}
    for image, label in search.training_batches(count, 1):
        model.zero_grad()
        outputs = model(image)
        cross_entropy(outputs, answers(outputs, label).to(outputs.device)).backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                squared[name] += parameter.grad.square() / count
    return squared


def _set_gradients(model: nn.Module, gradients: Mapping[str, Tensor]) -> None:
    """Put what Torch-Pruning reads as gradients into their place."""
    for name, parameter in model.named_parameters():
        parameter.grad = gradients[name]
