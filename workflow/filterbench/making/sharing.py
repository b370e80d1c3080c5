"""Results of another study with the same inputs, settings and code are copied, not computed again.

Snakemake's own cache between workflows takes rules of one output file, and a document names its study; so
each finished job leaves a record of its files under the digest of all that they depend on, but for the name
of the study. To compute everything again, remove the folder of records.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from contextlib import suppress
from pathlib import Path

from filterbench.documents import read, write
from filterbench.documents.types import CellDocument
from filterbench.jobs.job import Job
from filterbench.making.context import Context
from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write, file_digest, write_text
from filterbench.storage.stopwatch import read_benchmark

logger = logging.getLogger(__name__)

RECORDS = Path("results/.shared")


def take(context: Context) -> bool:
    """Copy the outputs of a job that another study has made; whether there was one."""
    if made := _made(_record(context), context.job):
        try:
            _copy(made, context)
        except (OSError, InputError) as reason:
            # The other study has changed or removed it just now.
            logger.info("%s cannot be taken: %s", made["document"][0], reason)
        else:
            logger.info("taken from %s, made by the same inputs, settings and code", made["document"][0])
            return True
    return False


def note(context: Context) -> None:
    """Leave a record of a job's outputs for other studies."""
    digests = {name: [str(path), file_digest(path)] for name, path in sorted(context.job.outputs.items())}
    # Without the record another study computes the same again; nothing else is lost.
    with suppress(OSError):
        write_text(_record(context), json.dumps(digests))


def _record(context: Context) -> Path:
    # Another kind of machine gives other last bits.
    machine = hashlib.sha256(json.dumps(context.machine).encode()).hexdigest()
    return RECORDS / f"{context.state_key()}-{machine[:8]}"


def _made(record: Path, job: Job) -> dict[str, tuple[Path, str]]:
    """The files of a record with their digests, by name of the output; none where they are the job's own."""
    with suppress(OSError, ValueError):
        noted = {
            name: (Path(path), digest) for name, (path, digest) in json.loads(record.read_text()).items()
        }
        there = all(file_digest(path) == digest for path, digest in noted.values())
        if there and noted.keys() == job.outputs.keys() and noted["document"][0] != job.outputs["document"]:
            return noted
    return {}


def _copy(made: dict[str, tuple[Path, str]], context: Context) -> None:
    """Copy the files; the document says of which study it is, and what its inputs there are.

    Raises:
        InputError: a file has changed since.
    """
    job = context.job
    for name, (path, digest) in made.items():
        if name == "document":
            continue
        with path.open("rb") as source, atomic_write(job.outputs[name]) as copy:
            shutil.copyfileobj(source, copy)
        if file_digest(job.outputs[name]) != digest:
            raise InputError(f"{path} was changed")
    document = read(made["document"][0], CellDocument)
    document["cell"] = context.cell
    document["provenance"]["inputs"] = context.provenance()["inputs"]
    write(job.outputs["document"], document)
    job.stopwatch.resume(read_benchmark(made["document"][0]).get("s", 0.0))
