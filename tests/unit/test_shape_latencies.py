"""Latencies of the cells' shapes, without their weights, and what they say of searches."""

import copy
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from test_stages import BASELINE, LIMITS, NARROW, run_cell
from torch import nn

from filterbench.analysis.curves import accuracy_at
from filterbench.costs.shapes import shaped
from filterbench.documents import read, write
from filterbench.integrity.shapes import other_shapes
from filterbench.jobs.job import Job
from filterbench.models.registry import build_model
from filterbench.pruners.registry import PRUNERS
from filterbench.pruners.search.search import compact_form
from filterbench.stages.latency_verdicts import latency_verdicts
from filterbench.stages.shape_latencies import shape_latencies
from filterbench.storage.errors import InputError

stage = sys.modules[shape_latencies.__module__]
SETTINGS = {"batch": 20, "runs": 3, "warm_up": 1, "threads": 1, "runtimes": ["torch"]}
PAIR = "AutoCompressPruner", "UniformAsAutoCompressPruner"


@pytest.fixture(scope="module")
def cells(digits_file, tmp_path_factory):
    """A control's cell, in whose folder the searched one is."""
    folder = tmp_path_factory.mktemp("cells")
    run_cell("cpu", PAIR[1], digits_file, folder, **NARROW)
    return [folder / "searched", folder]


def times(cells, digits_file, output, **changes) -> pd.DataFrame:
    params = {
        "cell": {**BASELINE, **NARROW},
        "cells": list(map(str, cells)),
        "limits": LIMITS,
        "device": "cpu",
        "measurement": SETTINGS | changes,
    }
    shape_latencies(Job({"images": digits_file}, {"table": output}, params))
    return pd.read_csv(output)


