"""Code of the user's own: its entries join the registries, where the study is read and in every job.

A module of one's own has dictionaries in the form of the registries, under their names: `PRUNERS`, `MODELS`,
`DATASETS`. A study names modules by its key `code`; an installed package names them by entry points of the
group `filterbench`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from filterbench.data.registry import DATASETS, DatasetEntry
from filterbench.documents.parts import MAX_NAME
from filterbench.models.registry import MODELS, ModelEntry
from filterbench.own_code import VARIABLE
from filterbench.pruners.registry import PRUNERS, PrunerEntry, control_of
from filterbench.storage.errors import InputError

GROUP = "filterbench"
KINDS: Mapping[str, tuple[dict[str, Any], type]] = {
    "PRUNERS": (PRUNERS, PrunerEntry),
    "MODELS": (MODELS, ModelEntry),
    "DATASETS": (DATASETS, DatasetEntry),
}
# What comes with the package in the form of a user's code.
SHIPPED = ("filterbench.models.torchvision_nets",)
# A name becomes a part of paths.
NAME = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}")
# By (registry, name of an entry) the module that it comes from; by that module the folder it lies in.
_HOMES: dict[tuple[str, str], str] = {}
_FOLDERS: dict[str, Path] = {}
# By the study's name of a variant, the pruner that it is.
_VARIANTS: dict[str, str] = {}
# By name of a control of a pruner, one of its kind whose entry is written out.
_CONTROLS: dict[str, str] = {}


def register(
    named: Sequence[str], variants: Mapping[str, str], source: str, pruners: Iterable[str] = ()
) -> None:
    """Take the entries of a study's own code, and those of installed packages, into the registries.

    Args:
        named: the study's `code`: modules, and files ending in `.py`.
        variants: by its name in the study, the pruner that a variant of one is.
        pruners: the study's, of which some may be controls of others.
        source: name of the study, for errors.

    Raises:
        InputError: one cannot be imported, has no entries, or has one whose name is taken; a variant is of no
            pruner, or has a pruner's name.
    """
    installed = [point.value for point in entry_points(group=GROUP)]
    for each in (*installed, *named):
        _register(each, source if each in named else f"entry point {each}")
    _register_variants(variants, source)
    controls = [name for name in pruners if _register_control(name)]
    os.environ.pop(VARIABLE, None)
    told = {"code": [*installed, *named], "variants": dict(variants), "controls": controls}
    if any(told.values()):
        os.environ[VARIABLE] = json.dumps(told)


def register_as_told() -> None:
    """In a job, take what the process that started it has registered, if that is something."""
    told = json.loads(os.environ.get(VARIABLE, "{}"))
    for each in told.get("code", []):
        _register(each, "the study")
    _register_variants(told.get("variants", {}), "the study")
    for name in told.get("controls", []):
        _register_control(name)


def base_of(pruner: str) -> str:
    """The pruner whose entry stands for a variant, or for a control of any pruner; of any other, itself."""
    return _VARIANTS.get(pruner) or _CONTROLS.get(pruner, pruner)


def _register_control(name: str) -> bool:
    """Take a control of another pruner into the registry; false where the name is none of one."""
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
            raise InputError(f"{where}: {name!r} is a pruner's name; another name")
        _check_name(name, f"{source}: pruners")
        PRUNERS[name] = PRUNERS[base]
        _VARIANTS[name] = base


def home_of(registry: str, name: str) -> str:
    """The module of the user's own that an entry comes from; empty where it is the package's."""
    return _HOMES.get((registry, name), "")


def folder_of(module: str) -> Path | None:
    """The folder from which a module of the user's own, or one beside it, is imported; None of any other."""
    top = module.partition(".")[0]
    for home, folder in _FOLDERS.items():
        beside = "." not in home and _is_in(folder, top)
        if top == home.partition(".")[0] or beside:
            return folder
    return None


def _is_in(folder: Path, top: str) -> bool:
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()


def _register(named: str, source: str) -> None:
    module = _imported(named, f"{source}: code: {named}")
    entries = list(_entries(module))
    if not entries:
        raise InputError(f"{source}: code: {named}: none of {', '.join(KINDS)} is a dictionary with entries")
    for registry, name, entry in entries:
        known, kind = KINDS[registry]
        if not isinstance(entry, kind):
            raise InputError(f"{source}: code: {named}: {registry}[{name!r}] is no {kind.__name__}")
        if named not in SHIPPED:
            _check_name(str(name), f"{source}: code: {named}: {registry}")
        if name in known and _HOMES.get((registry, name)) != module.__name__:
            raise InputError(f"{source}: code: {named}: {registry}: the name {name!r} is taken; another name")
        known[name] = entry
        _HOMES[registry, name] = module.__name__


def _check_name(name: str, where: str) -> None:
    if not NAME.fullmatch(name):
        allowed = f"a letter, then letters, digits, `_` and `-`, at most {MAX_NAME} characters"
        raise InputError(f"{where}: {name!r} is not a valid name; allowed: {allowed}")


def _entries(module: ModuleType) -> Iterator[tuple[str, str, Any]]:
    for registry in KINDS:
        own = getattr(module, registry, {})
        # What a module has only imported are others' entries.
        if isinstance(own, dict) and own is not KINDS[registry][0]:
            for name, entry in own.items():
                yield registry, name, entry


def _imported(named: str, where: str) -> ModuleType:
    """Import a module, or a file under its own name; its folder joins the path of modules, last."""
    name, folder = named, None
    if named.endswith(".py"):
        path = Path(named).resolve()
        name, folder = path.stem, path.parent
        if not path.is_file():
            raise InputError(f"{where}: there is no file {path}")
        if not NAME.fullmatch(name) or "-" in name:
            raise InputError(f"{where}: {name!r} is no name of a module; rename the file")
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as reason:
        # A training script that is imported reads the command line, and ends the process.
        told = str(reason).splitlines() or [""]
        raise InputError(f"{where}: cannot be imported ({type(reason).__name__}: {told[0]})") from reason
    found = Path(module.__file__ or "").resolve()
    if folder and found != path:
        raise InputError(f"{where}: Python has another module {name!r} ({found}); rename the file")
    _FOLDERS[name] = folder or found.parents[name.count(".") + (found.name == "__init__.py")]
    return module
