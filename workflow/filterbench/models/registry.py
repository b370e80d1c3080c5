"""The models of a study: CIFAR forms of known nets, with a width multiplier.

This module imports no torch, so that a study can be checked quickly; a model's own module is
imported when the model is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from filterbench.documents.parts import IMAGE_SIZE

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ModelEntry:
    """A model as the workflow knows it before building it.

    Attributes:
        label: the name shown in figures.
        narrowest: the fewest channels of any convolution at width 1.
        paper: where the architecture comes from.
        net: "module:function" that builds the net with fresh weights from (width, classes) or, with
            `any_size`, (width, classes, image_size).
        any_size: whether it takes images of any multiple of 32 pixels; otherwise their size is always 32.
        depthwise: whether it has depthwise convolutions, whose channels follow other convolutions'.
        any_width: whether it can have any width; otherwise its width is always 1.
        padded: whether its shortcuts move channels, so that pruners cannot group the channels of its sums.
    """

    label: str
    narrowest: int
    paper: str
    net: str
    any_size: bool = False
    depthwise: bool = False
    any_width: bool = True
    padded: bool = False


_VGG = "Simonyan & Zisserman 2014, arXiv:1409.1556"
_RESNET = "He et al. 2015, arXiv:1512.03385"
_CIFAR, _MOBILE = f"{_RESNET}, section 4.2", "Sandler et al. 2018, arXiv:1801.04381"


MODELS: dict[str, ModelEntry] = {
    "vgg16": ModelEntry("VGG16", 64, _VGG, "filterbench.models.vgg:vgg16", any_size=True),
    "resnet18": ModelEntry("ResNet18", 64, _RESNET, "filterbench.models.resnet:resnet18", any_size=True),
    "resnet50": ModelEntry("ResNet50", 64, _RESNET, "filterbench.models.resnet:resnet50", any_size=True),
    "vgg19": ModelEntry("VGG19", 64, _VGG, "filterbench.models.vgg:vgg19", any_size=True),
    "vgg16_one_linear": ModelEntry(
        "VGG16, one linear layer", 64, _VGG, "filterbench.models.vgg:vgg16_one_linear", any_size=True
    ),
    "vgg19_one_linear": ModelEntry(
        "VGG19, one linear layer", 64, _VGG, "filterbench.models.vgg:vgg19_one_linear", any_size=True
    ),
    "resnet20": ModelEntry("ResNet20", 16, _CIFAR, "filterbench.models.resnet:resnet20", any_size=True),
    "resnet32": ModelEntry("ResNet32", 16, _CIFAR, "filterbench.models.resnet:resnet32", any_size=True),
    "resnet56": ModelEntry("ResNet56", 16, _CIFAR, "filterbench.models.resnet:resnet56", any_size=True),
    "resnet110": ModelEntry("ResNet110", 16, _CIFAR, "filterbench.models.resnet:resnet110", any_size=True),
    "resnet20_padded": ModelEntry(
        "ResNet20, padded",
        16,
        _CIFAR,
        "filterbench.models.resnet:resnet20_padded",
        any_size=True,
        padded=True,
    ),
    "resnet32_padded": ModelEntry(
        "ResNet32, padded",
        16,
        _CIFAR,
        "filterbench.models.resnet:resnet32_padded",
        any_size=True,
        padded=True,
    ),
    "resnet56_padded": ModelEntry(
        "ResNet56, padded",
        16,
        _CIFAR,
        "filterbench.models.resnet:resnet56_padded",
        any_size=True,
        padded=True,
    ),
    "resnet110_padded": ModelEntry(
        "ResNet110, padded",
        16,
        _CIFAR,
        "filterbench.models.resnet:resnet110_padded",
        any_size=True,
        padded=True,
    ),
    "mobilenetv2": ModelEntry(
        "MobileNetV2", 16, _MOBILE, "filterbench.models.mobilenet:mobilenetv2", any_size=True, depthwise=True
    ),
}


def build_model(name: str, width: float = 1.0, classes: int = 10, image_size: int = IMAGE_SIZE) -> nn.Module:
    """Build a net with fresh weights, drawn from torch's global generator.

    Args:
        name: a key of `MODELS`.
        width: multiplies every channel count, above 0; each product is rounded down.
        classes: number of outputs.
        image_size: height and width of the images in pixels; 32 unless the model has `any_size`.

    Returns:
        A net for inputs of shape (batch, 3, image_size, image_size); its output is (batch, classes).
    """
    entry = MODELS[name]
    sized = (image_size,) if entry.any_size else ()
    net = resolve_name(entry.net)(width, classes, *sized)
    net.image_size = image_size
    return net
