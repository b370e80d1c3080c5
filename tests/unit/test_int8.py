"""A cell's nets in int8: the quantised models, the stage, its table and its figure."""

from functools import cache

import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from test_stages import BASELINE, LIMITS, NARROW, run_cell

from filterbench.compaction.exporting import OnnxNet, export_onnx
from filterbench.compaction.quantizing import quantize_onnx
from filterbench.compaction.speedup import relative_difference
from filterbench.documents import read, write
from filterbench.jobs.job import Job
from filterbench.models.registry import build_model
from filterbench.stages.compare_int8 import compare_int8
from filterbench.stages.quantize import quantize
from filterbench.storage.errors import InputError

SETTINGS = {"calibration_images": 1000, "batch": 50, "runs": 3, "warm_up": 1, "threads": 1}
NETS = ["original", "original_int8", "finetuned", "finetuned_int8"]


@cache
def exported(model: str) -> tuple[torch.nn.Module, bytes]:
    """A net, and its ONNX model."""
    torch.manual_seed(0)
    net = build_model(model, 0.125, 10).eval()
    return net, export_onnx(net)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(100, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("model", [pytest.param("vgg16", marks=pytest.mark.slow), "resnet18"])
def test_convolutions_sums_and_linear_layers_are_int8_and_compute_nearly_the_same(model, images):
    net, content = exported(model)
    quantised = quantize_onnx(content, images)
    types = {tensor.name: tensor.data_type for tensor in onnx.load_from_string(quantised).graph.initializer}
    layers = [name for name in types if name.endswith("weight_quantized")]
    convolutions = sum(isinstance(module, torch.nn.Conv2d | torch.nn.Linear) for module in net.modules())
    assert len(layers) == convolutions
    assert {types[name] for name in layers} == {onnx.TensorProto.INT8}
    assert len(quantised) < 0.5 * len(content)
    assert 0 < relative_difference(net, OnnxNet(quantised, 1), images) < 0.2


def test_scales_come_from_the_calibration_images(images):
    net, content = exported("resnet18")
    right, wrong = (
        relative_difference(net, OnnxNet(quantize_onnx(content, seen), 1), images)
        for seen in (images, images / 100)
    )
    assert wrong > 3 * right


def test_a_cells_nets_are_quantised_tabulated_and_drawn(digits_file, tmp_path):
    documents = run_cell("cpu", "L1FilterPruner", digits_file, tmp_path, **NARROW)
    cell = documents["finetune"]["cell"]
    inputs = {
        "images": digits_file,
        "document": tmp_path / "finetune.json",
        "original": tmp_path / "baseline.safetensors",
        "finetuned": tmp_path / "finetune.safetensors",
    }
    made = {"quantised": tmp_path / "model.int8.onnx", "document": tmp_path / "int8.json"}
    params = {"cell": cell, "limits": LIMITS, "device": "cpu", "measurement": SETTINGS}
    quantize(Job(inputs, made, params, threads=8))
    session = onnxruntime.InferenceSession(made["quantised"])
    assert session.get_modelmeta().custom_metadata_map["pruner"] == "L1FilterPruner"
    found = read(made["document"])
    # There are fewer training images than were asked for.
    assert found["settings"]["calibration_images"] == documents["finetune"]["images"]["train"]
    assert found["provenance"]["threads"] == 1
    assert list(found["performance"]) == NETS
    for net in ("original", "finetuned"):
        assert found["performance"][net] == pytest.approx(documents["result"]["performance"][net], abs=0.011)
        assert found["performance"][f"{net}_int8"] == pytest.approx(found["performance"][net], abs=0.1)
        assert found["onnx_bytes"][f"{net}_int8"] < found["onnx_bytes"][net]

    other = tmp_path / "infeasible"
    write(other / "int8.json", {"cell": {**cell, "pruner": "NetAdaptPruner"}, "infeasible": "too far"})
    outputs = {name: tmp_path / f"figure.{name}" for name in ("png", "svg", "pdf")}
    outputs |= {"table": tmp_path / "int8.csv"}
    params = {"cells": [tmp_path, other], "model": "vgg16", "dataset": "digits", "titled": True}
    compare_int8(Job({}, outputs, params))
    table = pd.read_csv(outputs["table"])
    assert table["infeasible"].tolist()[1] == "too far"
    batch = {net: found["latency"]["batch"][net]["median"] for net in NETS}
    relative = table["relative_batch_finetuned_int8"][0]
    assert relative == pytest.approx(batch["finetuned_int8"] / batch["original"])
    drawn = outputs["svg"].read_text()
    for text in ("NetAdapt (infeasible: 0.5)", "original in int8", "the same in int8", "onnxruntime, "):
        assert text in drawn
    with pytest.raises(InputError, match="every cell of this model is infeasible"):
        compare_int8(Job({}, outputs, params | {"cells": [other]}))


def test_an_infeasible_cell_has_nothing_to_quantise(tmp_path):
    cell = {**BASELINE, "model": "resnet18", "width": 0.125, "pruner": "NetAdaptPruner", "sparsity": 0.95}
    before, made = tmp_path / "finetune.json", {"document": tmp_path / "int8.json"}
    write(before, {"cell": cell, "infeasible": "too far"})
    params = {"cell": cell, "limits": LIMITS, "device": "cpu", "measurement": SETTINGS}
    quantize(Job({"document": before}, made, params))
    assert read(made["document"])["infeasible"] == "too far"
