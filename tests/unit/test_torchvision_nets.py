"""torchvision's nets as models of a study."""

import copy
from pathlib import Path

import pytest
import torch
import yaml
from test_own_code import REPOSITORY, read, remembered
from torch import nn
from torchvision.models import get_model

from filterbench.compaction.masks import apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import check_same, compact, silence_masked_channels
from filterbench.costs.counting import count_net
from filterbench.models import torchvision_nets
from filterbench.models.rebuilding import draw_fresh_weights, rebuild_model
from filterbench.models.registry import MODELS, build_model
from filterbench.orchestration.code import rule_digest
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_weights, write_weights

SMALL = ("torchvision:resnet18", "torchvision:mobilenet_v2")


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Reads a study of some models; what it registers is forgotten afterwards."""
    with remembered(monkeypatch):

        def study_of(*models, width=1):
            config = yaml.safe_load((REPOSITORY / "studies/smoke.yaml").read_text())
            config["models"] = {name: {"width": width} for name in models}
            config["pruners"] = {"L1FilterPruner": {}}
            file = tmp_path / "study.yaml"
            file.write_text(yaml.safe_dump(config))
            return read(file)

        yield study_of


@pytest.mark.parametrize("name", torchvision_nets.MODELS)
def test_each_entry_is_a_net_of_torchvision(name, study):
    study(name)
    with torch.device("meta"):
        ours = build_model(name, classes=7, image_size=64)
        theirs = get_model(name.removeprefix("torchvision:"), num_classes=7)
    assert {key: tensor.shape for key, tensor in ours.state_dict().items()} == {
        key: tensor.shape for key, tensor in theirs.state_dict().items()
    }
    narrowest = min(layer.out_channels for layer in ours.modules() if isinstance(layer, nn.Conv2d))
    assert narrowest == MODELS[name].narrowest
    depthwise = any(isinstance(layer, nn.Conv2d) and layer.groups > 1 for layer in ours.modules())
    assert depthwise == MODELS[name].depthwise


def test_the_reasons_of_alexnet_and_mnasnet_are_true():
    with torch.device("meta"):
        alexnet, mnasnet = get_model("alexnet"), get_model("mnasnet0_5")
        with pytest.raises(RuntimeError, match="Output size is too small"):
            alexnet(torch.empty(1, 3, 32, 32))
    with pytest.raises(ValueError, match="version should be set"):
        mnasnet.load_state_dict(dict(mnasnet.state_dict()))


@pytest.mark.parametrize("name", SMALL)
def test_a_pruned_net_of_torchvision_keeps_the_contracts(name, study, tmp_path):
    study(name)
    torch.manual_seed(0)
    model = build_model(name, classes=5, image_size=64).eval()
    images = torch.randn(4, 3, 64, 64)
    pruned = PRUNERS["L1FilterPruner"].make({"dependency_aware": False}).prune(model, 0.5, None)
    apply_masks(model, pruned.masks)
    silence_masked_channels(model, pruned.masks)
    smaller = compact(model, pruned.masks)
    assert check_same(model, smaller, images) < 1e-5
    assert check_same(model, slice_channels(model, kept_indices(model, pruned.masks)), images) < 1e-5
    whole, left = count_net(model), count_net(smaller)
    assert left.params < 0.6 * whole.params
    path = tmp_path / "net.safetensors"
    write_weights(path, smaller.state_dict())
    assert torch.equal(rebuild_model(name, read_weights(path), path, 64)(images), smaller(images))


def test_a_training_from_scratch_begins_as_the_baseline_did(study):
    study(SMALL[0])
    torch.manual_seed(3)
    expected = build_model(SMALL[0]).state_dict()
    model = copy.deepcopy(build_model(SMALL[0]))
    draw_fresh_weights(model, seed=3)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())


def test_its_code_is_part_of_the_digest(study):
    study(*SMALL)
    one, other = (rule_digest("train_baseline", model=name, dataset="digits") for name in SMALL)
    assert one != other != rule_digest("train_baseline", model="vgg16", dataset="digits")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torchvision:densenet121", "cannot be pruned here: it concatenates channels; allowed: torchvision:"),
        ("torchvision:mobilenet_v3_small", "cannot be pruned here: it multiplies channels by others"),
        ("torchvision:convnext_tiny", "cannot be pruned here: it normalises over channels"),
        ("torchvision:resnet17", "is unknown; allowed: torchvision:mobilenet_v2"),
    ],
)
def test_one_that_cannot_be_pruned_is_refused_with_the_reason(study, name, reason):
    with pytest.raises(InputError, match=f"models: '{name}' {reason}"):
        study(name)


def test_another_width_is_refused(study):
    with pytest.raises(InputError, match=r"models\.torchvision:resnet18\.width: 0\.5; allowed: 1"):
        study("torchvision:resnet18", width=0.5)


def test_the_list_of_nets_imports_no_torch():
    assert "import torch" not in Path(torchvision_nets.__file__).read_text()
