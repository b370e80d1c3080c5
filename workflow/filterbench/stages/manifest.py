"""Rule `manifest`: the files of a study that no run listed."""

from __future__ import annotations

import logging

from filterbench.jobs.job import Job

logger = logging.getLogger(__name__)


def manifest(job: Job) -> None:
    """Say how many files got an entry; Snakemake's process, which knows the rules, has listed them."""
    for path, number in job.params["added"].items():
        logger.info("%s: %d files that it did not list are listed now", path, number)
