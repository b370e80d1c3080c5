"""Pruners that rank the filters of each convolution once and mask the least important.

`L1FilterPruner` and `L2FilterPruner` mask the filters of smallest norm (Li et al. 2016,
arXiv:1608.08710, section 3.1); `FPGMPruner` masks those nearest to the layer's geometric median
(He et al. 2018, arXiv:1811.00250, section 3.3).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from filterbench.compaction.masks import PrunedNet
from filterbench.models.inputs import example_input
from filterbench.pruners.nni import filter_masks
from filterbench.pruners.search.search import Search


@dataclass(frozen=True)
class OneShot:
    """The same share of filters in every convolution.

    Attributes:
        nni_class: NNI's class that ranks the filters; a subclass names it.
        dependency_aware: mask the same channels in convolutions whose outputs are summed.
    """

    nni_class: ClassVar[str]
    dependency_aware: bool = False

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        masks = filter_masks(
            self.nni_class,
            model,
            sparsity,
            dependency_aware=self.dependency_aware,
            dummy_input=example_input(model),
        )
        return PrunedNet(model, masks)


class L1Filter(OneShot):
    """Masks the filters of smallest L1 norm."""

    nni_class = "L1FilterPruner"


class L2Filter(OneShot):
    """Masks the filters of smallest L2 norm."""

    nni_class = "L2FilterPruner"


class FPGM(OneShot):
    """Masks the filters nearest to the geometric median."""

    nni_class = "FPGMPruner"
