"""Nets to take away: files that say what they are, torch archives and ONNX models."""

import io
import json
import re
import subprocess
import sys

import onnxruntime
import pytest
import torch
from checkout import REPOSITORY
from PIL import Image
from test_adopting import torchvisions
from test_own_code import remembered

import filterbench
from filterbench.compaction.exporting import (
    FromPixels,
    check_archive,
    export_archive,
    export_onnx,
    with_metadata,
)
from filterbench.compaction.portable import as_metadata
from filterbench.models.registry import build_model
from filterbench.storage.errors import InputError
from filterbench.storage.weights import write_weights

RECORD = {
    "version": "0.0.0",
    "dataset": "digits",
    "protocol": "validation",
    "model": "resnet18",
    "width": 0.0625,
    "image_size": 32,
    "seed": 0,
    "classes": ["dark", "bright"],
    "normalisation": {"mean": [0.5], "std": [0.25]},
    "params": 1,
    "flops": 2,
    "accuracy": 0.1 + 0.2,
}


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    with remembered(monkeypatch):
        yield


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return build_model("resnet18", 0.0625, 2).eval()


@pytest.fixture
def file(net, tmp_path):
    path = tmp_path / "finetune.safetensors"
    write_weights(path, net.state_dict(), as_metadata(RECORD))
    return path


def test_a_file_or_its_folder_gives_the_net_with_what_its_user_has_to_know(net, file, few_images):
    for place in (file, str(file.parent)):
        loaded = filterbench.load(place)
        assert (loaded.training, loaded.classes, loaded.metadata) == (False, RECORD["classes"], RECORD)
        images = loaded.preprocess(few_images.test.pixels)
        assert torch.equal(images, few_images.test.first(40))
        assert torch.equal(loaded(images), net(images))


def test_image_files_are_read_as_those_of_an_image_folder(file, tmp_path):
    for name, grey in (("black", 0), ("grey", 128)):
        image = Image.new("L", (90, 60), 255)
        image.paste(grey, (15, 0, 75, 60))
        image.save(tmp_path / f"{name}.png")
    images = filterbench.load(file).read(tmp_path / "black.png", str(tmp_path / "grey.png"))
    # The mean is 0.5, and the standard deviation 0.25.
    expected = torch.tensor([-2.0, 4 * 128 / 255 - 2]).view(2, 1, 1, 1)
    # Resizing mixes the columns at the edge of the square with their neighbours.
    assert torch.allclose(images[..., 5:-5], expected.expand(2, 3, 32, 22), atol=1e-6)
    with pytest.raises(InputError, match=r"none.png: not a readable image"):
        filterbench.load(file).read(tmp_path / "none.png")


def test_a_net_gets_the_names_of_its_users_file_back_and_fits_their_code(tmp_path):
    theirs = torchvisions()
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "my.pt")
    torch.manual_seed(1)
    pruned = build_model("resnet18", 0.5).eval()
    record = RECORD | {"width": 1.0, "classes": list("0123456789")}
    write_weights(tmp_path / "net.safetensors", pruned.state_dict(), as_metadata(record))
    state = filterbench.load(tmp_path / "net.safetensors").state_dict_like(tmp_path / "my.pt")
    assert state.keys() == theirs.state_dict().keys()
    torch.save(state, tmp_path / "pruned.pt")
    torch.save(theirs, tmp_path / "theirs.pt")
    torch.save(torch.randn(2, 3, 32, 32), tmp_path / "images.pt")
    nets = (REPOSITORY / "docs/nets.md").read_text()
    (snippet,) = re.findall(r"```python\n(for name, tensor in .*?)```", nets, re.DOTALL)
    script = (
        "import torch\n"
        "model = torch.load('theirs.pt', weights_only=False)\n"
        f"{snippet}"
        "torch.save(model(torch.load('images.pt')), 'logits.pt')\n"
    )
    # -I: neither this folder nor PYTHONPATH.
    run = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    logits = torch.load(tmp_path / "logits.pt")
    assert torch.allclose(logits, pruned(torch.load(tmp_path / "images.pt")), rtol=1e-4, atol=1e-4)


