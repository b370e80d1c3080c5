"""The training costs of a cell: images after its last cut, and all images that its user paid for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from filterbench.documents import read
from filterbench.documents.types import PruneDocument, TrainedDocument
from filterbench.domain.spending import FORWARD_PASS, images_trained, images_trained_sparse


def bills(prune: PruneDocument, trained: TrainedDocument) -> dict[str, int]:
    """Both bills of a fine-tuning, in trained images.

    Returns:
        `images_after_cut`: images that this net was trained on after its last cut. `images_paid`: images that
        its sparse training and its search trained on, a third of those that its search evaluated, and those
        of every fine-tuning that was tried.
    """
    settings, images = trained["training"]["settings"], trained["images"]["train"]
    tried = [each["epochs"] for each in trained.get("tuning", ())] or [settings["epochs"]]
    paid = sum(images_trained(settings | {"epochs": epochs}, images) for epochs in tried)
    cost = prune["cost"]
    before = images_trained_sparse(prune["cell"], images) + cost["images_trained"]
    return {
        "images_after_cut": images_trained(settings, images),
        "images_paid": before + round(FORWARD_PASS * cost["images_evaluated"]) + paid,
    }


def at_training_budgets(
    cell: Path, prune: PruneDocument, finetune: TrainedDocument, names: Iterable[str]
) -> dict[str, float]:
    """Columns with accuracy and bills at each training budget; none if a study has only one.

    `names` are those of the documents of the cell's further trainings.
    """
    longer = [read(cell / f"{name}.json", TrainedDocument) for name in names if name.startswith("finetune-")]
    columns: dict[str, float] = {}
    for document in [finetune, *longer] if longer else []:
        values = {"performance_finetuned": document["performance"]["finetuned"], **bills(prune, document)}
        epochs = document["training"]["settings"]["epochs"]
        columns |= {f"{name}_{epochs}": value for name, value in values.items()}
    return columns
