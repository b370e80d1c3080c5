"""The user's own code: its entries join the registries, where the study is read and in every job.

A module has dictionaries with the names and the form of the registries: `PRUNERS`, `MODELS`, `DATASETS`. A
study names modules with its key `code`, an installed package with entry points of the group `filterbench`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from filterbench.data.registry import DATASETS, DatasetEntry
from filterbench.documents.parts import MAX_NAME
from filterbench.domain.names import short
from filterbench.models.registry import MODELS, ModelEntry
from filterbench.own_code import VARIABLE
from filterbench.own_code.entries import entry_faults
from filterbench.pruners.registry import PRUNERS, PrunerEntry, control_of
from filterbench.storage.errors import InputError, first_line

GROUP = "filterbench"
KINDS: Mapping[str, tuple[dict[str, Any], type]] = {
    "PRUNERS": (PRUNERS, PrunerEntry),
    "MODELS": (MODELS, ModelEntry),
    "DATASETS": (DATASETS, DatasetEntry),
}
# Modules of the package that have the form of a user's code.
SHIPPED = ("filterbench.models.torchvision_nets",)
# Names become parts of paths.
NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}")
# By registry and entry, the module that it comes from; by module, its folder.
_HOMES: dict[tuple[str, str], str] = {}
_FOLDERS: dict[str, Path] = {}
# By the name of a variant in the study, its pruner.
_VARIANTS: dict[str, str] = {}
# By the name of a pruner's control, a control of the same kind that `PRUNERS` lists.
_CONTROLS: dict[str, str] = {}


def register(
    named: Sequence[str], variants: Mapping[str, str], source: str, pruners: Iterable[str] = ()
) -> None:
    """Add the entries of a study's own code and of installed packages to the registries.

    Args:
        named: the study's `code`: modules, and files ending in `.py`.
        variants: by the name of a variant in the study, its pruner.
        pruners: of the study; some may be controls of others.
        source: name of the study, for errors.

    Raises:
        InputError: a module cannot be imported, has no entries, or has an entry whose name is taken or not
            valid; a variant's pruner is unknown, or its name is a pruner's.
    """
    installed = installed_code()
    for each in (*installed, *named):
        _register(each, source if each in named else f"entry point {each}")
    _register_variants(variants, source)
    controls = [name for name in pruners if _register_control(name)]
    os.environ.pop(VARIABLE, None)
    registered = {"code": [*installed, *named], "variants": dict(variants), "controls": controls}
    if any(registered.values()):
        os.environ[VARIABLE] = json.dumps(registered)


@cache
def installed_code() -> tuple[str, ...]:
    """The modules that installed packages offer, looked up once: a look reads every package's records."""
    return tuple(point.value for point in entry_points(group=GROUP))


def register_inherited() -> None:
    """In a job, register what the process that started it has registered."""
    registered = json.loads(os.environ.get(VARIABLE, "{}"))
    for each in registered.get("code", []):
        _register(each, "the study")
    _register_variants(registered.get("variants", {}), "the study")
    for name in registered.get("controls", []):
        _register_control(name)


def base_of(pruner: str) -> str:
    """The listed pruner with the entry of a variant or of a control; of any other pruner, itself."""
    return _VARIANTS.get(pruner) or _CONTROLS.get(pruner, pruner)


def _register_control(name: str) -> bool:
    """Add a control of another pruner to the registry; false if the name is not a control's."""
    if name not in PRUNERS and (found := control_of(name)):
        _CONTROLS[name], PRUNERS[name] = found
    return name in _CONTROLS


def _register_variants(variants: Mapping[str, str], source: str) -> None:
    for name, base in variants.items():
        where = f"{source}: pruners.{name}.variant_of"
        if base not in PRUNERS or base in _VARIANTS:
            allowed = ", ".join(each for each in PRUNERS if each not in _VARIANTS)
            raise InputError(f"{where}: unknown {base!r}; allowed: {allowed}")
        if name in PRUNERS and name not in _VARIANTS:
            raise InputError(f"{where}: {name!r} is the name of a pruner; choose another")
        _check_name(name, f"{source}: pruners")
        _check_shown(name, where)
        PRUNERS[name] = PRUNERS[base]
        _VARIANTS[name] = base


def home_of(registry: str, name: str) -> str:
    """The module of the user's own that an entry comes from; empty for the package's entries."""
    return _HOMES.get((registry, name), "")


def folder_of(module: str) -> Path | None:
    """The folder of a module of the user's own, or of one beside it; None for any other module."""
    top = module.partition(".")[0]
    for home, folder in _FOLDERS.items():
        files = folder / f"{top}.py", folder / top / "__init__.py"
        beside = "." not in home and any(file.is_file() for file in files)
        if top == home.partition(".")[0] or beside:
            return folder
    return None


def _register(named: str, source: str) -> None:
    module = _imported(named, f"{source}: code: {named}")
    entries = list(_entries(module))
    if not entries:
        raise InputError(
            f"{source}: code: {named}: needs entries in one of the dictionaries {', '.join(KINDS)}"
        )
    for registry, name, entry in entries:
        known, kind = KINDS[registry]
        if not isinstance(entry, kind):
            raise InputError(f"{source}: code: {named}: {registry}[{name!r}] is not a {kind.__name__}")
        for fault in entry_faults(entry):
            raise InputError(f"{source}: code: {named}: {registry}[{name!r}].{fault}")
        if named not in SHIPPED:
            _check_name(str(name), f"{source}: code: {named}: {registry}")
        if name in known and _HOMES.get((registry, name)) != module.__name__:
            raise InputError(
                f"{source}: code: {named}: {registry}: the name {name!r} is taken; choose another"
            )
        if known is PRUNERS:
            _check_shown(name, f"{source}: code: {named}: {registry}")
        known[name] = entry
        _HOMES[registry, name] = module.__name__


def _check_name(name: str, where: str) -> None:
    if not NAME.fullmatch(name):
        allowed = f"a letter, then letters, digits, `_` and `-`, at most {MAX_NAME} characters"
        raise InputError(f"{where}: {name!r} is not a valid name; allowed: {allowed}")


def _check_shown(name: str, where: str) -> None:
    """Refuse a pruner that tables would show by another's name."""
    for other in PRUNERS:
        if other != name and short(other) == short(name):
            raise InputError(f"{where}: tables show {name!r} and {other!r} by the same name; choose another")


def _entries(module: ModuleType) -> Iterator[tuple[str, str, object]]:
    for registry in KINDS:
        own = getattr(module, registry, {})
        # A registry that a module has only imported holds others' entries.
        if isinstance(own, dict) and own is not KINDS[registry][0]:
            for name, entry in own.items():
                yield registry, name, entry


def _imported(named: str, where: str) -> ModuleType:
    """Import a module, or a file under its own name; the file's folder is appended to `sys.path`."""
    name, folder = named, None
    if named.endswith(".py"):
        path = Path(named).resolve()
        name, folder = path.stem, path.parent
        if not path.is_file():
            raise InputError(f"{where}: there is no file {path}")
        if not NAME.fullmatch(name) or "-" in name:
            raise InputError(f"{where}: {name!r} is not a valid name for a module; rename the file")
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as reason:
        # A training script reads the command line when it is imported, and ends the process.
        kind = type(reason).__name__
        raise InputError(f"{where}: cannot be imported ({kind}: {first_line(reason)})") from reason
    found = Path(module.__file__ or "").resolve()
    if folder and found != path:
        raise InputError(f"{where}: Python has another module {name!r} ({found}); rename the file")
    _FOLDERS[name] = folder or found.parents[name.count(".") + (found.name == "__init__.py")]
    return module
