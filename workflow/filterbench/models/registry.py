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
    """What the workflow needs to know of a model before it builds it.

    Attributes:
        label: the name shown in figures.
        narrowest: the fewest channels of any convolution at width 1.
        paper: where the architecture comes from.
        net: "module:function" that makes the net with fresh weights from (width, classes) or, where it is for
            any size, (width, classes, image_size).
        any_size: whether it is for images of any multiple of 32 pixels, not for 32x32 alone.
        depthwise: whether it has depthwise convolutions, whose channels follow other convolutions'.
        any_width: whether it is for any width, not for 1 alone.
    """

    label: str
    narrowest: int
    paper: str
    net: str
    any_size: bool = False
    depthwise: bool = False
    any_width: bool = True


MODELS: dict[str, ModelEntry] = {
    "vgg16": ModelEntry(
        "VGG16",
        64,
        "Simonyan & Zisserman 2014, arXiv:1409.1556",
        "filterbench.models.vgg:vgg16",
        any_size=True,
    ),
    "resnet18": ModelEntry(
        "ResNet18",
        64,
        "He et al. 2015, arXiv:1512.03385",
        "filterbench.models.resnet:resnet18",
        any_size=True,
    ),
    "resnet50": ModelEntry(
        "ResNet50",
        64,
        "He et al. 2015, arXiv:1512.03385",
        "filterbench.models.resnet:resnet50",
        any_size=True,
    ),
    "vgg19": ModelEntry(
        "VGG19",
        64,
        "Simonyan & Zisserman 2014, arXiv:1409.1556",
        "filterbench.models.vgg:vgg19",
        any_size=True,
    ),
    "resnet56": ModelEntry(
        "ResNet56",
        16,
        "He et al. 2015, arXiv:1512.03385, section 4.2",
        "filterbench.models.resnet:resnet56",
        any_size=True,
    ),
    "mobilenetv2": ModelEntry(
        "MobileNetV2",
        16,
        "Sandler et al. 2018, arXiv:1801.04381",
        "filterbench.models.mobilenet:mobilenetv2",
        any_size=True,
        depthwise=True,
    ),
}


def build_model(name: str, width: float = 1.0, classes: int = 10, image_size: int = IMAGE_SIZE) -> nn.Module:
    """Make a net with fresh weights, drawn from torch's global generator.

    Args:
        name: a key of `MODELS`.
        width: multiplies every channel count, above 0; each product is rounded down.
        classes: number of outputs.
        image_size: height and width of the images; other than 32 for models of any size alone.

    Returns:
        A net for inputs of shape (batch, 3, image_size, image_size); its output is (batch, classes).
    """
    entry = MODELS[name]
    sized = (image_size,) if entry.any_size else ()
    net = resolve_name(entry.net)(width, classes, *sized)
    net.image_size = image_size
    return net
