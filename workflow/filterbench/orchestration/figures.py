"""The figures that can be asked for by name, and which of them a whole run makes."""

from __future__ import annotations

from collections.abc import Callable

from filterbench.orchestration.plan import Plan
from filterbench.pruners.registry import PRUNERS


def _searches(plan: Plan) -> bool:
    return any(PRUNERS[name].searches for name in plan.config["pruners"])


def _equal_training(plan: Plan) -> bool:
    return "equal_training" in plan.config


def _on_request(plan: Plan) -> bool:
    return False


# Those of a model, by name: whether a whole run of a study makes it.
FIGURES: dict[str, Callable[[Plan], bool]] = {
    "performance_comparison": lambda plan: True,
    "layer_sparsities": _searches,
    "search_scores": _searches,
    "equal_training": _equal_training,
    "accuracy_against_training": _equal_training,
    "leads": lambda plan: plan.leads,
    "accuracy_against_latency": lambda plan: "latency" in plan.config.get("budgets", {}),
    "accuracy_against_cost": _on_request,
    "optimism": _on_request,
    "int8": _on_request,
    "sensitivity": _on_request,
}

# That of all models.
RANKING = "ranking"


def figures(plan: Plan) -> list[str]:
    """The figures of a whole run, without their suffixes."""
    kinds = [name for name, asked in FIGURES.items() if asked(plan)]
    of_models = [f"figures/{kind}_{model}" for kind in kinds for model in plan.config["models"]]
    return [*of_models, *([f"figures/{RANKING}"] if plan.ranked else [])]
