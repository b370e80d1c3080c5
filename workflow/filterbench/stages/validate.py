"""Rule `validate`: the verdict on every document of a study."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from filterbench.documents import check, kind_of, parse, schema_path, write
from filterbench.running.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest

logger = logging.getLogger(__name__)

VERDICT = "validation.json"


def documents_in(folder: Path) -> list[Path]:
    """Every JSON file of a study, in order, but for the verdict itself."""
    return sorted(path for path in Path(folder).rglob("*.json") if path.name != VERDICT)


def faults_of(path: Path) -> list[str]:
    """What is wrong with a file, one line each."""
    try:
        kind = kind_of(path)
        return [f"{path}: {fault}" for fault in check(kind, parse(path))]
    except InputError as reason:
        return [str(reason)]


def validate(job: Job) -> None:
    """Check every document, name each fault, and write the verdict only if there is none.

    Raises:
        InputError: a document is faulty, or the study has none yet.
    """
    folder = Path(job.params["folder"])
    paths = documents_in(folder)
    if not paths:
        raise InputError(f"{folder}: no documents to check yet; run the study first: snakemake --cores all")
    faults = {path: faults_of(path) for path in paths}
    for fault in [fault for found in faults.values() for fault in found]:
        logger.error("%s", fault)
    faulty = sum(bool(found) for found in faults.values())
    if faulty:
        raise InputError(f"{faulty} of {len(paths)} documents are faulty")
    kinds = Counter(kind_of(path) for path in paths)
    write(job.outputs["document"], {"study": job.params["study"], "documents": _summary(kinds)})
    logger.info(
        "%d documents are sound: %s", len(paths), ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    )


def _summary(kinds: Counter[str]) -> dict[str, dict]:
    return {
        kind: {
            "checked": number,
            "schema": schema_path(kind).name,
            "schema_digest": file_digest(schema_path(kind)),
        }
        for kind, number in sorted(kinds.items())
    }
