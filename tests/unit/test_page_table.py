"""The table of the page."""

from cells import cells

from filterbench.page.table import rows_of


def test_a_row_has_per_cents_factors_and_the_seconds_of_both_stages():
    table = cells({"L1FilterPruner": 0.9}, sparsities=(0.5,), seeds=(3,), models=("a",))
    (row,) = rows_of(table.assign(seconds_prune=3.0, seconds_finetune=60.04)).to_dict("records")
    assert (row["short"], row["performance_finetuned"], row["performance_original"]) == ("L1Filter", 90, 95)
    assert (row["params_factor"], row["flops_factor"], row["seconds"]) == (4, 4, 63)
    assert isinstance(row["params_compact"], int)
    assert row["document"] == "a/seed-3/L1FilterPruner/0.5/result.json"
