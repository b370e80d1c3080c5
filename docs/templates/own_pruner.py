"""Template for your own pruner: it masks the filters whose largest absolute weight is smallest."""

from dataclasses import dataclass

import torch
from torch import nn

from filterbench.compaction.masks import PrunedNet, apply_masks
from filterbench.pruners.arguments import switch
from filterbench.pruners.registry import PrunerEntry
from filterbench.pruners.search.search import Search


@dataclass(frozen=True)
class LargestWeight:
    """The same share of filters in every convolution, by their largest absolute weight.

    Args:
        centred: rank by the largest distance from the filter's mean weight instead.
    """

    centred: bool = False

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        masks = {
            name: self._kept(module.weight.detach(), sparsity)
            for name, module in model.named_modules()
            if isinstance(module, nn.Conv2d)
        }
        apply_masks(model, masks)
        return PrunedNet(model, masks)

    def _kept(self, weight: torch.Tensor, sparsity: float) -> torch.Tensor:
        if self.centred:
            weight = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
        # The masks stay on the device of the weights, which can be a GPU.
        ranks = weight.abs().amax(dim=(1, 2, 3)).argsort(stable=True).argsort()
        return ranks >= int(len(ranks) * sparsity)


# The key is the name in a study's `pruners`; before the colon is the name of this file.
PRUNERS = {
    "LargestWeightPruner": PrunerEntry(
        "your paper, its section",
        "own_pruner:LargestWeight",
        {"centred": switch("Rank by the distance from each filter's mean weight.")},
    ),
}
