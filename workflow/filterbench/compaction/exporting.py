"""A net as an ONNX model, and the check that onnxruntime computes what the net computes."""

from __future__ import annotations

import copy

import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from filterbench.compaction.speedup import relative_difference
from filterbench.models.inputs import example_input
from filterbench.storage.errors import InputError

TOLERANCE = 1e-4
# Real images on which net and ONNX model are compared.
CHECKED_IMAGES = 64


def export_onnx(model: nn.Module) -> bytes:
    """A net in ONNX, weights included, by torch's exporter: `images` (n, 3, 32, 32) to `logits` (n, classes).

    Args:
        model: the net in evaluation mode, on the CPU.
    """
    program = torch.onnx.export(
        copy.deepcopy(model).to(memory_format=torch.contiguous_format),
        (example_input(model),),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    # What the exporter notes on each node holds paths of this machine.
    for node in program.model.graph:
        node.metadata_props.clear()
    return program.model_proto.SerializeToString()


class OnnxNet(nn.Module):
    """An ONNX model in onnxruntime, on the CPU, called like a net."""

    def __init__(self, content: bytes, threads: int) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, 32, 32)."""
        (logits,) = self.session.run(["logits"], {"images": images.contiguous().numpy()})
        return torch.from_numpy(logits)


def check_onnx(content: bytes, model: nn.Module, images: Tensor, threads: int = 1) -> float:
    """The larger relative difference of net and ONNX model, over all images at once and the first alone.

    Args:
        content: the ONNX model.
        model: the net that it was made from, on the CPU.
        images: float32, (n, 3, 32, 32).
        threads: CPU threads of onnxruntime.

    Raises:
        InputError: it reaches `TOLERANCE`, or is no number.
    """
    runtime = OnnxNet(content, threads)
    differences = [relative_difference(model, runtime, batch) for batch in (images, images[:1])]
    for difference in differences:
        if not difference < TOLERANCE:
            raise InputError(
                f"the ONNX model differs from the net by {difference:.2g}, "
                f"relative to the largest logit; allowed: below {TOLERANCE}"
            )
    return max(differences)
