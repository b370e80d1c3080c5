"""The models of a study: CIFAR forms of known nets, with a width multiplier.

This module imports no torch, so that a study can be checked quickly; a model's own module is
imported when the model is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
        build: makes the net with fresh weights from (width, classes).
        depthwise: whether it has depthwise convolutions, whose channels follow other convolutions'.
    """

    label: str
    narrowest: int
    paper: str
    build: Callable[[float, int], nn.Module]
    depthwise: bool = False


def _vgg16(width: float, classes: int) -> nn.Module:
    from filterbench.models.vgg import vgg16

    return vgg16(width, classes)


def _resnet18(width: float, classes: int) -> nn.Module:
    from filterbench.models.resnet import resnet18

    return resnet18(width, classes)


def _resnet50(width: float, classes: int) -> nn.Module:
    from filterbench.models.resnet import resnet50

    return resnet50(width, classes)


def _vgg19(width: float, classes: int) -> nn.Module:
    from filterbench.models.vgg import vgg19

    return vgg19(width, classes)


def _resnet56(width: float, classes: int) -> nn.Module:
    from filterbench.models.resnet import resnet56

    return resnet56(width, classes)


def _mobilenetv2(width: float, classes: int) -> nn.Module:
    from filterbench.models.mobilenet import mobilenetv2

    return mobilenetv2(width, classes)


MODELS: dict[str, ModelEntry] = {
    "vgg16": ModelEntry("VGG16", 64, "Simonyan & Zisserman 2014, arXiv:1409.1556", _vgg16),
    "resnet18": ModelEntry("ResNet18", 64, "He et al. 2015, arXiv:1512.03385", _resnet18),
    "resnet50": ModelEntry("ResNet50", 64, "He et al. 2015, arXiv:1512.03385", _resnet50),
    "vgg19": ModelEntry("VGG19", 64, "Simonyan & Zisserman 2014, arXiv:1409.1556", _vgg19),
    "resnet56": ModelEntry("ResNet56", 16, "He et al. 2015, arXiv:1512.03385, section 4.2", _resnet56),
    "mobilenetv2": ModelEntry(
        "MobileNetV2", 16, "Sandler et al. 2018, arXiv:1801.04381", _mobilenetv2, depthwise=True
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
    return MODELS[name].build(width, classes)
