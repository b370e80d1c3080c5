"""`ranking.md` from `ranking.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from filterbench.analysis.ranking_document import groups_of
from filterbench.analysis.wording import counted, listed
from filterbench.domain.names import short
from filterbench.domain.targets import BUDGETS
from filterbench.storage.markdown import markdown_table

QUESTION = """Which pruner's nets are most accurate under the same budgets, and which pruners cannot be told
apart? Accuracies are test accuracies in percent: means over budgets, seeds and models. Intervals are of
{level:.0f} %, simultaneous over all pairs of a ranking. docs/ranking.md of the repository says how to read
them."""
LIMITS = """- The intervals are about seeds of these models, this dataset and this training, and no others.
- Pruners that are not told apart are not shown to be equal: more seeds may tell them apart.
- Intervals are simultaneous within one ranking, not over training budgets, and not together with those of
  variants.
- Seeds of a model in which a net collapsed, or that lack a net at a budget (*missing*), are left out and
  counted. Pairs that then have fewer than three seeds in a model have no interval, and are not told apart."""


def ranking_page(document: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    lines = [f"# Pruners ranked, from {document['source']}", ""]
    lines += [QUESTION.format(level=100 * document["interval_level"]), ""]
    if not document["rankings"]:
        lines += ["Nothing is ranked: fewer than two pruners have nets under all budgets of a kind.", ""]
    for ranking in document["rankings"]:
        lines += [*_ranking(ranking), ""]
    return "\n".join([*lines, "## What this does not say", "", LIMITS, ""])


def _ranking(ranking: Mapping[str, Any]) -> Iterator[str]:
    trained = "" if ranking["budget"] is None else f", after {counted(ranking['budget'], 'epochs')}"
    yield f"## Budgets of {BUDGETS[ranking['kind']]}{trained}"
    yield ""
    targets, seeds = listed(ranking["targets"]), counted(ranking["seeds"], "seeds")
    yield f"Pooled over {listed(ranking['models'])}, and over the budgets {targets}; {seeds}."
    yield ""
    heading = ["rank", "pruner", "accuracy", "minus the first", "groups", *ranking["targets"]]
    heading += ["collapsed", "missing"]
    yield markdown_table(heading, _rows(ranking))
    yield ""
    yield from _conclusion(ranking)
    if ranking["left_out"]:
        yield ""
        left_out = listed(map(short, ranking["left_out"]))
        reason = "because some model has no seed with a net at every budget without a collapse"
        yield f"Not ranked, {reason}: {left_out}."
    if ranking["variants"]:
        yield ""
        yield from _variants(ranking)


def _rows(ranking: Mapping[str, Any]) -> Iterator[list[str]]:
    for rank, own in enumerate(ranking["pruners"], start=1):
        yield [
            str(rank),
            short(own["pruner"]),
            f"{own['accuracy']:.2f}",
            _difference(own["from_best"]) if rank > 1 else "",
            groups_of(own["pruner"], ranking),
            *(_over_models(own, target) for target in ranking["targets"]),
            str(own["collapsed"]),
            str(own["missing"]),
        ]


def _conclusion(ranking: Mapping[str, Any]) -> Iterator[str]:
    """Which pruners are not told apart from the first one."""
    first, *others = ranking["pruners"]
    alike = [short(own["pruner"]) for own in others if not own["from_best"]["told_apart"]]
    above = [short(own["pruner"]) for own in others if _told_above(own["from_best"])]
    if above:
        yield f"On the seeds that both have, {listed(above)} {'is' if len(above) == 1 else 'are'} better than"
        yield f"{short(first['pruner'])}, whose mean is of more or of other seeds."
    if not alike:
        yield f"{short(first['pruner'])} is told apart from all others."
        return
    apart = [pair for pair in ranking["pairs"] if pair["told_apart"]]
    yield f"{short(first['pruner'])} is not told apart from {listed(alike)}."
    yield f"Of {counted(len(ranking['pairs']), 'pairs')}, {len(apart)} are told apart."


def _told_above(found: Mapping[str, Any]) -> bool:
    return found["told_apart"] and found["mean"] > 0


def _variants(ranking: Mapping[str, Any]) -> Iterator[str]:
    yield "Variants beside their pruners; *alike* counts pairs of nets with the same params and accuracy:"
    yield ""
    rows = [
        [
            short(own["pruner"]),
            short(own["variant_of"]),
            _difference(own["difference"]),
            f"{own['alike']} of {own['nets']}",
            str(own["collapsed"]),
        ]
        for own in ranking["variants"]
    ]
    yield markdown_table(["variant", "pruner", "variant minus pruner", "alike", "collapsed"], rows)


def _over_models(own: Mapping[str, Any], target: str) -> str:
    values = [of_model[target] for of_model in own["accuracies"].values()]
    return "" if None in values else f"{sum(values) / len(values):.2f}"


def _difference(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return ""
    if found["low"] is None:
        return f"{found['mean']:+.2f}"
    text = f"{found['mean']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f})"
    return f"**{text}**" if found["told_apart"] else text
