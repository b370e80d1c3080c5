"""The table and the verdicts of the page."""

import re

from cells import cells

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.page.page import page
from filterbench.page.table import rows_of


def test_a_row_has_per_cents_factors_and_the_seconds_of_both_stages():
    table = cells({"L1FilterPruner": 0.9}, sparsities=(0.5,), seeds=(3,), models=("a",))
    (row,) = rows_of(table.assign(seconds_prune=3.0, seconds_finetune=60.04)).to_dict("records")
    assert (row["short"], row["performance_finetuned"], row["performance_original"]) == ("L1Filter", 90, 95)
    assert (row["params_factor"], row["flops_factor"], row["seconds"]) == (4, 4, 63)
    assert isinstance(row["params_compact"], int)
    assert row["document"] == "a/seed-3/L1FilterPruner/0.5/result.json"


def test_verdicts_that_differ_are_given_by_model_and_untested_conclusions_are_folded():
    def verdict(key, *words, overall="not asked"):
        scopes = [{"scope": f"net{i}", "verdict": word, "reason": ""} for i, word in enumerate(words)]
        said = {"key": key, "statement": f"It is {key}.", "verdict": overall}
        return {**said, "scopes": scopes, "notes": []}

    table = published_cells("vgg16").assign(seed=0, seconds_prune=1.0, seconds_finetune=1.0)
    verdicts = {
        "verdicts": [
            verdict("new", "not asked"),
            verdict("old", "holds", "cannot tell"),
            verdict("asked of both", "holds", "does not hold", overall="cannot tell"),
        ]
    }
    text = page("small", "Small", {"vgg16": with_fronts(with_statistics(table))}, verdicts=verdicts)
    start = text.index("<h2>Verdicts</h2>")
    shown = re.sub(r"<(?!/?details)[^>]*>", "", text[start : text.index("<h2>Cells</h2>", start)])
    given, folded = shown.split('<details id="unasked">')
    assert "holds on net0, cannot tell on net1: It is old." in given
    assert "cannot tell: It is asked of both." in given
    assert "It is new." not in given
    assert "not asked: 1 conclusion that these cells do not test" in folded
    assert "not asked: It is new." in folded
