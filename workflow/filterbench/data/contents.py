"""Digests of what a user's folder holds: the same wherever it lies and whenever it was touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path

from filterbench.storage.files import entries_below, file_digest, write_text

# What is known of files by their size and time of change, so that a large folder is read once.
KNOWN = Path(".snakemake/filterbench-digests.json")

# Names of their own that begin with no dot: of macOS, Python, and of disks in a network or of Windows.
TOOLS = (
    *("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "lost+found", "System Volume Information"),
    *("@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "$RECYCLE.BIN"),
)


def folder_digest(folder: Path, suffixes: Collection[str] = ()) -> str:
    """SHA-256 of the names and contents of the files in a folder and below.

    Args:
        folder: one that is not there is like an empty one.
        suffixes: lower-case, such as `.png`; other files do not count. None given: all count.
    """
    known = _known()
    lines, found = [], {}
    for path in users_files(folder):
        if suffixes and path.suffix.lower() not in suffixes:
            continue
        status, place = path.stat(), os.path.realpath(path)
        state = [status.st_size, status.st_mtime_ns]
        before = known.get(place, [None, None])
        digest = before[1] if before[0] == state else file_digest(path)
        found[place] = [state, digest]
        lines.append(f"{path.relative_to(folder).as_posix()} {digest}")
    if any(known.get(place) != entry for place, entry in found.items()):
        # The next run reads the folder again, where this is not writable.
        with contextlib.suppress(OSError):
            write_text(KNOWN, json.dumps(known | found))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def is_hidden(name: str) -> bool:
    """Whether a name is one that systems and tools give their own files and folders."""
    return name.startswith(".") or name in TOOLS


def users_files(folder: Path) -> list[Path]:
    """The files in a folder and below that a user put there, in order."""
    return [path for path, reason in entries_below(folder, is_hidden) if not reason]


def skipped(folder: Path) -> list[tuple[Path, str]]:
    """What in a folder and below is none of `users_files`, and why."""
    return [(path, reason) for path, reason in entries_below(folder, is_hidden) if reason]


def _known() -> dict[str, list]:
    try:
        return json.loads(KNOWN.read_text())
    except (OSError, ValueError):
        return {}
