"""What another study has made from the same inputs, settings and code is taken, not made again.

Snakemake's own cache between workflows takes rules of one output file, and a document names its study; so
each finished job leaves a record of its files under the digest of all that they depend on, but for the name
of the study. To have everything computed anew, remove the folder of records.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from filterbench.documents import read, write
from filterbench.documents.types import CellDocument
from filterbench.running.context import Context, prepare
from filterbench.running.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write, file_digest, write_text
from filterbench.storage.stopwatch import benchmark_file

logger = logging.getLogger(__name__)

RECORDS = Path("results/.shared")
# How long something takes is measured each time.
MEASURED = ("stages.latency", "stages.latency_table")


def make_or_take(stage: Callable[[Job], None], job: Job) -> None:
    """Make a job's outputs, or copy those that another study has.

    Args:
        stage: makes them.
        job: of a cell or a baseline, with an output `document`.
    """
    if job.params["stage"] in MEASURED:
        stage(job)
        return
    context = prepare(job)
    record = RECORDS / context.state_key()
    made = _made(record, job)
    if made:
        _take(made, context)
        logger.info("taken from %s, made by the same inputs, settings and code", made["document"])
        return
    stage(job)
    digests = {name: [str(path), file_digest(path)] for name, path in sorted(job.outputs.items())}
    write_text(record, json.dumps(digests))


def _made(record: Path, job: Job) -> dict[str, Path]:
    """The files of a record by name of the output; none where one is missing, changed or the job's own."""
    with suppress(OSError, ValueError):
        noted = {
            name: (Path(path), digest) for name, (path, digest) in json.loads(record.read_text()).items()
        }
        paths = {name: path for name, (path, _) in noted.items()}
        same = all(file_digest(path) == digest for path, digest in noted.values())
        if same and paths.keys() == job.outputs.keys() and paths["document"] != job.outputs["document"]:
            return paths
    return {}


def _take(made: dict[str, Path], context: Context) -> None:
    """Copy the files; the document says of which study it is and what its inputs are."""
    job = context.job
    for name, path in made.items():
        if name != "document":
            with path.open("rb") as source, atomic_write(job.outputs[name]) as copy:
                shutil.copyfileobj(source, copy)
    own = {"cell": context.cell, "provenance": context.provenance()}
    write(job.outputs["document"], read(made["document"], CellDocument) | own)
    with suppress(OSError, InputError):
        job.stopwatch.resume(float(pd.read_csv(benchmark_file(made["document"]), sep="\t")["s"].iloc[0]))
