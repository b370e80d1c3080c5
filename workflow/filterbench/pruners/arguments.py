"""Arguments of pruners, each declared once: type, range, default and meaning, as a JSON Schema.

A study is checked against them, and `docs/registered.md` lists them. This module imports neither torch nor
NNI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from filterbench.domain.rates import EXAMPLE

Argument = dict[str, Any]


# The largest whole number, as of a study's other settings: documents refuse those that JSON readers round.
MOST = 10**9
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def number(default: float, meaning: str, **bounds: float) -> Argument:
    """A number.

    Args:
        default: the value if the study sets none.
        meaning: one line.
        bounds: `minimum`, `exclusiveMinimum`, `maximum`, `exclusiveMaximum`.

    Raises:
        TypeError: another bound, which a JSON Schema would ignore.
    """
    for name in bounds:
        if name not in BOUNDS:
            raise TypeError(f"unknown bound {name!r}; allowed: {', '.join(BOUNDS)}")
    return {"description": meaning, "type": "number", "default": default, **bounds}


def whole(default: int, meaning: str, **bounds: int) -> Argument:
    """A whole number, up to the largest one that a study can have anywhere; see `number`."""
    return number(default, meaning, **{"maximum": MOST, **bounds}) | {"type": "integer"}


def switch(meaning: str, default: bool = False) -> Argument:
    """True or false."""
    return {"description": meaning, "type": "boolean", "default": default}


def choice(allowed: Sequence[str], meaning: str) -> Argument:
    """One of several words, the first by default."""
    return {"description": meaning, "enum": list(allowed), "default": allowed[0]}


def schema_of(arguments: Mapping[str, Argument]) -> dict[str, Any]:
    """The JSON Schema of a study's arguments for a pruner, all optional."""
    return {"type": "object", "additionalProperties": False, "properties": dict(arguments)}


def contradictions(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Contradictions between arguments that are each allowed: the name of one, and what is wrong with it.

    Args:
        arguments: all of a pruner's.
    """
    if "layers" in arguments and not arguments["layers"]:
        yield (
            "layers",
            f"is empty; allowed: one number per convolution, such as {EXAMPLE}, or by name, or a file",
        )
    start, stop = arguments.get("start_temperature"), arguments.get("stop_temperature")
    if start is not None and stop is not None and stop >= start:
        yield "stop_temperature", f"{stop} is not below start_temperature, {start}, so there is no step"


def layer_list(meaning: str) -> Argument:
    """What each layer keeps (`filterbench.models.paper_layers.layers_of_net`); a study has to give it."""
    return {"description": meaning, "type": ["string", "array", "object"], "default": ""}


BASE_ALGO = {"base_algo": choice(("l1", "l2", "fpgm"), "Ranks the filters of a layer.")}
ONE_SHOT = {"dependency_aware": switch("Mask the same channels in convolutions whose outputs are summed.")}
GIVEN_LAYERS = {
    "layers": layer_list(
        "What each convolution keeps: rates pruned or counts kept, as `[0.95]+[0.5]*6`, a list, by name, or "
        "a file ([layers.md](layers.md))."
    ),
    **BASE_ALGO,
    "weights": choice(("trained", "fresh"), "Keep the unpruned net's weights, or draw new ones by the seed."),
}
GROUPS = {
    "ranking": choice(
        ("global", "isomorphic", "local", "erk"),
        "Which channels are ranked together: all, so that `sparsity` is the share of all filters; those of "
        "groups of the same kinds of layers; those of a group, which all lose the same share, or that of "
        "Erdős-Rényi-Kernel.",
    ),
    "smallest_share": number(
        0.0, "Share of each group's channels that stays in any case.", minimum=0, exclusiveMaximum=1
    ),
    "spared": choice(
        ("none", "first", "last", "ends"),
        "Groups that stay whole: that of the first convolution, of the last, or both.",
    ),
    "rounds": whole(
        1, "In how many rounds the channels go, with a training after each but the last.", minimum=1
    ),
    "schedule": choice(("cubic", "linear", "geometric"), "How much is gone after each round."),
    "round_epochs": whole(1, "Epochs of the training between two rounds.", minimum=0),
    "round_learning_rate": number(0.01, "Learning rate of that training.", exclusiveMinimum=0),
}
ANNEALING = {
    **BASE_ALGO,
    "start_temperature": number(100, "Temperature at the start.", exclusiveMinimum=0),
    "stop_temperature": number(20, "The annealing ends at or below it.", exclusiveMinimum=0),
    "cool_down_rate": number(
        0.9, "The temperature is multiplied by it at each step.", exclusiveMinimum=0, exclusiveMaximum=1
    ),
    "perturbation_magnitude": number(
        0.35, "Largest change of a layer's sparsity at the start.", exclusiveMinimum=0, maximum=1
    ),
}
EAGLE_EYE = {**BASE_ALGO, "evaluations": whole(100, "Random allocations that are judged.", minimum=1)}
SENSITIVITY = {
    **BASE_ALGO,
    "rates": whole(
        9,
        "At how many rates, evenly spaced between 0 and 1, each group of convolutions is pruned alone.",
        minimum=1,
        maximum=99,
    ),
}
NET_ADAPT = {
    **BASE_ALGO,
    "sparsity_per_iteration": number(
        0.05,
        "What an iteration prunes, as a share of the weights or of the unpruned net's cost.",
        minimum=0.001,
        exclusiveMaximum=1,
    ),
    "short_term_steps": whole(100, "Batches that a candidate is trained on.", minimum=0),
    "short_term_learning_rate": number(0.001, "Learning rate of that training.", exclusiveMinimum=0),
    "short_term_weight_decay": number(0.0, "Its weight decay.", minimum=0),
    "halve_step": switch("Go on with half the step where no layer can give a whole one."),
}
AUTO_COMPRESS = {
    "num_iterations": whole(3, "Rounds of annealing, ADMM and removal.", minimum=1),
    **ANNEALING,
    "admm_num_iterations": whole(30, "Iterations of ADMM in a round.", minimum=1),
    "admm_epochs_per_iteration": whole(5, "Epochs of an iteration of ADMM.", minimum=1),
    "row": number(1e-4, "Weight of ADMM's penalty (rho in the paper).", exclusiveMinimum=0),
}
TAYLOR = {
    **GROUPS,
    "images": whole(1024, "Training images, drawn by the seed, that give the gradients.", minimum=1),
}
SINGLE_IMAGES = TAYLOR | {
    "images": whole(256, "Training images, drawn by the seed, whose gradients are squared.", minimum=1)
}
FEATURE_MAPS = GROUPS | {
    "images": whole(128, "Training images, drawn by the seed, whose feature maps are scored.", minimum=1)
}
# Scores that only compare within a layer.
LAYER_MAPS = FEATURE_MAPS | {
    "ranking": GROUPS["ranking"] | {"enum": ["local", "global", "isomorphic", "erk"], "default": "local"}
}
