"""Files of nets, exported nets and latencies against each other, as `validate` compares them."""

import copy
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch

from filterbench.compaction.exporting import (
    FromPixels,
    export_archive,
    export_onnx,
    layer_onnx,
    with_metadata,
)
from filterbench.compaction.portable import as_metadata, read_record
from filterbench.costs.memory import peak_activations
from filterbench.costs.nni import count
from filterbench.integrity.exports import other_exports
from filterbench.integrity.nets import wrong_shapes
from filterbench.integrity.records import other_records
from filterbench.models.registry import build_model
from filterbench.results.card import card
from filterbench.storage.weights import read_tensors, write_weights

CELL = {
    "study": "synthetic",
    "dataset": "digits",
    "protocol": "validation",
    "model": "resnet18",
    "width": 0.0625,
    "seed": 0,
    "pruner": "L1FilterPruner",
    "sparsity": 0.5,
}
NORMALISATION = {"mean": [0.5], "std": [0.25]}
COUNTS = {"params": {"original": 9, "speedup": 3}, "flops": {"original": 9, "speedup": 3}}


def documents(taken: str) -> dict:
    accuracies = dict.fromkeys(("original", "pruned", "speedup", "finetuned"), 0.75)
    return {
        "finetune": {"cell": CELL, "training": {}, "performance": {"finetuned": 0.75}},
        "result": {"performance": accuracies, **COUNTS},
        "export": {"input": taken, "classes": ["dark", "bright"], "normalisation": NORMALISATION},
        "int8": {"onnx_bytes": {}},
    }


def a_net(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_model("resnet18", 0.0625, 2).eval()


@pytest.fixture(scope="module", params=["normalised", pytest.param("pixels", marks=pytest.mark.slow)])
def made(request, tmp_path_factory) -> tuple[Path, dict]:
    """A cell's folder with its exports, and its documents."""
    folder = tmp_path_factory.mktemp("made") / "seed-0/L1FilterPruner/0.5"
    folder.mkdir(parents=True)
    net, known = a_net(0), documents(request.param)
    params, flops = count(copy.deepcopy(net), "full")
    cell = {name: CELL[name] for name in ("dataset", "protocol", "model", "width", "seed", "pruner")}
    counted = {"params": params, "flops": flops, "accuracy": 0.75, "image_size": 32}
    said = {"version": "0", "classes": ["dark", "bright"], "normalisation": NORMALISATION, "target": "0.5"}
    record = {**cell, **counted, **said}
    write_weights(folder / "finetune.safetensors", net.state_dict(), as_metadata(record))
    pixels = request.param == "pixels"
    taking = FromPixels(net, NORMALISATION).eval() if pixels else net
    metadata = {**record, "input": request.param}
    (folder / "model.onnx").write_bytes(with_metadata(export_onnx(taking), metadata))
    (folder / "net.pt2").write_bytes(export_archive(taking, metadata))
    quantised = with_metadata(export_onnx(net), {**record, "input": "normalised"})
    (folder / "model.int8.onnx").write_bytes(quantised)
    (folder / "card.md").write_text(card(record, known["result"], pixels))
    (folder / "export.json").write_text("{}")
    return folder, known


@pytest.fixture
def cell(made, tmp_path) -> tuple[Path, dict]:
    folder, known = made
    shutil.copytree(folder, tmp_path / "seed-0/L1FilterPruner/0.5")
    return tmp_path / "seed-0/L1FilterPruner/0.5", copy.deepcopy(known)


def found(cell: tuple[Path, dict]) -> str:
    return "\n".join(map(str, [*other_records(*cell), *other_exports(*cell)]))


def test_what_was_exported_together_holds_together(made):
    assert found(made) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[: len(content) // 2], "not a readable"),
        (lambda content: b"<html>", "not a readable"),
        (lambda content: b"", ""),
    ],
    ids=["cut off", "another kind", "emptied"],
)
def test_a_damaged_export_is_found(change, said, cell):
    for name in ("model.onnx", "net.pt2", "model.int8.onnx"):
        path = cell[0] / name
        path.write_bytes(change(path.read_bytes()))
        assert f"{path}: {said}" in found(cell)


