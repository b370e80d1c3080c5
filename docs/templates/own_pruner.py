"""Template of a pruner of your own: it masks the filters whose largest weight is smallest."""

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
        centred: by the largest distance from the filter's mean weight instead.
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
        largest = weight.abs().amax(dim=(1, 2, 3))
        kept = torch.ones_like(largest, dtype=torch.bool)
        kept[largest.argsort()[: int(len(largest) * sparsity)]] = False
        return kept


# The name is the one that a study's `pruners` has; the file's own name stands before the colon.
PRUNERS = {
    "LargestWeightPruner": PrunerEntry(
        "your paper, its section",
        "own_pruner:LargestWeight",
        {"centred": switch("Rank by the distance from each filter's mean weight.")},
    ),
}
