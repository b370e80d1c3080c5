"""Digests of the contents of a user's folder, which depend neither on its place nor on times of change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path

from filterbench.storage.errors import InputError
from filterbench.storage.files import entries_below, file_digest, write_text

# Digests of files by size and time of change, so that a large folder is read once; of folders by the suffixes
# that count, so that what was prepared from one outlives it.
KNOWN = Path(".snakemake/filterbench-digests.json")

# Names without a leading dot that macOS, Python, network disks and Windows give their own files.
TOOLS = (
    *("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "lost+found", "System Volume Information"),
    *("@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "$RECYCLE.BIN"),
)


def folder_digest(folder: Path, suffixes: Collection[str] = ()) -> str:
    """SHA-256 of the names and contents of the files in a folder and below.

    A folder without files, such as that of a disk that is not mounted, keeps the digest that it had last,
    which is empty where none is known.

    Args:
        folder: need not be there.
        suffixes: lower-case, such as `.png`, of the files that count; without any, all files count.

    Raises:
        InputError: a file cannot be read.
    """
    known = _known()
    lines, found = [], {}
    for path in users_files(folder):
        if suffixes and path.suffix.lower() not in suffixes:
            continue
        status, place = path.stat(), os.path.realpath(path)
        state = [status.st_size, status.st_mtime_ns]
        before = known.get(place, [None, None])
        digest = before[1] if before[0] == state else _digest(path)
        found[place] = [state, digest]
        lines.append(f"{path.relative_to(folder).as_posix()} {digest}")
    own, counted = str(folder.absolute()), sorted(suffixes)
    if not lines:
        before = known.get(own, [None, ""])
        return before[1] if before[0] == counted else ""
    whole = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    found[own] = [counted, whole]
    if any(known.get(place) != entry for place, entry in found.items()):
        # If this is not writable, the next run reads the folder again.
        with contextlib.suppress(OSError):
            write_text(KNOWN, json.dumps(known | found))
    return whole


def is_hidden(name: str) -> bool:
    """Whether a name is one that systems and tools give to their own files and folders."""
    return name.startswith(".") or name in TOOLS


def users_files(folder: Path) -> list[Path]:
    """The files in a folder and below that a user put there, in order."""
    return [path for path, reason in entries_below(folder, is_hidden) if not reason]


def skipped(folder: Path) -> list[tuple[Path, str]]:
    """The paths in a folder and below that are not among `users_files`, and why."""
    return [(path, reason) for path, reason in entries_below(folder, is_hidden) if reason]


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as reason:
        raise InputError(f"{file}: cannot be read ({reason.strerror})") from reason


def _known() -> dict[str, list]:
    """By path, a file's size and time of change or a folder's suffixes, and the digest; empty if damaged."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        known = json.loads(KNOWN.read_text())
        if all(isinstance(entry, list) and len(entry) == 2 for entry in known.values()):
            return known
    return {}
