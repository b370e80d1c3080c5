"""Which pruner to take for an allowed loss of accuracy."""

import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from cells import cells

from filterbench.analysis.recommending import leader, recommendations
from filterbench.page.page import page
from filterbench.results.tables import with_latencies

# Sparsities of 2.04, 4 and 8.16 times fewer params.
SPARSITIES = (0.3, 0.5, 0.65)


def table(lost: dict[str, list[float]], spread: float = 0.0):
    """Cells of one model with three seeds: by pruner the loss of accuracy in points at each sparsity."""
    found = cells(dict.fromkeys(lost, 0.95), SPARSITIES, models=("a",), spread=spread)
    for pruner, values in lost.items():
        for sparsity, points in zip(SPARSITIES, values, strict=True):
            place = (found["pruner"] == pruner) & (found["sparsity"] == sparsity)
            found.loc[place, "performance_finetuned"] -= points / 100
    return found


def test_the_smallest_net_within_the_drop_is_found_and_the_furthest_pruner_first():
    found = recommendations(
        table({"L1FilterPruner": [0.1, 0.4, 2], "FPGMPruner": [0.1, 0.2, 0.3]}), "params", 0.5
    )
    assert list(found["pruner"]) == ["FPGM", "L1Filter"]
    assert list(found["sparsity"]) == [0.65, 0.5]
    assert list(found["factor"].round(2)) == [8.16, 4]
    assert list(found["first"]) == ["3 of 3", "0 of 3"]


def test_a_pruner_without_such_a_net_is_left_out():
    lost = table({"L1FilterPruner": [1, 2, 3], "FPGMPruner": [0.1, 2, 3]})
    assert list(recommendations(lost, "flops", 0.5)["pruner"]) == ["FPGM"]
    assert recommendations(lost, "flops", 0.0).empty


@pytest.mark.parametrize(("spread", "surely"), [(0.0005, "yes"), (0.04, "cannot tell")])
def test_a_loss_is_sure_where_its_interval_lies_within_the_drop(spread, surely):
    found = recommendations(table({"L1FilterPruner": [0.1, 5, 9]}, spread), "params", 3)
    assert list(found["surely"]) == [surely]


def test_what_is_blind_or_infeasible_is_named():
    lost = table({"SimulatedAnnealingPruner": [0.1, 0.2, 9]})
    lost["search_blind"] = lost["sparsity"] == 0.5
    lost.loc[lost["sparsity"] == 0.65, "infeasible"] = "too little is left"
    (notes,) = recommendations(lost, "params", 0.5)["notes"]
    assert notes == "its search was blind with 3 of 3 seeds; infeasible at 0.65"


def test_seeds_tell_who_is_ahead_or_cannot():
    lost = table({"L1FilterPruner": [0.1, 0.2, 9], "FPGMPruner": [0.1, 0.2, 0.3]})
    said = leader(lost, "params", 0.5, recommendations(lost, "params", 0.5))
    assert (
        said
        == "FPGM's net is 2.04 times smaller than L1Filter's, by counts that are the same with every seed."
    )
    # Counts that differ a little from seed to seed, as a search's do.
    ahead = lost["pruner"] == "FPGMPruner"
    lost.loc[ahead, "params_compact"] += 1000 * lost.loc[ahead, "seed"]
    said = leader(lost, "params", 0.5, recommendations(lost, "params", 0.5))
    assert said.startswith("FPGM's net is 2.0")
    assert "with 95 % confidence over 3 seeds" in said
    lost.loc[ahead & (lost["seed"] == 0), "params_compact"] *= 3
    assert leader(lost, "params", 0.5, recommendations(lost, "params", 0.5)).startswith("cannot tell: ")
    one_seed = lost[lost["seed"] == 1]
    assert "at least 3 seeds" in leader(one_seed, "params", 0.5, recommendations(one_seed, "params", 0.5))
    alone = lost[ahead]
    assert leader(alone, "params", 0.5, recommendations(alone, "params", 0.5)).startswith("FPGM: no other")


def test_equally_small_nets_share_their_rank_and_the_most_accurate_comes_first():
    lost = table(
        {"L1FilterPruner": [0.1, 0.4, 9], "L2FilterPruner": [0.1, 0.2, 9], "FPGMPruner": [0.1, 5, 9]}
    )
    found = recommendations(lost, "params", 0.5)
    assert list(found["pruner"]) == ["L2Filter", "L1Filter", "FPGM"]
    assert list(found["rank"]) == [1, 1, 3]
    assert list(found["first"]) == ["3 of 3", "3 of 3", "0 of 3"]
    assert leader(lost, "params", 0.5, found) == (
        "L2Filter and L1Filter have equally small nets; L2Filter's is the most accurate, by 0.20 points."
    )


def test_equally_small_and_equally_accurate_nets_are_said_to_be_so():
    lost = table({"L1FilterPruner": [0.1, 0.2, 9], "L2FilterPruner": [0.1, 0.2, 9]})
    assert leader(lost, "params", 0.5, recommendations(lost, "params", 0.5)) == (
        "L1Filter and L2Filter have equally small nets; L1Filter's and L2Filter's are equally accurate."
    )


def test_a_cell_that_a_seed_lacks_is_not_recommended():
    lost = table({"L1FilterPruner": [0.1, 0.2, 0.3]})
    lost.loc[(lost["sparsity"] == 0.65) & (lost["seed"] == 2), "infeasible"] = "too little is left"
    (sparsity,) = recommendations(lost, "params", 0.5)["sparsity"]
    assert sparsity == 0.5


def test_measured_latencies_join_the_cells_and_the_page(tmp_path):
    found = table({"L1FilterPruner": [0.1, 0.4, 2], "FPGMPruner": [0.1, 0.2, 0.3]})
    path = tmp_path / "latency.csv"
    plan = SimpleNamespace(latency_csv=lambda model: path)
    assert with_latencies(plan, "a", found) is found
    name = "relative_onnxruntime_single"
    found[["pruner", "seed", "sparsity"]].assign(
        **{f"{name}_compact": 0.4, "onnx_bytes_original": 1000, "onnx_bytes_compact": 250}
    ).to_csv(path, index=False)
    joined = with_latencies(plan, "a", found)
    assert list(recommendations(joined, name, 0.5)["factor"].round(2)) == [2.5, 2.5]
    text = page("tiny", "Tiny", {"a": joined.assign(seconds_prune=1.0, seconds_finetune=1.0)})
    data = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text, re.S)[1])
    assert data["axes"][name] == "latency relative to the original (for one image in onnxruntime)"
    assert data["models"]["a"]["curves"]["FPGMPruner"][name] == [0.4] * 3
    assert data["models"]["a"]["original"][name] == 1
    assert data["axes"]["relative_onnx_bytes"] == "relative to the original (smaller as an ONNX file)"
    assert data["models"]["a"]["curves"]["FPGMPruner"]["relative_onnx_bytes"] == [0.25] * 3
    assert "faster for one image in onnxruntime" in {each["cost"] for each in data["recommended"]["a"]}
    # Of a part of the cells they are left out.
    pd.read_csv(path).iloc[1:].to_csv(path, index=False)
    assert with_latencies(plan, "a", found) is found