@pytest.mark.parametrize("model", ["resnet18", "mobilenetv2"])
def test_a_net_has_the_shapes_of_the_compact_net(model):
    net = build_model(model, 0.125, 10).eval()
    masks = PRUNERS["L1FilterPruner"].make({}).prune(copy.deepcopy(net), 0.5, None).masks
    compact = compact_form(net, masks)
    layers = [
        {"name": name, "channels": net.get_submodule(name).out_channels, "kept": module.out_channels}
        for name, module in compact.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    assert {name: value.shape for name, value in shaped(net, layers).state_dict().items()} == {
        name: value.shape for name, value in compact.state_dict().items()
    }


def test_a_shape_is_timed_once(cells, digits_file, tmp_path, monkeypatch):
    table = times([*cells, cells[0]], digits_file, tmp_path / "shape_latency.csv")
    assert table["pruner"].tolist() == [*PAIR, PAIR[0]]
    assert table["latency_compact"][0] == table["latency_compact"][2] != table["latency_compact"][1]
    assert (table[["latency_original", "latency_compact"]] > 0).all(axis=None)
    assert table["runtime"].unique() == ["torch"]
    with pytest.raises(InputError, match="put torch or onnxruntime first"):
        times(cells, digits_file, tmp_path / "compiled.csv", runtimes=["torch-compile"])
    placed = []
    real = stage.in_onnxruntime
    monkeypatch.setattr(stage, "in_onnxruntime", lambda *given: placed.append(given) or real(*given))
    in_onnx = times(cells, digits_file, tmp_path / "onnx.csv", runtimes=["onnxruntime", "torch"])
    assert in_onnx["runtime"].unique() == ["onnxruntime"]
    assert len(placed) == 1 + len(cells)


def test_a_table_that_contradicts_its_cells_is_found(cells, digits_file, tmp_path):
    path = tmp_path / "synthetic/vgg16/shape_latency.csv"
    path.parent.mkdir(parents=True)
    cells = [*cells, cells[0]]
    table = times(cells, digits_file, path)
    plan = SimpleNamespace(
        config={"models": ["vgg16"]}, latency=SETTINGS, matched_cells=lambda model, study: cells
    )

    def found() -> list[str]:
        return [finding.reason for finding in other_shapes(plan, path.parents[1], Path())]

    assert found() == []
    other = "not what its cells' documents and the study give: changed by hand, or not rebuilt"
    for changed in (
        table.assign(params_compact=table["params_compact"] + 1),
        table.assign(runs=4),
        table[:2],
        table.drop(columns="seed"),
    ):
        changed.to_csv(path, index=False)
        assert found() == [other]
    table.assign(latency_compact=[1.0, 2.0, 3.0]).to_csv(path, index=False)
    assert found() == ["cells of one shape with different times, though each shape is timed once"]
    table.assign(latency_compact=[1.0, None, 1.0]).to_csv(path, index=False)
    assert found() == ["a cell without times, or times of an infeasible cell"]
    for text in ("", "many\n", table.to_csv().replace("latency_original", "latency")):
        path.write_text(text)
        assert found()[0].startswith("not a table of shapes' latencies (")


def test_mistakes_are_told(cells, digits_file, tmp_path):
    output = tmp_path / "shape_latency.csv"
    with pytest.raises(
        InputError, match=r"shape_latency\.csv: nothing to compare; the study needs a searching"
    ):
        times([], digits_file, output)
    with pytest.raises(InputError, match=r"1 of 3 cells are missing \(.*gone, \.\.\.\); run the study first"):
        times([*cells, tmp_path / "gone"], digits_file, output)
    other = tmp_path / "other"
    other.mkdir()
    for name in ("speedup", "count"):
        (other / f"{name}.json").write_text((cells[0] / f"{name}.json").read_text())
    counted = read(other / "count.json")
    counted["params"]["speedup"] -= 1
    counted["second_counter"]["params"]["speedup"] -= 1
    write(other / "count.json", counted)
    with pytest.raises(InputError, match=r"its layers make \d+ params, count\.json says \d+"):
        times([other], digits_file, output)
    assert not output.exists()


def cells_at(pruner: str, accuracy: float, factors: dict[float, float], seed: int) -> pd.DataFrame:
    """A pruner's cells with these factors of latency by sparsity."""
    return pd.DataFrame(
        {
            "model": "vgg16",
            "pruner": pruner,
            "seed": seed,
            "sparsity": list(factors),
            "infeasible": None,
            "test_images": 10_000,
            "chance": 0.1,
            "performance_original": 0.9,
            "params_compact": 1000,
            "performance_finetuned": [
                accuracy - 0.01 * factor + 0.0001 * seed * len(pruner) for factor in factors.values()
            ],
            "latency_original": 8.0,
            "latency_compact": [8.0 / factor for factor in factors.values()],
        }
    )


@pytest.mark.parametrize(("lead", "verdict"), [(0.03, "holds"), (-0.03, "does not hold")])
def test_a_search_is_judged_where_both_are_as_fast(lead, verdict, tmp_path):
    table = pd.concat(
        [
            *(
                cells_at(PAIR[0], 0.8 + lead, {0.5: 1.1, 0.6: 1.3, 0.65: 1.2, 0.7: 1.6}, seed)
                for seed in range(5)
            ),
            *(cells_at(PAIR[1], 0.8, {0.5: 1.15, 0.6: 1.4, 0.7: 1.7}, seed) for seed in range(5)),
        ]
    )
    times = ["latency_original", "latency_compact"]
    paths = {"tables": tmp_path / "comparison.csv", "latencies": tmp_path / "shape_latency.csv"}
    table.drop(columns=times).to_csv(paths["tables"], index=False)
    table[["model", "pruner", "seed", "sparsity", "params_compact", *times]].to_csv(
        paths["latencies"], index=False
    )
    outputs = {"document": tmp_path / "verdicts-latency.json", "page": tmp_path / "verdicts-latency.md"}
    params = {name: [str(path)] for name, path in paths.items()} | {"source": "study synthetic"}
    latency_verdicts(Job({}, outputs, params))
    (found,) = read(outputs["document"])["verdicts"]
    assert found["verdict"] == verdict
    # Fourth roots of two that both curves reach.
    (scope,) = found["scopes"]
    (comparison,) = scope["comparisons"]
    assert [each["factor"] for each in comparison["by_factor"]] == [1.1892, 1.4142]
    assert "times less latency" in outputs["page"].read_text()
    table.assign(params_compact=999).drop(columns=times).to_csv(paths["tables"], index=False)
    with pytest.raises(InputError, match="cells have changed since their nets were timed"):
        latency_verdicts(Job({}, outputs, params))
    paths["tables"].unlink()
    with pytest.raises(InputError, match=r"comparison\.csv: missing; run the study first"):
        latency_verdicts(Job({}, outputs, params))


@pytest.mark.parametrize("factor", [1.2, 1.3])
def test_a_cell_that_is_no_faster_than_a_milder_one_is_no_part_of_the_curve(factor):
    cells = cells_at(PAIR[0], 0.8, {0.3: 1.1, 0.5: 1.3, 0.7: factor}, 0)
    cells.loc[2, "performance_finetuned"] = 0.2
    found = accuracy_at(cells, "latency", [1.2, 1.3])
    assert found == pytest.approx([0.788, 0.787], abs=0.0005)


def test_no_line_is_drawn_across_a_wide_gap_of_latency():
    cells = cells_at(PAIR[0], 0.8, {0.3: 1.1, 0.5: 1.5}, 0)
    assert pd.isna(accuracy_at(cells, "latency", [1.3])).all()
