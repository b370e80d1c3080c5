"""What a cell is trained on after its baseline, and what all cells of its target are to be trained on."""

from __future__ import annotations

from dataclasses import dataclass

from filterbench.documents import read
from filterbench.documents.types import CellDocument, PruneDocument
from filterbench.domain.spending import REFERENCE, epochs_for, images_trained
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
    """

    asked: int
    search: int
    images: int

    def epochs(self, settings: Config) -> int:
        """The epochs of fine-tuning that come nearest to what is asked.

        Raises:
            InfeasibleError: the search had so many images that no pass is left, or the baseline has too few
                epochs to rewind.
        """
        left = epochs_for(self.asked - self.search, settings, self.images)
        if not left:
            raise InfeasibleError(
                f"the search alone trained on {self.search} images: no pass over {self.images} is left of "
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
        spent = self.search + images_trained(settings, self.images)
        return {"asked": self.asked, "search": self.search, "spent": spent}


def spending_of(job: Job, images: int) -> Spending:
    """What a job's cell is to be trained on: as the study asks or, where it does not, as it is.

    Args:
        job: with the input `prune`, one a reference, and the params `equal` (what the study asks) and
            `finetune` (by pruner, settings of its fine-tuning).
        images: how many there are to train with.

    Raises:
        InfeasibleError: no pruner that the study names has a net at this target.
    """
    settings: dict[str, Config] = job.params["finetune"]
    search = read(job.inputs["prune"], PruneDocument)["cost"]["images_trained"]
    if number := job.params["equal"].get("images"):
        return Spending(number, search, images)
    named = job.params["equal"].get("as")
    if not named:
        return Spending(
            search + images_trained(settings[job.params["cell"]["pruner"]], images), search, images
        )
    totals = []
    for name in named:
        path = job.inputs.get(f"{REFERENCE}{name}")
        if path and not read(path, CellDocument).get("infeasible"):
            spent = read(path, PruneDocument)["cost"]["images_trained"]
            totals.append(spent + images_trained(settings[name], images))
    if not totals:
        raise InfeasibleError(f"{' and '.join(named)}: no net at this target whose training could be matched")
    return Spending(max(totals), search, images)


def with_total(baseline: Config, spending: Spending) -> Config:
    """Settings of the baseline's training for as long as that and what came after it."""
    after = epochs_for(spending.asked, baseline, spending.images)
    return baseline | {"epochs": baseline["epochs"] + after}
