"""Study files that contain only their differences from another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filterbench.storage.errors import InputError, first_line
from filterbench.storage.strict_yaml import parse_yaml
from filterbench.study.cells import Config
from filterbench.study.locating import is_there, located, short_path

KEY = "extends"
# What messages call a study that another workflow gives, without a file.
OF_MODULE = "the config of the module"
# By part of a study, the names that it keeps of those that it and the extended study have.
ONLY = "only"
PARTS = ("models", "pruners")
# Settings of which null is a value: all images, a download, or no title.
VALUES = ("folder", "train_images", "validation_images", "test_images", "title")
# Null says that there is none of these, whether or not an extended study has one.
OPTIONAL = (*VALUES, "weights", "claims", "plan", "nni_results")


def completed(config: Config, files: Sequence[str]) -> Config:
    """A configuration merged into the one that it extends, if any, with the paths of the files that it names.

    Mappings are merged key by key; any other value is replaced. Null removes a key that an extended study
    has, at any depth; `only` removes all models or pruners but those that it names. A file that a study names
    is looked for beside that study, then in the working directory.

    Args:
        config: merged from the files and the command line.
        files: where it comes from. The last one that extends another is used; its path is relative to its own
            folder. Without files, the path is relative to the working directory.

    Raises:
        InputError: an extended file is missing, is not a study, or extends itself; a null removes nothing; or
            `only` is not such lists of names.
    """
    own = {key: value for key, value in config.items() if key != KEY}
    studies = {Path(file): _read(Path(file)) for file in files} or {Path(OF_MODULE): config}
    base: Config = {}
    for file, study in studies.items():
        if study.get(KEY):
            base = _whole(_base_of(file, study[KEY]), (file.resolve(),))
    known = base
    for file, study in studies.items():
        changes = {key: value for key, value in study.items() if key != KEY}
        _refuse_idle_nulls(file, changes, known)
        known = _merged(known, changes)
    merged = _merged(base, located(own, [Path(file).parent for file in reversed(files)]))
    return _reduced(merged, files[-1] if files else OF_MODULE)


def study_in(file: Path) -> Config:
    """The content of a study file, merged into the studies that it extends; not checked yet.

    Raises:
        InputError: a file is missing, is not a study, or extends itself; or a null removes nothing.
    """
    return _whole(file, ())


def _refuse_idle_nulls(file: Path, changes: object, base: object, place: str = "") -> None:
    """Refuse null at a key that there is nothing to remove of, such as a misspelt one."""
    if not isinstance(changes, dict):
        return
    held = base if isinstance(base, dict) else {}
    for key, value in changes.items():
        if value is None and key not in held and key not in OPTIONAL:
            allowed = ", ".join(map(str, held)) or "none, as nothing is extended here"
            raise InputError(
                f"{short_path(file)}: {place}{key}: null removes what an extended study has, which is not "
                f"there; allowed: {allowed}; an entry with its defaults is written {{}}"
            )
        _refuse_idle_nulls(file, value, held.get(key), f"{place}{key}.")


def _whole(file: Path, seen: Sequence[Path]) -> Config:
    """The content of a file, merged into the files that it extends."""
    if file in seen:
        raise InputError(f"{short_path(file)}: {KEY}: the file extends itself")
    own = _read(file)
    named = own.pop(KEY, None)
    base = _whole(_base_of(file, named), (*seen, file)) if named else {}
    _refuse_idle_nulls(file, own, base)
    return _reduced(_merged(base, located(own, [Path(short_path(file)).parent])), short_path(file))


def _reduced(study: Config, source: str) -> Config:
    """A merged study with the models and pruners that its `only` names; a new pruner has its defaults."""
    kept = {key: value for key, value in study.items() if key != ONLY}
    chosen = study.get(ONLY, {})
    if not isinstance(chosen, dict) or not chosen.keys() <= set(PARTS):
        raise InputError(f"{source}: {ONLY}: {chosen!r}; allowed: lists of names under {' and '.join(PARTS)}")
    for part, names in chosen.items():
        known = held if isinstance(held := study.get(part), dict) else {}
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{source}: {ONLY}.{part}: {names!r}; allowed: a list of names")
        if part == "models" and (unknown := [name for name in names if name not in known]):
            raise InputError(
                f"{source}: {ONLY}.models: unknown {unknown[0]!r}; allowed: {', '.join(map(str, known))}"
            )
        kept[part] = {name: known.get(name, {}) for name in names}
    return kept


def _base_of(file: Path, base: object) -> Path:
    path = str(file.resolve().parent / str(base))
    if not is_there(path, Path.is_file):
        raise InputError(f"{short_path(file)}: {KEY}: there is no file {path}")
    return Path(path).resolve()


def _read(file: Path) -> Config:
    try:
        found = parse_yaml(file.read_text(encoding="utf-8"))
    except InputError as reason:
        raise InputError(f"{short_path(file)}: {reason}") from reason
    except (OSError, ValueError) as reason:
        raise InputError(f"{short_path(file)}: cannot be read as YAML ({first_line(reason)})") from reason
    if not isinstance(found, dict):
        raise InputError(f"{short_path(file)}: not a study: a study is a mapping of keys")
    return found


def _merged(base: Config, changes: Config) -> Config:
    merged = dict(base)
    for key, value in changes.items():
        if value is None and key not in VALUES:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(held if isinstance(held := base.get(key), dict) else {}, value)
        else:
            merged[key] = value
    return merged
