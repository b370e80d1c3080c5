"""CIFAR ResNets with padded shortcuts: what can be pruned of them, and what cannot."""

import pytest
import torch
from test_stages import run_cell

from filterbench.compaction.channels import channel_sources
from filterbench.compaction.speedup import compact, relative_difference, silence_masked_channels
from filterbench.costs.counting import count_net
from filterbench.costs.layer_costs import FlopsCost
from filterbench.models.registry import build_model
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.study.reading import read_study


def test_inner_convolutions_become_narrower_and_sums_stay():
    torch.manual_seed(0)
    model = build_model("resnet20_padded", 0.5).eval()
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(model, 0.5, None)
    silence_masked_channels(model, pruned.masks)
    net = compact(model, pruned.masks)
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert shapes["blocks.3.branch.0.0.weight"] == (8, 8, 3, 3)
    assert shapes["blocks.3.branch.2.0.weight"] == (16, 8, 3, 3)
    assert relative_difference(model, net, torch.randn(4, 3, 32, 32)) < 1e-5
    assert count_net(net).flops == FlopsCost(model)(pruned.masks)


def test_no_mask_removes_a_channel_that_is_padded():
    sources = channel_sources(build_model("resnet20_padded", 0.25))
    assert sources["blocks.3.branch.0.0"] == (None, frozenset({"blocks.3.branch.0.0"}))
    assert sources["blocks.2.branch.2.0"][1] is None
    # The last sum is padded before, too.
    assert sources["classifier"][0] is None


@pytest.mark.parametrize(
    ("pruner", "arguments", "refused"),
    [
        ("L1FilterPruner", {}, False),
        ("L1FilterPruner", {"dependency_aware": True}, True),
        ("GroupNormPruner", {}, True),
    ],
)
def test_pruners_that_group_channels_are_refused(pruner, arguments, refused, default_config):
    default_config["models"] = {"resnet20_padded": {"width": 1}}
    default_config["pruners"] = {pruner: {"arguments": arguments}}
    default_config["finetune"].pop("models", None)
    if not refused:
        read_study(default_config, [], {})
        return
    with pytest.raises(InputError, match=r"groups channels, which the shortcuts of resnet20_padded move"):
        read_study(default_config, [], {})


def test_every_stage_of_a_cell(digits_file, tmp_path):
    documents = run_cell("cpu", "L1FilterPruner", digits_file, tmp_path, model="resnet20_padded", width=1 / 4)
    layers = {layer["name"]: layer["kept"] for layer in documents["speedup"]["layers"]}
    assert (layers["blocks.3.branch.0.0"], layers["blocks.3.branch.2.0"]) == (4, 8)
    assert documents["count"]["params"]["speedup"] < documents["count"]["params"]["original"]
