"""Rule `sensitivity`: what pruning each group of convolutions alone costs the unpruned net."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace

from filterbench.data.loading import Images
from filterbench.documents import write
from filterbench.documents.measurements import GroupSensitivity, SensitivityDocument
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.search import Search
from filterbench.pruners.search.sensitivity import FilterGroups, Sensitivity, analyse

logger = logging.getLogger(__name__)


@computed
def sensitivity(context: Context) -> None:
    """Prune each group of the baseline's convolutions alone at each rate, and judge the net as it is."""
    job, splits = context.job, context.splits()
    settings = job.params["sensitivity"]
    judging = _first(splits.selection, settings.get("images"))
    search = Search(
        replace(splits, selection=judging),
        SearchSettings(),
        context.seed,
        context.state_path(".search"),
        context.state_key(),
        job.stopwatch,
    )
    model = context.read_net("weights").eval()
    groups = FilterGroups(model, settings["base_algo"])
    journal = search.journal("sensitivity", 1 + len(groups.layers) * len(settings["rates"]))
    found = analyse(model, groups, settings["rates"], search, journal)
    logger.info("%d groups at %d rates each", len(groups.layers), len(settings["rates"]))
    document: SensitivityDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "settings": settings,
        "judged": len(judging),
        "original": found.original,
        "groups": _groups(groups, settings["rates"], found),
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)
    shutil.rmtree(search.folder, ignore_errors=True)


def _first(images: Images, count: int | None) -> Images:
    return replace(images, pixels=images.pixels[:count], labels=images.labels[:count])


def _groups(groups: FilterGroups, rates: list[float], found: Sensitivity) -> list[GroupSensitivity]:
    return [
        {
            "layers": layers,
            "channels": channels,
            "points": [
                {"rate": rate, "removed": count, "accuracy": accuracy}
                for rate, count, accuracy in zip(rates, removed, accuracies, strict=True)
            ],
        }
        for layers, channels, removed, accuracies in zip(
            groups.layers,
            groups.channels.tolist(),
            found.removed.tolist(),
            found.accuracies.tolist(),
            strict=True,
        )
    ]
