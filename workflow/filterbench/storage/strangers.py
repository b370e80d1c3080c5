"""Entries of a folder from somebody else that the workflow must not open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from filterbench.storage.errors import InputError


def refuse_unusual(places: Iterable[Path]) -> None:
    """Refuse pipes, sockets, devices and hidden links, at some paths and below them.

    Opening a pipe would wait for ever. A hidden file is the workflow's own, such as a lock or the state of a
    search, and is written in place; a link there would lead to a file that is not the workflow's. Users may
    keep results elsewhere through other links, which are followed.

    Args:
        places: files and folders, which need not exist.

    Raises:
        InputError: there is one; the message names the first.
    """
    seen: set[str] = set()
    for place in places:
        for entry in _entries(place.parent):
            if entry.name == place.name:
                _refuse(entry, seen)


def _refuse(entry: os.DirEntry[str], seen: set[str]) -> None:
    if entry.is_symlink() and entry.name.startswith("."):
        raise InputError(f"{entry.path}: a link, and the workflow would write through it; remove it")
    if not entry.is_dir():
        # A broken link is not a file yet.
        if not entry.is_file() and Path(entry.path).exists():
            raise InputError(f"{entry.path}: a pipe, socket or device where a file belongs; remove it")
        return
    real = os.path.realpath(entry.path)
    if real not in seen:
        seen.add(real)
        for each in _entries(entry.path):
            _refuse(each, seen)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)
