"""A study as its file and the command line give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from filterbench.data.registry import data_file
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.models import torchvision_nets
from filterbench.own_code.registering import register
from filterbench.storage.errors import InputError
from filterbench.study.cells import Config
from filterbench.study.config import check_config
from filterbench.study.extending import completed, short_path

COMMAND_LINE = "--config"
# Keys that name a folder of the user's.
FOLDERS = (("dataset", "folder"), ("nni_results",))


def read_study(config: Config, files: Sequence[str], overwritten: Mapping[str, Any]) -> Config:
    """The checked configuration, with what it extends and with `~` in folders expanded.

    Args:
        config: as Snakemake merged it.
        files: the files that it comes from.
        overwritten: what the command line sets.

    Raises:
        InputError: one line that names the file or the command line, each faulty key and what is allowed.
    """
    # Snakemake's dictionary stays the one that all rules see.
    own = dict(config)
    config.clear()
    config.update(completed(own, files))
    for key, value in overwritten.items():
        # Snakemake knows Python's values alone: it takes `true`, and a number in a list, for a word.
        config[key] = _yaml_value(value)
    source = ", ".join(short_path(Path(file)) for file in files) or "the config of the module"
    if overwritten:
        source += f" with {COMMAND_LINE} {' '.join(overwritten)}"
    code = [*_torchvision(config), *_own_code(config, files)]
    register(code, _variants(config), source, map(str, _pruners(config)))
    check_config(config, source)
    for *path, key in FOLDERS:
        place = config
        for name in path:
            place = place[name]
        if place.get(key):
            place[key] = str(Path(place[key]).expanduser())
            _refuse_missing(config, ".".join((*path, key)), place[key], source)
    named = {f"models.{name}.weights": (model, "weights") for name, model in config["models"].items()}
    lying = {key: (config, key) for key in ("claims", "plan")}
    for name, (place, key) in {**named, **lying}.items():
        if place.get(key):
            place[key] = _found(place[key], files)
            if not Path(place[key]).is_file():
                raise InputError(f"{source}: {name}: there is no file {place[key]}")
    return config


def check_claims(config: Config) -> None:
    """Read the table of points that papers report, where the checked study names one.

    Raises:
        InputError: it is faulty, or none of its points is of a model of the study.
    """
    if config.get("claims"):
        # It imports pandas, which other studies do without here.
        from filterbench.analysis.reported import claims_about

        claims_about(Path(config["claims"]), config["models"])


def _torchvision(config: Config) -> list[str]:
    """The module of torchvision's nets where the study names one that there is."""
    named = config.get("models")
    asked = torchvision_nets.MODELS.keys() & set(named if isinstance(named, dict) else ())
    return [torchvision_nets.__name__] if asked else []


def _own_code(config: Config, files: Sequence[str]) -> list[str]:
    """The study's `code`, in which files that lie beside the study get their whole path."""
    named = config.get("code")
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        return []
    named[:] = [_found(name, files) if name.endswith(".py") else name for name in named]
    return named


def _variants(config: Config) -> dict[str, str]:
    """By name, the pruner that a variant of one is, as far as the study has its form."""
    settings = _pruners(config).items()
    named = {str(name): own.get("variant_of") for name, own in settings if isinstance(own, dict)}
    return {name: base for name, base in named.items() if isinstance(base, str)}


def _pruners(config: Config) -> Config:
    """The study's pruners, if they have the form of some."""
    pruners = config.get("pruners")
    return pruners if isinstance(pruners, dict) else {}


def _found(name: str, files: Sequence[str]) -> str:
    """The path of a file that a study names: beside the study, or from the working directory."""
    path = Path(name).expanduser()
    beside = [Path(file).parent / path for file in reversed(files)]
    return next((str(each) for each in beside if each.is_file()), str(path))


def _yaml_value(value: Any) -> Any:
    """A value of the command line as a study file has it."""
    if isinstance(value, list):
        return [_yaml_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _yaml_value(item) for key, item in value.items()}
    try:
        return yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value


def _data_file(dataset: Config) -> str:
    return data_file(dataset["name"], dataset.get("folder"), dataset.get("image_size", IMAGE_SIZE))


def _refuse_missing(config: Config, key: str, folder: str, source: str) -> None:
    if Path(folder).is_dir():
        return
    dataset = config["dataset"]
    if key != "dataset.folder" or not Path(_data_file(dataset)).exists():
        raise InputError(f"{source}: {key}: there is no folder {folder}")
