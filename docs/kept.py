"""Keeps the documents of a study's cells in one archive beside its tables, and unpacks both into results/.

    PYTHONPATH=workflow python docs/kept.py pack fair docs/fair-comparison/results
    PYTHONPATH=workflow python docs/kept.py unpack fair
    PYTHONPATH=workflow python docs/kept.py submit smoke submissions/smoke/my-machine

The first writes `fair.tar.xz` with the documents in `results/fair/*/seed-*/`, and its SHA-256 beside it. The
same documents give the same bytes. A manifest comes along, with what is not kept under `left_out`; copy the
tables before. The third copies documents and tables for a pull request (docs/submitting.md).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath
from tarfile import TarFile, TarInfo

from filterbench.documents import read, write
from filterbench.documents.manifest import sums_of
from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write, file_digest, write_text
from filterbench.study.paths import MANIFEST, SUMS

HERE = Path(__file__).parent
RESULTS = Path("results")
ENDING = ".tar.xz"
# Weights, checkpoints and times are left out.
KEPT = (".json", ".csv", ".correct")


def pack(results: Path, archive: Path) -> None:
    """Write the archive of a study's cells, and a file with its SHA-256 as `sha256sum` writes it.

    Args:
        results: the study's folder.
        archive: a path that ends in `.tar.xz`.

    Raises:
        InputError: the folder has no cells.
    """
    documents = [
        path
        for path in sorted(results.glob("*/seed-*/**/*"))
        if path.suffix in KEPT and not path.name.startswith(".")
    ]
    if not documents:
        raise InputError(f"{results}: there are no documents in */seed-*/; run the study first")
    with atomic_write(archive) as file, tarfile.open(fileobj=file, mode="w:xz", preset=9) as tar:
        for path in documents:
            # A new entry has no owner and no time.
            entry = TarInfo(path.relative_to(results).as_posix())
            entry.size = path.stat().st_size
            with path.open("rb") as document:
                tar.addfile(entry, document)
    write_text(_digest_file(archive), f"{file_digest(archive)}  {archive.name}\n")
    if (results / MANIFEST).exists():
        beside = {path.relative_to(archive.parent).as_posix() for path in archive.parent.rglob("*")}
        _keep_manifest(
            results, archive.parent, beside | {path.relative_to(results).as_posix() for path in documents}
        )


def submit(results: Path, folder: Path) -> None:
    """Copy a study's documents and tables, with a manifest of them, to `results/{study}/` in a folder.

    Args:
        results: the study's folder.
        folder: of the submission; its `study.yaml` and other files stay.

    Raises:
        InputError: the study has no manifest, or the folder has results of it already.
    """
    if not (results / MANIFEST).exists():
        raise InputError(f"{results}: there is no {MANIFEST}; run: snakemake --cores 1 manifest")
    place = folder / "results" / results.name
    if place.exists():
        raise InputError(f"{place} is there already; move or remove it")
    listed = read(results / MANIFEST)["files"]
    kept = {name for name in listed if name.endswith(KEPT) and (results / name).is_file()}
    for name in sorted(kept):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / name, place / name)
    _keep_manifest(results, place, kept)


def _keep_manifest(results: Path, folder: Path, kept: set[str]) -> None:
    """Write a study's manifest for those of its files that are kept."""
    manifest = read(results / MANIFEST)
    files = {name: entry for name, entry in manifest["files"].items() if name in kept}
    left_out = sorted({*manifest["left_out"], *manifest["files"].keys() - files.keys()})
    document = manifest | {"files": files, "left_out": left_out}
    write(folder / MANIFEST, document)
    write_text(folder / SUMS, sums_of(document))


def unpack(archive: Path, results: Path) -> None:
    """Make a study's folder from its archive and the tables beside the archive.

    Args:
        archive: as `pack` wrote it.
        results: the study's folder, which must not be there.

    Raises:
        InputError: the folder is there, or the archive is not what `pack` wrote.
    """
    if results.exists():
        raise InputError(f"{results} is there already; move or remove it")
    if file_digest(archive) != _digest_file(archive).read_text(encoding="utf-8").split()[0]:
        raise InputError(f"{archive}: its SHA-256 is not that of {_digest_file(archive)}; check it out again")
    partial = results.with_name(f".{results.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(archive, mode="r:xz") as tar:
        for entry in tar:
            _extract(tar, entry, partial)
    tables = shutil.ignore_patterns(archive.name, _digest_file(archive).name)
    shutil.copytree(archive.parent, partial, ignore=tables, copy_function=shutil.copyfile, dirs_exist_ok=True)
    partial.rename(results)


def _extract(tar: TarFile, entry: TarInfo, folder: Path) -> None:
    # Not TarFile.extract: its filters came with Python 3.11.4, and Debian 12 has 3.11.2.
    name, document = PurePosixPath(entry.name), tar.extractfile(entry) if entry.isfile() else None
    if document is None or name.is_absolute() or ".." in name.parts:
        raise InputError(f"{tar.name}: {entry.name} is not a document of a cell")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document.read())


def archive_of(study: str) -> Path:
    """The archive of a kept study.

    Raises:
        InputError: there is none.
    """
    archives = {path.name.removesuffix(ENDING): path for path in sorted(HERE.glob(f"*/results/*{ENDING}"))}
    if study not in archives:
        raise InputError(f"no study {study!r} is kept; allowed: {', '.join(sorted(archives))}")
    return archives[study]


def _digest_file(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Keep a study's documents in one archive, or unpack them.")
    actions = parser.add_subparsers(dest="action", required=True)
    packing = actions.add_parser("pack", help="write the archive of results/STUDY")
    packing.add_argument("study")
    packing.add_argument("folder", type=Path, help="where the archive goes, beside the study's tables")
    submitting = actions.add_parser("submit", help="copy the documents of results/STUDY for a pull request")
    submitting.add_argument("study")
    submitting.add_argument("folder", type=Path, help="of the submission, such as submissions/STUDY/NAME")
    unpacking = actions.add_parser("unpack", help="make results/STUDY from its archive")
    unpacking.add_argument("study")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    try:
        if asked.action == "pack":
            pack(RESULTS / asked.study, asked.folder / f"{asked.study}{ENDING}")
        elif asked.action == "submit":
            submit(RESULTS / asked.study, asked.folder)
        else:
            unpack(archive_of(asked.study), RESULTS / asked.study)
    except InputError as reason:
        sys.exit(f"error: {reason}")
