"""A net as an ONNX model and as a torch archive, and the checks that they compute what the net computes."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping

import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.export import Dim
from torch.nn.utils import fuse_conv_bn_eval

from filterbench.compaction.speedup import relative_difference, require_close
from filterbench.documents.parts import Normalisation
from filterbench.models.inputs import example_input, image_shape

# Real images on which net and ONNX model are compared.
CHECKED_IMAGES = 64
# Versions of single layers' models, which every onnxruntime of the last years can read.
OPSET, IR = 18, 10


def export_onnx(model: nn.Module) -> bytes:
    """A net with its weights as an ONNX model, by torch's exporter.

    The model takes `images` (n, 3, height, width) and returns `logits` (n, classes).

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
    # The exporter's notes on each node contain paths of this machine.
    for node in program.model.graph:
        node.metadata_props.clear()
    return program.model_proto.SerializeToString()


def with_metadata(content: bytes, metadata: Mapping[str, object]) -> bytes:
    """An ONNX model with texts about it."""
    model = onnx.load_model_from_string(content)
    helper.set_model_props(model, as_texts(metadata))
    return model.SerializeToString()


def as_texts(metadata: Mapping[str, object]) -> dict[str, str]:
    """Metadata as an ONNX model has them: by name a text as it is, any other value in JSON."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}


def export_archive(model: nn.Module, metadata: Mapping[str, object]) -> bytes:
    """A net's code and weights as one file for `torch.export.load`, which needs torch alone.

    The program takes `images` (n, 3, height, width) and returns the logits (n, classes).

    Args:
        model: the net in evaluation mode, on the CPU.
        metadata: goes into the extra file `metadata.json`.
    """
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    program = torch.export.export(plain, (example_input(model),), dynamic_shapes=({0: Dim("batch")},))
    # The exporter's notes on each operation contain paths of this machine.
    for node in program.graph.nodes:
        for name in ("stack_trace", "nn_module_stack", "source_fn_stack"):
            node.meta.pop(name, None)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"metadata.json": json.dumps(metadata)})
    return buffer.getvalue()


def check_archive(content: bytes, model: nn.Module, images: Tensor) -> float:
    """The larger relative difference of net and archive, of all images at once and of the first alone.

    Raises:
        InputError: it reaches `TOLERANCE`, or is not a number.
    """
    program = torch.export.load(io.BytesIO(content)).module()
    differences = [relative_difference(model, program, batch) for batch in (images, images[:1])]
    require_close("the torch archive differs from the net", *differences)
    return max(differences)


class FromPixels(nn.Module):
    """A net that normalises its images itself.

    Args:
        net: for normalised images.
        normalisation: of these, by channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, normalisation: Normalisation) -> None:
        super().__init__()
        self.net = net
        self.image_size = image_shape(net)[1]
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(normalisation[name]).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, classes) of pixels 0 to 255, float32, (n, 3, height, width)."""
        return self.net((pixels / 255 - self.mean) / self.std)


def layer_onnx(layer: nn.Module) -> bytes:
    """One layer as an ONNX model, node by node: torch's exporter would take seconds per layer.

    Args:
        layer: a linear layer; or a convolution (one group, not dilated), its BatchNorm, which is folded into
            it, and a ReLU, all in evaluation mode.
    """
    shape: list[str | int | None]
    if isinstance(layer, nn.Linear):
        weights = layer.state_dict()
        nodes = [helper.make_node("Gemm", ["images", *weights], ["logits"], transB=1)]
        shape = ["batch", layer.in_features]
    else:
        found, norm, _ = layer.children()
        assert isinstance(found, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        convolution = fuse_conv_bn_eval(found, norm)
        weights = convolution.state_dict()
        strides, pads = convolution.stride, 2 * tuple(convolution.padding)
        nodes = [
            helper.make_node("Conv", ["images", *weights], ["found"], strides=strides, pads=pads),
            helper.make_node("Relu", ["found"], ["logits"]),
        ]
        shape = ["batch", convolution.in_channels, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.numpy(), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, ir_version=IR, opset_imports=[helper.make_opsetid("", OPSET)])
    return model.SerializeToString()


class OnnxNet(nn.Module):
    """An ONNX model in onnxruntime, on the CPU, called like a net."""

    def __init__(self, content: bytes, threads: int) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Otherwise its threads keep spinning while another net is timed.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, height, width)."""
        (logits,) = self.session.run(["logits"], {"images": images.contiguous().numpy()})
        return torch.from_numpy(logits)


def check_onnx(content: bytes, model: nn.Module, images: Tensor, threads: int = 1) -> float:
    """The larger relative difference of net and ONNX model, of all images at once and of the first alone.

    Args:
        content: the ONNX model.
        model: the net that it was made from, on the CPU.
        images: float32, (n, 3, height, width).
        threads: CPU threads of onnxruntime.

    Raises:
        InputError: it reaches `TOLERANCE`, or is not a number.
    """
    runtime = OnnxNet(content, threads)
    differences = [relative_difference(model, runtime, batch) for batch in (images, images[:1])]
    require_close("the ONNX model differs from the net", *differences)
    return max(differences)
