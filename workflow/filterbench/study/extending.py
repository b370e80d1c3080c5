"""Study files that contain only their differences from another one."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path

import yaml

from filterbench.storage.errors import InputError, first_line
from filterbench.study.cells import Config
from filterbench.study.locating import is_there, located, short_path

KEY = "extends"
# By part of a study, the names that it keeps of those that it and the extended study have.
ONLY = "only"
PARTS = ("models", "pruners")
# Settings of which null is a value: all images, a download, or no title.
VALUES = ("folder", "train_images", "validation_images", "test_images", "title")
# Notations of numbers that YAML reads otherwise than most people: 010 is 8, 0x10 is 16, 1:30 is 90.
OTHER_NOTATION = re.compile(r"[-+]?0\w|.*:")
MERGE = "tag:yaml.org,2002:merge"
# Values of a study, with those that aliases repeat; aliases of aliases could come to billions.
MAX_VALUES = 100_000
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
    studies = {Path(file): _read(Path(file)) for file in files} or {Path("config"): config}
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
    return _reduced(merged, files[-1] if files else "config")


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
        found = _parsed(file.read_text(encoding="utf-8"))
    except InputError as reason:
        raise InputError(f"{short_path(file)}: {reason}") from reason
    except (OSError, ValueError, yaml.YAMLError) as reason:
        raise InputError(f"{short_path(file)}: cannot be read as YAML ({first_line(reason)})") from reason
    if (values := _count(found, {})) > MAX_VALUES:
        raise InputError(f"{short_path(file)}: its aliases make {values} values of it; at most {MAX_VALUES}")
    if not isinstance(found, dict):
        raise InputError(f"{short_path(file)}: not a study: a study is a mapping of keys")
    return found


def _parsed(text: str) -> object:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        # Snakemake accepts JSON too, whose tabs YAML refuses.
        with suppress(ValueError):
            return json.loads(text)
        raise


def _count(value: object, known: dict[int, int]) -> int:
    """Number of values in a value; a value that is there several times counts each time."""
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | set) else ()
        known[id(value)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(value)]


class _Loader(yaml.SafeLoader):
    """Refuses what YAML would read in silence, but not as it looks.

    These are duplicate keys, of which YAML would use the last, numbers in other notations, texts with the
    character NUL, and values that contain themselves.
    """

    def construct_document(self, node: yaml.Node) -> object:
        # A value that contains itself cannot be built from the inside out.
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != MERGE]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"duplicate key {key!r} (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        text = super().construct_scalar(node)
        if "\0" in text:
            raise InputError(f"a text with the character NUL (line {node.start_mark.line + 1})")
        return text

    def number(self, node: yaml.ScalarNode) -> float:
        """An integer or a fraction in plain notation."""
        kind = node.tag.rpartition(":")[2]
        found = self.construct_yaml_int(node) if kind == "int" else self.construct_yaml_float(node)
        if OTHER_NOTATION.match(node.value):
            line = node.start_mark.line + 1
            raise InputError(f"YAML reads {node.value} as {found} (line {line}); write {found}")
        return found


for kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{kind}", _Loader.number)


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
