"""Where the files lie that a study names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

from filterbench.storage.errors import InputError
from filterbench.study.cells import Config

# Endings of files that say what each layer keeps.
LAYER_FILES = (".json", ".yaml", ".yml")


def located(config: Config, folders: Sequence[Path]) -> Config:
    """A configuration, not checked yet, with the paths of the files that it names, and `~` expanded.

    Args:
        config: the study, or a part of it with its keys.
        folders: where to look for a relative path, in order; a file in none of them keeps its path, which
            is relative to the working directory.
    """

    def find(value: object) -> object:
        return _found(value, folders) if isinstance(value, str) else value

    changed: Config = {key: find(config[key]) for key in ("claims", "plan") if key in config}
    if isinstance(code := config.get("code"), list):
        changed["code"] = [find(each) if str(each).endswith(".py") else each for each in code]
    if isinstance(models := config.get("models"), dict):
        changed["models"] = {
            name: {**own, "weights": find(own["weights"])} if _has_weights(own) else own
            for name, own in models.items()
        }
    if isinstance(pruners := config.get("pruners"), dict):
        changed["pruners"] = {name: _with_layers(own, find) for name, own in pruners.items()}
    return config | changed


def _with_layers(pruner: object, find: Callable[[object], object]) -> object:
    """A pruner's settings with the places of the files of its layers."""
    found = deepcopy(pruner)
    for arguments in naming_layer_files(found).values():
        arguments["layers"] = find(arguments["layers"])
    return found


def naming_layer_files(pruner: object) -> dict[str, Config]:
    """The arguments of a pruner, or of its models, that name a file of layers, by their key in its settings.

    Args:
        pruner: its settings, not checked yet.
    """
    own = pruner if isinstance(pruner, dict) else {}
    models = held if isinstance(held := own.get("models"), dict) else {}
    given = {"arguments": own.get("arguments"), **{f"models.{name}": each for name, each in models.items()}}
    return {
        key: arguments
        for key, arguments in given.items()
        if isinstance(arguments, dict) and is_layer_file(arguments.get("layers"))
    }


def is_layer_file(layers: object) -> bool:
    """Whether a pruner's layers are the path of a file, not a list of rates."""
    return isinstance(layers, str) and layers.endswith(LAYER_FILES)


def _has_weights(model: object) -> bool:
    return isinstance(model, dict) and "weights" in model


def _found(name: str, folders: Sequence[Path]) -> str:
    path = expanded(name)
    beside = (str(folder / path) for folder in folders)
    return next((each for each in beside if is_there(each, Path.is_file)), path)


def expanded(name: str) -> str:
    """A path with `~` expanded; that of an unknown user stays."""
    with suppress(RuntimeError):
        return str(Path(name).expanduser())
    return name


def is_there(name: str, kind: Callable[[Path], bool]) -> bool:
    """Whether there is a file or folder; there is none of a name that no file can have."""
    with suppress(OSError, ValueError):
        return kind(Path(name))
    return False


def check_readable(name: str, where: str) -> None:
    """Refuse a file that is missing or cannot be read.

    Args:
        name: its path.
        where: the study and the key, for the error.

    Raises:
        InputError: the message begins with `where`.
    """
    if not is_there(name, Path.is_file):
        raise InputError(f"{where}: there is no file {name}")
    try:
        with Path(name).open("rb") as file:
            file.read(1)
    except OSError as reason:
        raise InputError(f"{where}: {name} cannot be read ({reason.strerror})") from reason


def short_path(file: Path) -> str:
    """A file's path, relative to the working directory if the file is below it."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
