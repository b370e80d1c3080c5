"""torchvision's classification nets, at their full width and in their form for large images.

Like all models here, their layers get torch's default initial values instead of torchvision's, so that
training from scratch (`filterbench.models.rebuilding.draw_fresh_weights`) starts as the baseline did.
"""

from __future__ import annotations

from functools import partial

import torch
import torchvision
from torch import nn


def _net(name: str, width: float, classes: int, image_size: int) -> nn.Module:
    """A net with fresh weights.

    Args:
        name: torchvision's.
        width: 1; torchvision's nets have no other width.
        classes: number of outputs.
        image_size: height and width of the images; not used, because torchvision's nets pool over any size.
    """
    with torch.random.fork_rng(devices=[]):
        net = torchvision.models.get_model(name, weights=None, num_classes=classes)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()
    return net


mobilenet_v2 = partial(_net, "mobilenet_v2")
resnet101 = partial(_net, "resnet101")
resnet152 = partial(_net, "resnet152")
resnet18 = partial(_net, "resnet18")
resnet34 = partial(_net, "resnet34")
resnet50 = partial(_net, "resnet50")
vgg11 = partial(_net, "vgg11")
vgg11_bn = partial(_net, "vgg11_bn")
vgg13 = partial(_net, "vgg13")
vgg13_bn = partial(_net, "vgg13_bn")
vgg16 = partial(_net, "vgg16")
vgg16_bn = partial(_net, "vgg16_bn")
vgg19 = partial(_net, "vgg19")
vgg19_bn = partial(_net, "vgg19_bn")
wide_resnet101_2 = partial(_net, "wide_resnet101_2")
wide_resnet50_2 = partial(_net, "wide_resnet50_2")
