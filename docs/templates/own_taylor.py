"""Template for a pruner that looks at data: Taylor scores, from the gradients of training images."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from filterbench.compaction.masks import PrunedNet, apply_masks
from filterbench.pruners.arguments import whole
from filterbench.pruners.registry import PrunerEntry
from filterbench.pruners.search.search import Search


@dataclass(frozen=True)
class FilterTaylor:
    """The same share of filters in every convolution, by their squared sum of weights times gradients.

    Molchanov et al. 2019, arXiv:1906.10771, section 3.

    Args:
        images: number of random training images that give the gradients.
    """

    images: int = 256

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        # The gradients stay on a copy: the net that is returned has none.
        scored = copy.deepcopy(model).eval()
        for batch, labels in search.training_batches(self.images):
            cross_entropy(scored(batch), labels, reduction="sum").backward()
        masks = {
            name: self._kept(module.weight, sparsity)
            for name, module in scored.named_modules()
            if isinstance(module, nn.Conv2d)
        }
        apply_masks(model, masks)
        return PrunedNet(model, masks)

    def _kept(self, weight: nn.Parameter, sparsity: float) -> torch.Tensor:
        scores = (weight.detach() * weight.grad).sum(dim=(1, 2, 3)) ** 2
        ranks = scores.argsort(stable=True).argsort()
        return ranks >= int(len(ranks) * sparsity)


PRUNERS = {
    "FilterTaylorPruner": PrunerEntry(
        "Molchanov et al. 2019, arXiv:1906.10771",
        "own_taylor:FilterTaylor",
        {"images": whole(256, "Training images that give the gradients.", minimum=1)},
    ),
}
