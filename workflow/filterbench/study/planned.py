"""Whether a study can answer its plan of primary questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filterbench.analysis.controls import layers_of, uniform_flops_of, uniform_of
from filterbench.documents.schemas import Fault, refuse
from filterbench.pruners.registry import PRUNERS
from filterbench.study.cells import (
    Config,
    pruner_arguments,
    search_settings,
    targets,
    trained_again,
    training_budgets,
    trains_between_rounds,
)

if TYPE_CHECKING:
    from filterbench.analysis.questions import Question


def check_questions(config: Config) -> None:
    """Read the plan of primary questions, where the checked study names one.

    Raises:
        InputError: it is faulty, or the study cannot answer it; the message names file, question and key.
    """
    if not config.get("plan"):
        return
    # Imported here because it imports pandas, which other studies do not need.
    from filterbench.analysis.questions import read_questions

    path = Path(config["plan"])
    refuse(path, [fault for each in read_questions(path) for fault in _faults(each, config)])


def _faults(question: Question, config: Config) -> Iterator[Fault]:
    """The parts of a question that the study does not cover."""
    allowed = {
        "model": list(config["models"]),
        "pruner": [name for name in config["pruners"] if uniform_of(name, config["pruners"])],
        "budget": training_budgets(config),
    }
    for key, values in allowed.items():
        if (value := getattr(question, key)) not in values:
            listed = ", ".join(map(str, values)) or "none"
            yield Fault(f"$.{question.key}.{key}", f"{value!r} is not in the study; allowed: {listed}")
    if len(config["seeds"]) > question.seeds:
        reason = f"planned: {question.seeds}, but the study has {len(config['seeds'])}; remove some there"
        yield Fault(f"$.{question.key}.seeds", reason)
    if question.model in allowed["model"] and question.pruner in allowed["pruner"]:
        reached = [str(each) for each in targets(config, question.pruner, question.model)]
        if question.target not in ("all", *reached):
            reason = f"{question.target!r} is not in the study; allowed: all, {', '.join(reached)}"
            yield Fault(f"$.{question.key}.target", reason)
        for name, there in _needed(question, config).items():
            if not there:
                yield Fault(f"$.{question.key}.component", f"{question.component!r} needs {name}")


def _needed(question: Question, config: Config) -> dict[str, bool]:
    """What a component needs in the study, and whether the study has it."""
    pruner, pruners = question.pruner, config["pruners"]
    layers, flops, uniform = layers_of(pruner), uniform_flops_of(pruner), uniform_of(pruner, pruners)
    own_scratch, uniform_scratch = (
        f"scratch-{question.budget}" in trained_again(config, name) for name in (pruner, uniform)
    )
    need = "a training from scratch (scratch: [budgets]) of {}"
    lead = {need.format(pruner): own_scratch}
    scratch = lead | {need.format(uniform): uniform_scratch}
    nothing = _trains_nothing(config, pruner, question.model)
    plainly = {f"{layers} among the pruners": layers in pruners or nothing}
    return {
        "allocation": scratch,
        "inheritance": scratch | plainly,
        "trained weights": plainly | {"a search that trains; without one it is 0": not nothing},
        "parts together": scratch | plainly,
        "lead over scratch": lead,
        "lead at equal FLOPs": {f"{flops} among the pruners": flops in pruners},
    }.get(question.component, {})


def _trains_nothing(config: Config, pruner: str, model: str) -> bool:
    """Whether a pruner trains neither weights nor candidates, so that its net is the plainly cut one."""
    entry, settings = PRUNERS[pruner], search_settings(config, pruner, model)
    trains = (
        entry.search == "path",
        entry.compact,
        settings.get("tune_steps"),
        trains_between_rounds(pruner_arguments(config, pruner, model)),
        "sparse_training" in config["pruners"][pruner],
    )
    return not any(trains)
