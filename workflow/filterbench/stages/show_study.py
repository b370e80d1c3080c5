"""Rule `show_study`: the whole study, with what it extends and what the command line sets."""

from __future__ import annotations

import logging

import yaml

from filterbench.jobs.job import Job

logger = logging.getLogger(__name__)


def show_study(job: Job) -> None:
    """Log the study as one YAML file, which gives the same cells."""
    text = yaml.safe_dump(job.params["config"], sort_keys=False, allow_unicode=True, width=110)
    logger.info("\n%s", text)
