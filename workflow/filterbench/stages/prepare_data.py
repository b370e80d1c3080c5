"""Rule `prepare_data`: a dataset's images in one uniform file."""

import logging
from pathlib import Path

from filterbench.data.preparing import prepare_data as prepare
from filterbench.jobs.job import Job

logger = logging.getLogger(__name__)


def prepare_data(job: Job) -> None:
    """Write the data file of the dataset `params.name`, read from `resources.folder` or downloaded."""
    folder = job.resources["folder"]
    path = job.outputs["images"]
    content = prepare(
        job.params["name"],
        Path(folder) if folder else None,
        path.parent / "downloads" / job.params["name"],
        path,
        job.params["image_size"],
    )
    sizes = ", ".join(f"{len(indices)} {name}" for name, indices in content.splits.items())
    logger.info("%d images of %d classes: %s", len(content.labels), content.classes, sizes)
