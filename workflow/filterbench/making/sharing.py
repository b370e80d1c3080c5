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

from filterbench.documents import parse, read, write
from filterbench.documents.parts import Provenance
from filterbench.documents.types import CellDocument
from filterbench.jobs.job import Job
from filterbench.making.context import Context, of_any_study
from filterbench.making.evidence import contradictions, facts_of
from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write, file_digest, write_text
from filterbench.storage.stopwatch import read_benchmark

logger = logging.getLogger(__name__)

RESULTS = Path("results")
RECORDS = RESULTS / ".shared"
# By name of an output, its file and that file's digest.
Made = dict[str, tuple[Path, str]]


def record_of(context: Context) -> Path:
    """Where the record of a job's outputs lies, for every study that has the same job."""
    # Another kind of machine gives other last bits.
    machine = hashlib.sha256(json.dumps(context.machine).encode()).hexdigest()
    return RECORDS / f"{context.state_key()}-{machine[:8]}"


def take(record: Path, context: Context) -> bool:
    """Copy the outputs of a job that another study has made; whether there was one."""
    if not record.exists():
        return False
    try:
        made = _noted(record, context.job)
        if made["document"][0] == context.job.outputs["document"]:
            return False
        document = _vouched(made, context)
        _copy(made, document, context)
    except (OSError, InputError) as reason:
        # The other study has changed or removed it, or the record is not the workflow's.
        logger.info("%s: nothing is taken: %s", record, reason)
        return False
    logger.info("taken from %s, made by the same inputs, settings and code", made["document"][0])
    return True


def note(record: Path, context: Context) -> None:
    """Leave a record of a job's outputs for other studies."""
    digests = {name: [str(path), file_digest(path)] for name, path in sorted(context.job.outputs.items())}
    # Without the record another study computes the same again; nothing else is lost.
    with suppress(OSError):
        write_text(record, json.dumps(digests))


def _noted(record: Path, job: Job) -> Made:
    """The files of a record with their digests, by name of the output.

    Raises:
        InputError: it is not a record of this job's outputs, or names files outside the results.
    """
    noted = parse(record)
    if not isinstance(noted, dict) or noted.keys() != job.outputs.keys():
        raise InputError(f"not a record of {', '.join(sorted(job.outputs))}")
    made: Made = {}
    for name, entry in noted.items():
        if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(each, str) for each in entry):
            raise InputError(f"{name}: not a path and a digest")
        path = Path(entry[0])
        if path.name != job.outputs[name].name or path.parts[:1] != RESULTS.parts or ".." in path.parts:
            raise InputError(f"{name}: {path}; allowed: {job.outputs[name].name} in {RESULTS}")
        made[name] = path, entry[1]
    return made


def _vouched(made: Made, context: Context) -> CellDocument:
    """The document of a record, if it says itself that it is of this job, and its evidence says the same.

    Raises:
        InputError: it is faulty, or of another cell, machine or code; its evidence contradicts it; it counts
            more copied images than the study allows; or a file has changed since.
    """
    for path, digest in made.values():
        if file_digest(path) != digest:
            raise InputError(f"{path} was changed")
    path = made["document"][0]
    document = read(path, CellDocument)
    if of_any_study(document["cell"]) != of_any_study(context.cell):
        raise InputError(f"{path} is of another cell")
    if _maker(document["provenance"]) != _maker(context.provenance()):
        raise InputError(f"{path} was made on another machine or by other code")
    facts = facts_of(context.splits()) if "images" in document else None
    # A document without these outputs has nothing that they could contradict.
    correct, table = (made[name][0] if name in made else path for name in ("correct", "search"))
    for fault in contradictions(document, facts, correct, table):
        raise InputError(f"{path}: {fault}")
    # What a study allows is no input of its jobs: it may change without a new training.
    copies = document.get("copies")
    if facts and isinstance(copies, int) and copies > context.max_copies * facts.counts["test"]:
        raise InputError(f"{path} counts more copies than this study allows")
    return document


def _maker(provenance: Provenance) -> list[object]:
    """What of a document's provenance its numbers depend on, besides its inputs."""
    kept = {name: value for name, value in provenance.items() if name not in ("inputs", "code")}
    return [kept, provenance["code"].get("digest")]


def _copy(made: Made, document: CellDocument, context: Context) -> None:
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
    document["cell"] = context.cell
    document["provenance"]["inputs"] = context.provenance()["inputs"]
    write(job.outputs["document"], document)
    job.stopwatch.resume(read_benchmark(made["document"][0]).get("s", 0.0))
