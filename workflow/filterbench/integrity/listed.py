"""The files of a study against its manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from filterbench.documents.manifest import sums_of
from filterbench.integrity.findings import Document, Finding, Report
from filterbench.storage.files import entries_below, known_digest
from filterbench.study.paths import MANIFEST, SUMS, VERDICT

# What `ssh-keygen -Y sign` writes beside it.
SIGNATURE = f"{MANIFEST}.sig"
# What `so_far` shows of a study at work.
SO_FAR = "so-far"
WITHOUT_MANIFEST = f"studies without a {MANIFEST}"
NOT_LISTED = (
    f"not listed in {MANIFEST}: the workflow did not make it; if it did, in a run that was killed or without "
    "hooks, `snakemake --cores 1 manifest` lists it; remove it otherwise"
)


def other_files(
    folder: Path, manifest: Document | None, told: Collection[Path], report: Report
) -> Iterator[Finding]:
    """Files that are not those that a study's manifest lists.

    Args:
        folder: of the study.
        manifest: its document; None where it has none, or a faulty one.
        told: folders that are told as missing as a whole.
        report: is told what could not be checked.
    """
    if manifest is None:
        yield from _without_manifest(folder, report)
        return
    listed, left_out = manifest["files"], set(manifest["left_out"])
    if manifest["study"] != folder.name:
        yield Finding(folder / MANIFEST, "$.study", f"{manifest['study']!r}, but it lies in {folder.name}")
    sums = folder / SUMS
    if not sums.is_file() or sums.read_bytes() != sums_of(manifest).encode():
        yield Finding(sums, "", f"not the digests of {MANIFEST}")
    for name, entry in listed.items():
        yield from _other_content(folder / name, entry, told)
    for path, reason in entries_below(folder, hidden=lambda name: name.startswith(".")):
        name = path.relative_to(folder).as_posix()
        if not reason and name not in listed and name not in left_out and not _is_own(name):
            yield Finding(path, "", NOT_LISTED)
    if gone := sum(not (folder / name).exists() for name in left_out):
        report.unchecked["files that are left out on purpose"] += gone


def _without_manifest(folder: Path, report: Report) -> Iterator[Finding]:
    if (folder / SUMS).exists():
        yield Finding(folder / MANIFEST, "", f"missing beside {SUMS}, or faulty")
    else:
        report.unchecked[WITHOUT_MANIFEST] += 1


def _other_content(path: Path, entry: Document, told: Collection[Path]) -> Iterator[Finding]:
    """How a file differs from its entry."""
    if path.is_dir():
        yield Finding(path, "", f"a folder, but {MANIFEST} lists a file")
    elif not path.exists():
        if path.parent not in told:
            yield Finding(path, "", f"missing, but {MANIFEST} lists it")
    elif path.stat().st_size != entry["bytes"]:
        reason = f"{path.stat().st_size} bytes, but {entry['bytes']} in {MANIFEST}: changed after it was made"
        yield Finding(path, "", reason)
    elif known_digest(path) != entry["sha256"]:
        yield Finding(path, "", f"not the file that {MANIFEST} lists: changed after it was made")


def _is_own(name: str) -> bool:
    return name in (VERDICT, MANIFEST, SUMS, SIGNATURE) or name.startswith(f"{SO_FAR}/")
