import shutil

import pytest
import torch
from torch import nn

from filterbench.costs.runtimes import in_torch_compile, needs_cpu
from filterbench.storage.errors import InputError

BATCHES = [torch.randn(1, 3, 8, 8), torch.randn(4, 3, 8, 8)]


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_a_compiled_net_computes_the_same():
    net = small_net()
    compiled, difference = in_torch_compile(net, BATCHES)
    assert difference < 1e-5
    with torch.inference_mode():
        assert torch.allclose(compiled(BATCHES[1]), net(BATCHES[1]), atol=1e-5)
    # The net itself is left as it was.
    assert net._compiled_call_impl is None


def test_without_a_compiler_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(
        InputError, match=r"torch-compile needs a C\+\+ compiler, and g\+\+ or clang\+\+ is not"
    ):
        in_torch_compile(small_net(), BATCHES)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="CXX=no-such-compiler is not installed"):
        in_torch_compile(small_net(), BATCHES)


def test_onnxruntime_is_measured_on_the_cpu_alone():
    needs_cpu(torch.device("cpu"))
    with pytest.raises(InputError, match="onnxruntime is measured on the CPU; set device: cpu"):
        needs_cpu(torch.device("cuda"))
