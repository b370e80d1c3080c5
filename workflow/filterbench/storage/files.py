"""Atomic writing of files, the files below a folder, and digests."""

import glob
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from typing import IO, TypeVar, TypeVarTuple

from filterbench.storage.errors import InputError

# Why an entry of a folder is skipped.
HIDDEN = "of systems and tools"
LINKED = "links to folders that are read anyway"
NO_FILE = "pipes, devices or broken links"

# Locks of jobs and of manifests lie where Snakemake keeps its own, in the folder that all hosts share.
LOCKS = Path(".snakemake/running")
More = TypeVarTuple("More")
Found = TypeVar("Found")


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that appears under its name when it is complete and on the disk.

    The content goes to a temporary file in the same folder, which is removed after an error. It is always a
    new file with an unpredictable name, so that nothing is written through a stranger's link. Temporary files
    that a killed process left for the same path are removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_partials(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        # "x" creates the file with the umask's permissions, and never opens an existing file or link.
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Remove a file, if it exists, and the temporary files that a killed process left for it."""
    path.unlink(missing_ok=True)
    _remove_partials(path)


def _remove_partials(path: Path) -> None:
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        # Another process may have removed it. A folder with such a name can stay.
        with suppress(OSError):
            partial.unlink()


def without_link(path: Path) -> Path:
    """Remove a link at a path that is written in place, such as that of a log or lock, and return the path.

    Such a file is the workflow's own; a link there would lead to a file that is not.
    """
    if path.is_symlink():
        path.unlink()
    return path


def _sync_folder(folder: Path) -> None:
    """Write a rename to the disk; a power cut would otherwise undo it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8, so that it can be written into texts."""
    return os.fsencode(name).decode(errors="replace") == name


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) atomically.

    Raises:
        InputError: the text has a name of a file that is not UTF-8.
    """
    try:
        content = text.encode()
    except UnicodeEncodeError as reason:
        name = ascii(text[reason.start - 20 : reason.end + 20])
        raise InputError(f"{path}: {name} is not UTF-8; rename the file or folder with that name") from reason
    with atomic_write(path) as file:
        file.write(content)


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, sorted; see `entries_below`."""
    return (path for path, reason in entries_below(folder) if not reason)


def entries_below(
    folder: Path, hidden: Callable[[str], bool] = lambda name: False
) -> Iterator[tuple[Path, str]]:
    """All files below a folder, sorted; links to folders elsewhere are followed, each folder once.

    Args:
        folder: if it does not exist, there are no files.
        hidden: whether a file or folder of this name is skipped.

    Yields:
        The path of a file and an empty text, or a skipped path and the reason.
    """
    try:
        root = os.path.realpath(folder)
    except ValueError:
        # No folder can have such a name.
        return
    seen = {root}
    for place, folders, names in os.walk(folder, followlinks=True):
        for name in sorted(folders):
            path = Path(place) / name
            if reason := HIDDEN if hidden(name) else _read_elsewhere(path, root, seen):
                folders.remove(name)
                yield path, reason
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            yield path, HIDDEN if hidden(name) else "" if path.is_file() else NO_FILE


def _read_elsewhere(folder: Path, root: str, seen: set[str]) -> str:
    """Why a folder is skipped, if its files have another path too; otherwise it is added to `seen`."""
    real = os.path.realpath(folder)
    circle = folder.is_symlink() and os.path.commonpath([root, real]) in (root, real)
    if circle or real in seen:
        return LINKED
    seen.add(real)
    return ""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def once_while_same(function: Callable[[Path, *More], Found]) -> Callable[[Path, *More], Found]:
    """A function of a file that is computed once per process while the file's size and time stay the same.

    Args:
        function: of the file, and of further positional arguments that are hashable.
    """

    @cache
    def computed(path: Path, size: int, modified: int, *more: *More) -> Found:
        return function(path, *more)

    @wraps(function)
    def known(path: Path, *more: *More) -> Found:
        status = Path(path).stat()
        return computed(Path(path), status.st_size, status.st_mtime_ns, *more)

    return known


# `file_digest`, while the file stays the same.
known_digest = once_while_same(file_digest)


def files_digest(paths: Iterable[Path]) -> str:
    """SHA-256 of the names and contents of several files, in hexadecimal.

    The names are those below the folder that all files have in common, wherever it lies.
    """
    found = list(paths)
    folder = os.path.commonpath([path.parent for path in found]) if found else ""
    listing = "\n".join(f"{path.relative_to(folder)} {file_digest(path)}" for path in found)
    return hashlib.sha256(os.fsencode(listing)).hexdigest()
