"""Study files that say only what differs from another one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from filterbench.storage.errors import InputError

KEY = "extends"
# Whose entries, and what these say, a study can take out by null, besides any key of its own level.
NAMED = ("models", "pruners")
# Where settings stand by model and pruner, too.
TRAINED = ("baseline", "finetune")


def completed(config: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """A configuration on top of the file that it extends, if it does.

    Mappings are joined key by key, all else is replaced; null takes out a key, a model, a pruner, or what of
    these differs from the study.

    Args:
        config: what the files and the command line say together.
        files: that it comes from; the last one that extends another decides, with a path from its own folder.
            Without files the path is from the working directory.

    Raises:
        InputError: a file that is extended is not there, is no study, or extends itself.
    """
    own = {key: value for key, value in config.items() if key != KEY}
    bases = [(file, base) for file in map(Path, files) if (base := _read(file).get(KEY))]
    if not files and config.get(KEY):
        bases = [(Path("config"), config[KEY])]
    if bases:
        file, base = bases[-1]
        own = _joined(_whole(_beside(file, base), (file.resolve(),)), own)
    own = _with_names_cleared(_without_nulls(own))
    for stage in TRAINED:
        if isinstance(own.get(stage), Mapping):
            own[stage] = _with_names_cleared(own[stage])
    return own


def _with_names_cleared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the nulls among models and pruners, and among what these say."""
    cleared = dict(settings)
    for key in NAMED:
        if isinstance(cleared.get(key), Mapping):
            named = _without_nulls(cleared[key])
            cleared[key] = {name: _without_nulls(each) for name, each in named.items()}
    return cleared


def _without_nulls(values: Any) -> Any:
    """A mapping without its nulls; anything else as it is."""
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if value is not None}


def _whole(file: Path, seen: Sequence[Path]) -> dict[str, Any]:
    """A file with what it extends itself."""
    if file in seen:
        raise InputError(f"{short_path(file)}: {KEY}: the file extends itself")
    own = _read(file)
    base = own.pop(KEY, None)
    return _joined(_whole(_beside(file, base), (*seen, file)), own) if base else own


def _beside(file: Path, base: Any) -> Path:
    path = (file.parent / str(base)).resolve()
    if not path.is_file():
        raise InputError(f"{short_path(file)}: {KEY}: there is no file {path}")
    return path


def _read(file: Path) -> dict[str, Any]:
    try:
        found = _parsed(file.read_text(encoding="utf-8"))
    except InputError as reason:
        raise InputError(f"{short_path(file)}: {reason}") from reason
    except (OSError, ValueError, yaml.YAMLError) as reason:
        told = str(reason).splitlines()[0]
        raise InputError(f"{short_path(file)}: cannot be read as YAML ({told})") from reason
    if not isinstance(found, dict):
        raise InputError(f"{short_path(file)}: no study: a study is a mapping of keys")
    return found


def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        # Snakemake takes JSON too, of which YAML refuses tabs.
        with suppress(ValueError):
            return json.loads(text)
        raise


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML takes the last, and a value that holds itself."""

    def construct_document(self, node: yaml.Node) -> Any:
        # Built from the inside out, a value that holds itself cannot be.
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"key {key!r} stands twice (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep)


def short_path(file: Path) -> str:
    """A file's path from the working directory, where it lies below."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _joined(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        joined[key] = _joined(base[key], value) if both else value
    return joined
