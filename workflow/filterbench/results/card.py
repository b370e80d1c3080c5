"""The card of an exported net: what it is, what it lost, how it was made and how to run it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from filterbench.compaction.portable import NetRecord
from filterbench.data.registry import DATASETS
from filterbench.documents.types import ResultDocument
from filterbench.domain.targets import BUDGETS, parse_target
from filterbench.models.registry import MODELS
from filterbench.pruners.registry import PRUNERS

TEMPLATE = Path(__file__).with_name("card.md.jinja")


def card(record: NetRecord, result: ResultDocument, pixels: bool) -> str:
    """The card in Markdown.

    Args:
        record: what the net's file says.
        result: the cell's `result.json`.
        pixels: whether the exported files normalise their images themselves.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    target = parse_target(record["target"])
    kind = f"{BUDGETS[target.kind]} budget" if target.kind in BUDGETS else target.kind
    return template.render(
        net=record,
        result=result,
        pixels=pixels,
        model=MODELS[record["model"]],
        dataset=DATASETS[record["dataset"]],
        pruner=PRUNERS[record["pruner"]],
        target=f"{kind} {target.value}",
        **{name: ", ".join(f"{value:.6g}" for value in by) for name, by in record["normalisation"].items()},  # type: ignore[attr-defined]
    )


def facts(result: ResultDocument) -> list[str]:
    """The numbers that every card has in its table, also one of a version with another wording."""
    accuracies = (result["performance"][name] for name in ("original", "finetuned"))
    counts = (number for pair in (result["params"], result["flops"]) for number in pair.values())
    return [*(f"{100 * accuracy:.2f} %" for accuracy in accuracies), *(f"{number:,}" for number in counts)]
