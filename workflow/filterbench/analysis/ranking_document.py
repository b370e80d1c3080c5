"""`ranking.json` and `ranking.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd

from filterbench.analysis.blocks import Difference
from filterbench.analysis.estimates import json_number
from filterbench.analysis.leads import ALL
from filterbench.analysis.ranking import Competitor, Ranking, Variant
from filterbench.analysis.seeds import CONFIDENCE

COLUMNS = [
    *("kind", "budget", "pruner", "variant_of", "model", "target", "rank", "groups"),
    *("accuracy", "collapsed", "missing", "reference", "difference", "low", "high"),
]


def ranking_document(source: str, found: Sequence[Ranking]) -> dict[str, Any]:
    """`ranking.json` from the rankings of a study; `source` says what the cells are."""
    return {
        "source": source,
        "interval_level": CONFIDENCE,
        "rankings": [_ranking(each) for each in found],
    }


def ranking_table(document: Mapping[str, Any]) -> pd.DataFrame:
    """`ranking.csv` from `ranking.json`: a row per ranking, pruner, model or `all`, and target or `all`."""
    rows = [row for each in document["rankings"] for row in _rows(each)]
    return pd.DataFrame(rows, columns=COLUMNS)


def groups_of(pruner: str, ranking: Mapping[str, Any]) -> str:
    """The numbers of a pruner's groups in a ranking of `ranking.json`, from 1."""
    return " ".join(str(number) for number, group in enumerate(ranking["groups"], 1) if pruner in group)


def _ranking(each: Ranking) -> dict[str, Any]:
    groups = [[each.competitors[place].name for place in group] for group in each.groups]
    return {
        "kind": each.kind,
        "budget": each.budget,
        "models": each.models,
        "targets": each.targets,
        "seeds": each.seeds,
        "pruners": [
            {**_competitor(competitor, each), "from_best": _difference(each.from_best(place))}
            for place, competitor in enumerate(each.competitors)
        ],
        "groups": groups,
        "pairs": [
            {"pruners": [each.competitors[place].name for place in pair], **_difference(found)}
            for pair, found in each.pairs.items()
        ],
        "variants": [_variant(variant, each) for variant in each.variants],
        "left_out": each.left_out,
    }


def _competitor(competitor: Competitor, each: Ranking) -> dict[str, Any]:
    return {
        "pruner": competitor.name,
        "accuracy": json_number(competitor.mean),
        "accuracy_all": json_number(competitor.mean_all),
        "collapsed": competitor.collapsed,
        "missing": competitor.missing,
        "accuracies": {
            model: {target: json_number(competitor.at(model, target)) for target in each.targets}
            for model in each.models
        },
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "mean": json_number(found.mean),
        "low": json_number(found.low),
        "high": json_number(found.high),
        "seeds": found.seeds,
        "told_apart": found.told_apart,
    }


def _variant(variant: Variant, each: Ranking) -> dict[str, Any]:
    return {
        **_competitor(variant.competitor, each),
        "variant_of": variant.base,
        "difference": _difference(variant.difference),
        "nets": variant.nets,
        "alike": variant.alike,
    }


def _rows(ranking: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    same = {"kind": ranking["kind"], "budget": ranking["budget"]}
    for rank, own in enumerate(ranking["pruners"], start=1):
        best = ranking["pruners"][0]["pruner"] if rank > 1 else None
        placed = {**same, "rank": rank, "groups": groups_of(own["pruner"], ranking)}
        yield from _rows_of(own, placed, best, own["from_best"])
    for own in ranking["variants"]:
        varied = {**same, "variant_of": own["variant_of"]}
        yield from _rows_of(own, varied, own["variant_of"], own["difference"])


def _rows_of(
    own: Mapping[str, Any], same: Mapping[str, Any], reference: str | None, found: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A pruner's rows: over all, of each target over all models, and of each model and target."""
    row = {**same, "pruner": own["pruner"]}
    compared = {
        "reference": reference,
        "difference": found["mean"],
        "low": found["low"],
        "high": found["high"],
    }
    counts = {key: own[key] for key in ("accuracy", "collapsed", "missing")}
    overall = {**counts, **compared}
    yield {**row, "model": ALL, "target": ALL, **overall}
    accuracies = pd.DataFrame(own["accuracies"], dtype=float)
    for target, values in accuracies.iterrows():
        mean = json_number(values.mean(skipna=False))
        yield {**row, "model": ALL, "target": target, "accuracy": mean}
    for model, target in product(accuracies.columns, accuracies.index):
        yield {**row, "model": model, "target": target, "accuracy": own["accuracies"][model][target]}
