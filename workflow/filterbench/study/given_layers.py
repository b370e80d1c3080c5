"""The layers that a study gives to `GivenLayersPruner`: read from a file, checked against the nets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from filterbench.domain.rates import Layers
from filterbench.storage.errors import InputError, first_line
from filterbench.storage.strict_yaml import parse_yaml
from filterbench.study.cells import Config, pruner_arguments, targets
from filterbench.study.locating import is_there, naming_layer_files


def read_layers(pruners: Config, source: str) -> None:
    """Replace the file of a pruner's layers by what it holds, in place, so that a changed file counts.

    A file is a cell's `prune.json` or `speedup.json`, or YAML with a list or a mapping.

    Args:
        pruners: of the study, not checked yet.
        source: name of the study, for the error.

    Raises:
        InputError: the file is missing, or is not such a file.
    """
    for name, own in pruners.items():
        for key, arguments in naming_layer_files(own).items():
            path = arguments["layers"]
            arguments["layers"] = _content(path, f"{source}: pruners.{name}.{key}.layers: {path}")


def check_layers(config: Config) -> None:
    """Refuse layers that do not fit the study's nets, before anything runs.

    Raises:
        InputError: the message names the pruner and the model.
    """
    for name in config["pruners"]:
        for model, settings in config["models"].items():
            layers = pruner_arguments(config, name, model).get("layers")
            if layers is None or not targets(config, name, model):
                continue
            try:
                _check_fit(layers, model, settings["width"])
            except InputError as reason:
                own = "layers" in config["pruners"][name].get("models", {}).get(model, {})
                key = f"models.{model}" if own else "arguments"
                raise InputError(f"pruners.{name}.{key}.layers: for {model}: {reason}") from reason


def _check_fit(layers: Layers, model: str, width: float) -> None:
    # Imported here because they import torch, which other studies do not need to be checked.
    from filterbench.models.rebuilding import build_without_values
    from filterbench.pruners.given_layers import layers_that_fit

    layers_that_fit(layers, build_without_values(model, width))


def _content(path: str, where: str) -> object:
    if not is_there(path, Path.is_file):
        raise InputError(f"{where}: there is no such file")
    try:
        found = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise InputError(f"{where}: cannot be read ({first_line(reason)})") from reason
    except InputError as reason:
        raise InputError(f"{where}: {reason}") from reason
    records = found.get("layers") if isinstance(found, Mapping) else None
    if isinstance(records, list) and all(isinstance(each, dict) and "kept" in each for each in records):
        return {each.get("name"): each["kept"] for each in records}
    if not isinstance(found, list | dict):
        raise InputError(
            f"{where}: allowed: a cell's prune.json or speedup.json, a list, or a mapping by name"
        )
    return found
