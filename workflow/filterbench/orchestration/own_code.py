"""A user's own models and pruners, tried when their study is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from filterbench.models.torchvision_nets import PREFIX
from filterbench.orchestration.plan import Plan
from filterbench.own_code.registering import home_of
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.study.cells import pruner_arguments, sparsities
from filterbench.study.paths import BASELINE, cell_at


def try_own_code(plan: Plan) -> None:
    """Try each of the study's own models without a baseline, and own pruner without a cell, for a moment.

    Raises:
        InputError: the stages cannot work with one of them; the message names it and the reason.
    """
    models, pruners = list(_new_models(plan)), list(_new_pruners(plan))
    if not models and not pruners:
        return
    # Imported here because it takes seconds, which other studies can spare.
    from filterbench.making.trying import try_model, try_pruner

    try:
        for name in models:
            try_model(name, plan.config["models"][name]["width"], plan.image_size)
        for name in pruners:
            model, own = next(iter(plan.config["models"].items()))
            arguments = pruner_arguments(plan.config, name, model)
            asked = sparsities(plan.config, name, model)
            if asked:
                try_pruner(name, arguments, min(asked), model, own["width"], plan.image_size)
    except InputError as reason:
        raise InputError(f"study {plan.study}: {reason}") from reason


def _new_models(plan: Plan) -> Iterable[str]:
    """Own models that have not been trained; torchvision's are known."""
    for name in plan.config["models"]:
        folders = (BASELINE.format(study=plan.study, model=name, seed=seed) for seed in plan.config["seeds"])
        known = name.startswith(PREFIX) or not home_of("MODELS", name)
        if not known and not any((Path(folder) / "baseline.json").exists() for folder in folders):
            yield name


def _new_pruners(plan: Plan) -> Iterable[str]:
    """Own pruners that do not search and have pruned nothing yet."""
    made = {cell_at(cell)[1].pruner for cell in plan.cells if (Path(cell) / "prune.json").exists()}
    for name in plan.config["pruners"]:
        if home_of("PRUNERS", name) and not PRUNERS[name].searches and name not in made:
            yield name
