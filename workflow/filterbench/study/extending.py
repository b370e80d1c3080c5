"""Study files that contain only their differences from another one."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path

import yaml

from filterbench.storage.errors import InputError
from filterbench.study.cells import Config

KEY = "extends"
# Mappings whose entries, and settings within an entry, null can remove, as it does at the top of a study.
NAMED = ("models", "pruners")
# Trainings with settings by model and pruner.
TRAINED = ("baseline", "finetune")


def completed(config: Config, files: Sequence[str]) -> Config:
    """A configuration merged into the one that it extends, if any.

    Mappings are merged key by key; any other value is replaced. Null removes a key, a model, a pruner, or a
    setting of a model or pruner.

    Args:
        config: merged from the files and the command line.
        files: where it comes from. The last one that extends another is used; its path is relative to its own
            folder. Without files, the path is relative to the working directory.

    Raises:
        InputError: an extended file is missing, is not a study, or extends itself.
    """
    own = {key: value for key, value in config.items() if key != KEY}
    bases = [(file, base) for file in map(Path, files) if (base := _read(file).get(KEY))]
    if not files and config.get(KEY):
        bases = [(Path("config"), config[KEY])]
    if bases:
        file, base = bases[-1]
        own = _merged(_whole(_base_of(file, base), (file.resolve(),)), own)
    own = _with_names_cleared(_without_nulls(own))
    for stage in TRAINED:
        if isinstance(own.get(stage), dict):
            own[stage] = _with_names_cleared(own[stage])
    return own


def _with_names_cleared(settings: Config) -> Config:
    """Settings without the nulls among their models and pruners, and within each of them."""
    cleared = dict(settings)
    for key in NAMED:
        if isinstance(cleared.get(key), dict):
            named = _without_nulls(cleared[key]).items()
            cleared[key] = {
                name: _without_nulls(each) if isinstance(each, dict) else each for name, each in named
            }
    return cleared


def _without_nulls(values: Config) -> Config:
    return {key: value for key, value in values.items() if value is not None}


def _whole(file: Path, seen: Sequence[Path]) -> Config:
    """The content of a file, merged into the files that it extends."""
    if file in seen:
        raise InputError(f"{short_path(file)}: {KEY}: the file extends itself")
    own = _read(file)
    base = own.pop(KEY, None)
    return _merged(_whole(_base_of(file, base), (*seen, file)), own) if base else own


def _base_of(file: Path, base: object) -> Path:
    path = (file.parent / str(base)).resolve()
    if not path.is_file():
        raise InputError(f"{short_path(file)}: {KEY}: there is no file {path}")
    return path


def _read(file: Path) -> Config:
    try:
        found = _parsed(file.read_text(encoding="utf-8"))
    except InputError as reason:
        raise InputError(f"{short_path(file)}: {reason}") from reason
    except (OSError, ValueError, yaml.YAMLError) as reason:
        first_line = str(reason).splitlines()[0]
        raise InputError(f"{short_path(file)}: cannot be read as YAML ({first_line})") from reason
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


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys, of which YAML would use the last, and values that contain themselves."""

    def construct_document(self, node: yaml.Node) -> object:
        # A value that contains itself cannot be built from the inside out.
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"duplicate key {key!r} (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep)


def short_path(file: Path) -> str:
    """A file's path, relative to the working directory if the file is below it."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _merged(base: Config, changes: Config) -> Config:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merged(base[key], value) if both else value
    return merged
