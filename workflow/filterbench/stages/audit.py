"""Rule `claims`: the audit of a table of reported points."""

from __future__ import annotations

import logging
from pathlib import Path

from filterbench.audit.writing import folder_of, lines_of, write_audit
from filterbench.jobs.job import Job
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)


def audit(job: Job) -> None:
    """Write the audit, and log its findings.

    Raises:
        InputError: the table is missing or faulty, or there are findings, so that the run fails.
    """
    if not job.params["claims"]:
        raise InputError("claims: there is no table; name one with --config claims=FILE")
    table = Path(job.params["claims"])
    folder = folder_of(table)
    document = write_audit(table, folder)
    for line in lines_of(document):
        logger.info("%s", line)
    logger.info("%d rows, %d findings: %s", document["rows"], len(document["findings"]), folder / "audit.md")
    if document["findings"]:
        raise InputError(f"{table}: {len(document['findings'])} findings, listed in {folder / 'audit.md'}")