def test_names_come_from_a_file_of_the_same_unpruned_net_alone(file, tmp_path):
    torch.save(torchvisions().state_dict(), tmp_path / "my.pt")
    with pytest.raises(InputError, match=r"my.pt: has conv1.weight \(64, 3, 3, 3\) where this net has"):
        filterbench.load(file).state_dict_like(tmp_path / "my.pt")


def test_a_missing_file_of_names_is_refused(file, tmp_path):
    with pytest.raises(InputError, match=r"none.pt: cannot be read \(No such file or directory\)"):
        filterbench.load(file).state_dict_like(tmp_path / "none.pt")


def test_images_of_another_type_or_size_are_refused(file, few_images):
    loaded, pixels = filterbench.load(file), few_images.test.pixels
    for other in (pixels.float(), pixels[0], pixels[:, :, 1:], pixels.expand(-1, 2, -1, -1)):
        with pytest.raises(InputError, match=r"allowed: uint8 \(n, 1 or 3, 32, 32\)"):
            loaded.preprocess(other)


def test_what_is_no_net_is_refused_with_a_reason(net, tmp_path):
    def refused(reason: str, place) -> None:
        with pytest.raises(InputError, match=reason):
            filterbench.load(place)

    refused(r"no net; allowed: a file, or a folder that contains finetune\.safetensors or", tmp_path)
    refused("no net; allowed", tmp_path / "missing")
    path = tmp_path / "model.safetensors"
    write_weights(path, net.state_dict())
    refused("does not say which net it holds", tmp_path)
    write_weights(path, {})
    refused("the cell is infeasible", path)
    write_weights(path, net.state_dict(), as_metadata(RECORD | {"model": "mine"}))
    refused(r"unknown model 'mine'; give the file that defines it", path)
    write_weights(path, net.state_dict(), as_metadata({"model": "resnet18"}))
    refused("metadata without accuracy, classes", path)
    path.write_bytes(b"no tensors")
    refused("not a readable safetensors file", path)


def test_an_archive_runs_where_filterbench_is_not_installed(net, tmp_path):
    content = export_archive(net, RECORD)
    assert content == export_archive(net, RECORD)
    images = torch.randn(5, 3, 32, 32)
    assert check_archive(content, net, images) < 1e-5
    (tmp_path / "net.pt2").write_bytes(content)
    torch.save(images, tmp_path / "images.pt")
    script = (
        "import json, sys, torch\n"
        "about = {'metadata.json': ''}\n"
        "net = torch.export.load('net.pt2', extra_files=about).module()\n"
        "torch.save(net(torch.load('images.pt')), 'logits.pt')\n"
        "assert 'filterbench' not in sys.modules\n"
        "print(json.loads(about['metadata.json'])['classes'])\n"
    )
    # -I: neither this folder nor PYTHONPATH.
    run = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout == "['dark', 'bright']\n", run.stderr
    assert torch.allclose(torch.load(tmp_path / "logits.pt"), net(images), atol=1e-5)


def test_an_archive_of_another_net_is_refused(net):
    torch.manual_seed(1)
    other = build_model("resnet18", 0.0625, 2).eval()
    with pytest.raises(InputError, match="torch archive differs from the net by"):
        check_archive(export_archive(other, {}), net, torch.randn(2, 3, 32, 32))


def test_an_exported_net_can_normalise_its_images_and_says_what_it_is(net, few_images):
    inside = FromPixels(net, RECORD["normalisation"]).eval()
    pixels = few_images.test.pixels.float().expand(-1, 3, -1, -1)
    content = with_metadata(export_onnx(inside), RECORD)
    session = onnxruntime.InferenceSession(content)
    (logits,) = session.run(["logits"], {"images": pixels.numpy()})
    assert torch.allclose(torch.from_numpy(logits), net(few_images.test.first(40)), atol=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert (about["model"], json.loads(about["classes"])) == ("resnet18", RECORD["classes"])
    assert json.loads(about["normalisation"]) == RECORD["normalisation"]
    archive = torch.export.load(io.BytesIO(export_archive(inside, {}))).module()
    assert torch.allclose(archive(pixels), net(few_images.test.first(40)), atol=1e-4)
