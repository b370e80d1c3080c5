"""What a cell is trained on after its baseline, and what all cells of its target are to be trained on."""

from __future__ import annotations

from dataclasses import dataclass

from filterbench.documents import read
from filterbench.documents.types import CellDocument, PruneDocument
from filterbench.domain.spending import REFERENCE, epochs_for, images_trained, images_trained_sparse
from filterbench.jobs.job import Job
from filterbench.pruners.contract import InfeasibleError
from filterbench.study.cells import Config


@dataclass(frozen=True)
class Spending:
    """Images that a cell is trained on after its baseline.

    Attributes:
        asked: how many it is to have in total.
        search: how many its pruner had.
        images: how many there are to train with.
        sparse: how many the sparse training before its pruner had.
    """

    asked: int
    search: int
    images: int
    sparse: int = 0

    @property
    def before_cut(self) -> int:
        """How many it had until its last cut."""
        return self.sparse + self.search

    def epochs(self, settings: Config) -> int:
        """The epochs of fine-tuning that come nearest to what is asked.

        Raises:
            InfeasibleError: it had so many images until its last cut that no pass is left, or the baseline
                has too few epochs to rewind.
        """
        left = epochs_for(self.asked - self.before_cut, settings, self.images)
        if not left:
            had = "the sparse training and the search" if self.sparse else "the search alone"
            raise InfeasibleError(
                f"{had} trained on {self.before_cut} images: no pass over {self.images} is left of "
                f"the {self.asked} that every cell of this target is to have"
            )
        if left > (scheduled := settings.get("schedule_epochs", left)):
            raise InfeasibleError(
                f"{self.asked} images are {left} epochs after the last cut, but the baseline has only "
                f"{scheduled} to rewind"
            )
        return left

    def document(self, settings: Config) -> dict[str, int]:
        """As documents record it, with what was spent by these settings."""
        spent = self.before_cut + images_trained(settings, self.images)
        sparse = {"sparse": self.sparse} if self.sparse else {}
        return {"asked": self.asked, **sparse, "search": self.search, "spent": spent}


def spending_of(job: Job, images: int) -> Spending:
    """What a job's cell is to be trained on: as the study asks or, where it does not, as it is.

    Args:
        job: with the input `prune`, one a reference, and the params `equal` (what the study asks) and
            `finetune` (by pruner, settings of its fine-tuning).
        images: how many there are to train with.

    Raises:
        InfeasibleError: no pruner that the study names has a net at this target.
    """
    prune = read(job.inputs["prune"], PruneDocument)
    asked = job.params["equal"].get("images") or _asked(job, prune, images)
    sparse = images_trained_sparse(prune["cell"], images)
    return Spending(asked, prune["cost"]["images_trained"], images, sparse)


def _asked(job: Job, prune: PruneDocument, images: int) -> int:
    """The images of the reference that was trained most or, without references, of the cell itself."""
    settings: dict[str, Config] = job.params["finetune"]
    named = job.params["equal"].get("as")
    if not named:
        return _after_baseline(prune, settings[job.params["cell"]["pruner"]], images)
    paths = {name: path for name in named if (path := job.inputs.get(f"{REFERENCE}{name}"))}
    totals = [
        _after_baseline(read(path, PruneDocument), settings[name], images)
        for name, path in paths.items()
        if not read(path, CellDocument).get("infeasible")
    ]
    if not totals:
        raise InfeasibleError(f"{' and '.join(named)}: no net at this target whose training could be matched")
    return max(totals)


def _after_baseline(prune: PruneDocument, finetune: Config, images: int) -> int:
    """Images that a cell is trained on after its baseline: sparse, in its search and in its fine-tuning."""
    trained = prune["cost"]["images_trained"] + images_trained(finetune, images)
    return images_trained_sparse(prune["cell"], images) + trained


def with_total(baseline: Config, spending: Spending) -> Config:
    """Settings of the baseline's training for as long as that and what came after it."""
    after = epochs_for(spending.asked, baseline, spending.images)
    return baseline | {"epochs": baseline["epochs"] + after}
