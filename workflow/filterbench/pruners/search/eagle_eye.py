"""EagleEye (Li et al. 2020, arXiv:2007.02491): the best of random allocations, once recalibrated."""

from __future__ import annotations

from filterbench.pruners.controls import RandomAllocation
from filterbench.pruners.search.search import Cost, Extent


class EagleEye(RandomAllocation):
    """As `RandomAllocation`, with a number of draws of its own.

    Candidates are judged after their BatchNorm statistics are estimated again (section 3.3 of the paper),
    which is the entry's default of `search.recalibrate`. The paper draws each layer's sparsity by itself and
    keeps the draws that meet the target; here all draws do, as the annealing's.
    """

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`."""
        return extent.candidates(self.evaluations)