def test_exports_that_boast_are_found(cell):
    folder, _ = cell
    for path in folder.glob("*.onnx"):
        path.write_bytes(path.read_bytes().replace(b"0.75", b"0.95"))
    with zipfile.ZipFile(folder / "net.pt2") as file:
        content = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(folder / "net.pt2", "w") as file:
        for name, value in content.items():
            file.writestr(name, value.replace(b"0.75", b"0.95") if name.endswith("metadata.json") else value)
    reasons = found(cell)
    for name in ("model.onnx", "net.pt2", "model.int8.onnx"):
        assert f"{folder / name}: other metadata than in finetune.safetensors" in reasons


def test_exports_of_another_net_are_found(cell):
    folder, known = cell
    metadata = {**read_record(folder / "finetune.safetensors"), "input": known["export"]["input"]}
    (folder / "net.pt2").write_bytes(export_archive(a_net(1), metadata))
    (folder / "model.onnx").write_bytes(with_metadata(layer_onnx(torch.nn.Linear(6, 3)), metadata))
    reasons = found(cell)
    assert f"{folder / 'net.pt2'}: blocks.0.branch.0.0.weight: other weights than in finetune" in reasons
    assert f"{folder / 'model.onnx'}: stem.0.0.weight: shape None, but finetune" in reasons


def test_a_compressed_archive_is_not_unpacked(cell):
    path = cell[0] / "net.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/extra/metadata.json", " " * 10_000_000)
    assert f"{path}: not a readable torch archive (ValueError('compressed'))" in found(cell)


def test_a_changed_card_or_normalisation_is_found(cell):
    folder, known = cell
    text = (folder / "card.md").read_text()
    (folder / "card.md").write_text(text.replace("75.00", "95.00"))
    known["export"]["normalisation"] = {"mean": [0.4], "std": [0.25]}
    reasons = found(cell)
    assert f"{folder / 'card.md'}: does not say 75.00 %, which result.json gives" in reasons
    assert f"{folder / 'export.json'}: $.normalisation: {{'mean': [0.4]" in reasons


@pytest.mark.parametrize(
    ("key", "value"),
    [("accuracy", 0.95), ("params", 1), ("seed", 1), ("target", "0.6"), ("top5", 0.9), ("image_size", 64)],
)
def test_a_net_that_says_something_else_than_its_document_is_found(key, value, cell):
    file = cell[0] / "finetune.safetensors"
    write_weights(file, read_tensors(file), as_metadata({**read_record(file), key: value}))
    assert f"{file}: says that its {key} is {value}, but finetune.json" in found(cell)


def test_a_net_with_other_classes_than_its_baseline_is_found(cell):
    folder, known = cell
    file, baseline = folder / "finetune.safetensors", folder.parents[1] / "baseline/model.safetensors"
    baseline.parent.mkdir()
    shutil.copy(file, baseline)
    record = {**read_record(file), "classes": ["bright", "dark"]}
    write_weights(file, read_tensors(file), as_metadata(record))
    del known["export"]
    assert f"{file}: says that its classes is ['bright', 'dark']" in found(cell)


def test_other_bytes_of_activations_than_the_shapes_give_are_found(tmp_path):
    folder = tmp_path / "results/synthetic/resnet18/seed-0/L1FilterPruner/0.5"
    for path in (folder / "speedup.safetensors", folder.parents[1] / "baseline/model.safetensors"):
        path.parent.mkdir(parents=True)
        write_weights(path, a_net(0).state_dict())
    one = peak_activations(a_net(0), torch.zeros(1, 3, 32, 32))
    both = {name: {"original": size, "speedup": size} for name, size in (("single", one), ("batch", 4 * one))}
    document = {"cell": CELL, "settings": {"batch": 4}, "memory": {"activations": both}}

    def faults() -> list[str]:
        return [str(finding) for finding in wrong_shapes(folder, {"latency": document}, tmp_path, Counter())]

    assert faults() == []
    both["batch"]["speedup"] += 1
    (fault,) = faults()
    assert fault.startswith(
        f"{folder / 'latency.json'}: $.memory.activations.batch.speedup: {4 * one + 1}, but"
    )


def test_a_net_that_says_nothing_is_found(cell):
    file = cell[0] / "finetune.safetensors"
    write_weights(file, read_tensors(file))
    assert f"{file}: does not say which net it holds" in found(cell)
