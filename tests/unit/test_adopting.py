"""A user's own trained weights."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import ResNet, resnet18, resnet50

from filterbench.documents import read
from filterbench.jobs.job import Job
from filterbench.models.adopting import adopt_weights, module_names
from filterbench.models.expecting import first_norm
from filterbench.models.registry import build_model
from filterbench.stages.train_baseline import train_baseline
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest


def torchvisions(make=resnet18) -> ResNet:
    """torchvision's ResNet as it is trained on images of 32x32."""
    torch.manual_seed(0)
    net = make(num_classes=10)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval()


@pytest.mark.parametrize(("name", "make"), [("resnet18", resnet18), ("resnet50", resnet50)])
def test_torchvisions_resnet_computes_the_same_under_our_names(name, make, tmp_path):
    theirs, ours = torchvisions(make), build_model(name)
    torch.save({"epoch": 3, "state_dict": theirs.state_dict()}, tmp_path / "net.pt")
    save_file(theirs.state_dict(), tmp_path / "net.safetensors")
    images = torch.randn(2, 3, 32, 32)
    for file in ("net.pt", "net.safetensors"):
        adopt_weights(ours, tmp_path / file)
        with torch.no_grad():
            assert torch.allclose(ours.eval()(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_only_whole_parts_of_names_are_a_wrappers(tmp_path):
    net = build_model("resnet18", 1 / 16)
    renamed = {"stem": "conv_module", "blocks": "blocks.module", "classifier": "_orig_mod.fc"}
    state = {}
    for name, tensor in net.state_dict().items():
        first, _, rest = name.partition(".")
        state[f"{renamed[first]}.{rest}"] = tensor
    torch.save(state, tmp_path / "net.pt")
    names = module_names(net, tmp_path / "net.pt")
    assert names["stem.0.0"] == "conv_module.0.0"
    assert names["blocks.0.branch.0.0"] == "blocks.0.branch.0.0"
    assert names["classifier"] == "fc"


@pytest.mark.parametrize(
    "prefix",
    ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module._orig_mod."],
)
def test_our_own_names_are_taken_with_and_without_a_wrappers_prefix(prefix, tmp_path):
    torch.manual_seed(1)
    trained, fresh = build_model("vgg16", 1 / 16), build_model("vgg16", 1 / 16)
    state = {
        f"{prefix}{name}": tensor
        for name, tensor in trained.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(state, tmp_path / "net.safetensors")
    adopt_weights(fresh, tmp_path / "net.safetensors")
    for name, tensor in trained.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor)


def small() -> nn.Module:
    torch.manual_seed(0)
    return build_model("vgg16", 1 / 16)


def save(path, change, entry: str = "weight") -> None:
    """A net's state with one kind of its entries changed."""
    state = small().state_dict()
    torch.save({name: change(each) if name.endswith(entry) else each for name, each in state.items()}, path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_other_precisions_become_float32(dtype, suffix, tmp_path, caplog):
    caplog.set_level("INFO")
    path, net = tmp_path / f"net.{suffix}", small()
    state = {
        name: each.to(dtype) if each.is_floating_point() else each for name, each in net.state_dict().items()
    }
    (save_file if suffix == "safetensors" else torch.save)(state, path)
    adopt_weights(net, path)
    for name, tensor in net.state_dict().items():
        assert tensor.dtype == (torch.int64 if name.endswith("tracked") else torch.float32)
        assert torch.equal(tensor, state[name].to(tensor.dtype))
    assert f"{str(dtype).removeprefix('torch.')} becomes float32" in caplog.text


def test_filters_of_zeros_are_named(tmp_path, caplog):
    def first_zero(each):
        return each * (torch.arange(len(each)) > 0).view(-1, *[1] * (each.dim() - 1))

    save(tmp_path / "net.pt", first_zero)
    adopt_weights(small(), tmp_path / "net.pt")
    assert "features.0: 1 of 4 filters are zero" in caplog.text


class Custom:
    """Something that only a pickle that runs code can hold."""


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: torch.save(Custom(), path), "holds more than tensors, and reading that could run code"),
        (lambda path: torch.save([1, 2], path), "not a state dict"),
        (lambda path: path.write_bytes(b"nothing"), "net.pt: not a file of torch.save"),
        (lambda path: path.write_bytes(bytes(100)), "net.pt: not a file of torch.save"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "net.pt: cannot be read"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid"), "Git LFS pointer"),
        (lambda path: path.write_text("\n<!DOCTYPE html><html></html>"), "a web page"),
        (lambda path: path.write_text('{"message": "Not Found"}'), "JSON, not weights"),
        (
            lambda path: save(path, lambda each: each.to(torch.int8)),
            "weight: int8; allowed: float32, float16",
        ),
        (lambda path: save(path, lambda each: each.to(torch.complex64)), "complex64; allowed: float32"),
        (lambda path: save(path, lambda each: each * torch.nan), "are infinite or NaN"),
        (lambda path: save(path, lambda each: each / 0), "are infinite or NaN"),
        # Beyond what float32 holds.
        (lambda path: save(path, lambda each: each.double() + 1e300), "are infinite or NaN"),
        (lambda path: save(path, lambda each: each * 0), "features.0: all 4 filters are zero"),
        (lambda path: save(path, lambda each: -each.abs() - 1, "running_var"), "a variance is below 0"),
        (
            lambda path: save(path, lambda each: each.to_sparse()),
            "the tensor is sparse or nested; allowed",
        ),
        (
            lambda path: save(path, lambda each: each.to("meta")),
            "the tensor has no values; allowed",
        ),
        (lambda path: save(path, lambda each: each.tolist()), "not a state dict"),
        (
            lambda path: torch.save(
                small().state_dict()
                | {f"module.{name}": each for name, each in small().state_dict().items()},
                path,
            ),
            "with and without the prefix",
        ),
        (
            lambda path: torch.save(build_model("vgg16", 1 / 8).state_dict(), path),
            r"classifier.0.bias: shape \(64,\), this net has \(32,\)",
        ),
        (
            lambda path: torch.save(torchvisions().state_dict(), path),
            r"has conv1.weight \(64, 3, 3, 3\) where this net has features.0.weight \(4, 3, 3, 3\)",
        ),
    ],
    ids=[
        *(
            "a pickled object",
            "a list",
            "no file of torch",
            "zeros",
            "a broken archive",
            "empty",
            "pointer",
            "page",
            "JSON",
        ),
        *("int8", "complex", "NaN", "infinite", "a large double", "filters of zeros", "variance"),
        *("sparse", "meta", "lists"),
        *("twice", "another width", "another architecture"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(write, said, tmp_path):
    write(tmp_path / "net.pt")
    with pytest.raises(InputError, match=said) as error:
        adopt_weights(build_model("vgg16", 1 / 16), tmp_path / "net.pt")
    assert "\n" not in str(error.value)


def test_a_baseline_of_ones_own_is_measured_and_says_where_it_came_from(digits_file, tmp_path, caplog):
    torch.manual_seed(2)
    net = build_model("vgg16", 1 / 16)
    torch.save(net.state_dict(), tmp_path / "mine.pt")
    cell = {"study": "own", "dataset": "digits", "protocol": "validation", "model": "vgg16", "width": 1 / 16}
    training = {
        "epochs": 5, "batch_size": 64, "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0,
        "schedule": "one-cycle", "augment": False,
    }  # fmt: skip
    params = {"cell": cell | {"seed": 0}, "limits": {"test": 100}, "device": "cpu", "training": training}
    outputs = {"weights": tmp_path / "model.safetensors", "document": tmp_path / "baseline.json"}
    resources = {"own_weights": str(tmp_path / "mine.pt")}
    train_baseline(Job({"images": digits_file}, outputs, params, resources=resources))
    document = read(outputs["document"])
    assert document["own_weights"] == {"file": "mine.pt", "digest": file_digest(tmp_path / "mine.pt")}
    assert document["training"]["epochs"] == []
    assert "no better than chance" in caplog.text


def test_images_of_another_normalisation_are_noticed():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4))
    images = torch.randn(300, 3, 8, 8)
    for _ in range(80):
        net(images)
    assert not first_norm(net, images).unusual
    assert first_norm(net, 0.8 * images).spread == pytest.approx(0.8, abs=0.01)
    assert first_norm(net, 0.8 * images).unusual
    assert first_norm(net, images + 3).unusual
    assert first_norm(nn.Conv2d(3, 4, 3), images) is None
