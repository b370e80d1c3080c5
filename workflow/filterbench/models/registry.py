"""The models of a study: CIFAR forms of known nets, with a width multiplier.

This module imports no torch, so that a study can be checked quickly; a model's own module is
imported when the model is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ModelEntry:
    """What the workflow needs to know of a model before it builds it.

    Attributes:
        label: the name shown in figures.
        narrowest: the fewest channels of any convolution at width 1.
        paper: where the architecture comes from.
        net: "module:function" that makes the net with fresh weights from (width, classes).
        depthwise: whether it has depthwise convolutions, whose channels follow other convolutions'.
    """

    label: str
    narrowest: int
    paper: str
    net: str
    depthwise: bool = False


MODELS: dict[str, ModelEntry] = {
    "vgg16": ModelEntry(
        "VGG16", 64, "Simonyan & Zisserman 2014, arXiv:1409.1556", "filterbench.models.vgg:vgg16"
    ),
    "resnet18": ModelEntry(
        "ResNet18", 64, "He et al. 2015, arXiv:1512.03385", "filterbench.models.resnet:resnet18"
    ),
    "resnet50": ModelEntry(
        "ResNet50", 64, "He et al. 2015, arXiv:1512.03385", "filterbench.models.resnet:resnet50"
    ),
    "vgg19": ModelEntry(
        "VGG19", 64, "Simonyan & Zisserman 2014, arXiv:1409.1556", "filterbench.models.vgg:vgg19"
    ),
    "resnet56": ModelEntry(
        "ResNet56", 16, "He et al. 2015, arXiv:1512.03385, section 4.2", "filterbench.models.resnet:resnet56"
    ),
    "mobilenetv2": ModelEntry(
        "MobileNetV2",
        16,
        "Sandler et al. 2018, arXiv:1801.04381",
        "filterbench.models.mobilenet:mobilenetv2",
        depthwise=True,
    ),
}


def build_model(name: str, width: float = 1.0, classes: int = 10) -> nn.Module:
    """Make a net with fresh weights, drawn from torch's global generator.

    Args:
        name: a key of `MODELS`.
        width: multiplies every channel count, above 0; each product is rounded down.
        classes: number of outputs.

    Returns:
        A net for inputs of shape (batch, 3, 32, 32); its output is (batch, classes).
    """
    return resolve_name(MODELS[name].net)(width, classes)
