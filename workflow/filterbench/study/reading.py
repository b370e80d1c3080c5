"""A study, read from its file and the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filterbench.audit.shipped import table_named
from filterbench.data.registry import content_digest, data_file
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.models import torchvision_nets
from filterbench.own_code.registering import installed_code, register
from filterbench.storage.errors import InputError
from filterbench.storage.strict_yaml import parse_yaml
from filterbench.study.cells import Config
from filterbench.study.config import check_config
from filterbench.study.extending import OF_MODULE, completed
from filterbench.study.given_layers import read_layers
from filterbench.study.locating import check_readable, expanded, is_there, located, short_path
from filterbench.study.submitted import check_folders

COMMAND_LINE = "--config"


def read_study(
    config: Config,
    files: Sequence[str],
    overwritten: Config,
    announce: Callable[[Sequence[str]], None] = lambda code: None,
) -> Config:
    """The checked configuration, merged with the study that it extends and with `~` in paths expanded.

    Args:
        config: as Snakemake merged it.
        files: the files that it comes from.
        overwritten: the keys that the command line sets.
        announce: called with the files and modules of the user's own code before they are imported.

    Raises:
        InputError: one line that names the file or the command line, each faulty key and what is allowed.
    """
    # All rules see Snakemake's own dictionary, so it is changed in place.
    own = dict(config)
    config.clear()
    config.update(completed(own, files))
    for key, value in overwritten.items():
        # Snakemake parses Python's values only: `true`, or a number in a list, becomes a text.
        try:
            given = {key: _yaml_value(value)}
        except InputError as reason:
            raise InputError(f"{COMMAND_LINE} {key}: {reason}") from reason
        config.update(located(given, [Path(file).parent for file in reversed(files)]))
    source = ", ".join(short_path(Path(file)) for file in files) or OF_MODULE
    if overwritten:
        source += f" with {COMMAND_LINE} {' '.join(overwritten)}"
    code = _own_code(config)
    if running := [*code, *installed_code()]:
        announce(running)
    if torchvision_nets.MODELS.keys() & _mapping(config, "models"):
        code = [torchvision_nets.__name__, *code]
    register(code, _variants(config), source, map(str, _mapping(config, "pruners")))
    read_layers(_mapping(config, "pruners"), source)
    check_config(config, source)
    dataset = config["dataset"]
    for name, place, key in (("dataset.folder", dataset, "folder"), ("nni_results", config, "nni_results")):
        if place.get(key):
            place[key] = expanded(place[key])
            if not is_there(place[key], Path.is_dir) and not (place is dataset and _prepared(dataset)):
                raise InputError(f"{source}: {name}: there is no folder {place[key]}")
    check_folders(config, source)
    if config.get("claims"):
        config["claims"] = str(table_named(config["claims"]))
    weights = [(f"models.{name}.weights", model, "weights") for name, model in config["models"].items()]
    for name, place, key in [*weights, ("claims", config, "claims"), ("plan", config, "plan")]:
        if place.get(key):
            check_readable(place[key], f"{source}: {name}")
    return config


def check_claims(config: Config) -> None:
    """Check the table of reported points, if the study names one.

    Raises:
        InputError: it is faulty, or has no point of the study's models.
    """
    if config.get("claims"):
        # Imported here because it imports pandas, which other studies do not need.
        from filterbench.analysis.claims import claims_about

        claims_about(Path(config["claims"]), config["models"])


def _own_code(config: Config) -> list[str]:
    """The study's `code`; nothing if it is not a list of texts, which the check of the study refuses."""
    named = config.get("code")
    return named if isinstance(named, list) and all(isinstance(each, str) for each in named) else []


def _variants(config: Config) -> dict[str, str]:
    """The pruner of each variant, by the variant's name."""
    pruners = _mapping(config, "pruners").items()
    named = {str(name): own.get("variant_of") for name, own in pruners if isinstance(own, dict)}
    return {name: base for name, base in named.items() if isinstance(base, str)}


def _mapping(config: Config, key: str) -> Config:
    """A mapping of a study that is not checked yet; empty if it is not a mapping."""
    return value if isinstance(value := config.get(key), dict) else {}


def _yaml_value(value: object) -> object:
    """A value of the command line, parsed as in a study file; what cannot be read as YAML is a text.

    Raises:
        InputError: it is read otherwise than it looks.
    """
    if isinstance(value, list):
        return [_yaml_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _yaml_value(item) for key, item in value.items()}
    try:
        return parse_yaml(value) if isinstance(value, str) else value
    except InputError as reason:
        # The cause is YAML's own error.
        if reason.__cause__:
            return value
        raise


def _prepared(dataset: Config) -> bool:
    """Whether a folder that is gone is not needed: its images are prepared, and its digest is known.

    Under another digest they would be prepared again, for which Snakemake removes them first.
    """
    name, folder = dataset["name"], dataset["folder"]
    prepared = Path(data_file(name, folder, dataset.get("image_size", IMAGE_SIZE))).exists()
    return prepared and bool(content_digest(name, folder))
