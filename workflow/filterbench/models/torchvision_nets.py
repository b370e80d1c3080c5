"""torchvision's classification nets as models of a study, by the name `torchvision:NAME`.

It has the form of a user's own code (`filterbench.own_code.registering`): its entries join the registry when
a study names one of them. Like the registry, this module imports neither torch nor torchvision.
"""

from __future__ import annotations

from filterbench.models.registry import ModelEntry

PREFIX = "torchvision:"
_RESNET = "He et al. 2015, arXiv:1512.03385"
_VGG = "Simonyan & Zisserman 2014, arXiv:1409.1556"
_WIDE = "Zagoruyko & Komodakis 2016, arXiv:1605.07146"
_MOBILE = "Sandler et al. 2018, arXiv:1801.04381"


def _entry(label: str, narrowest: int, paper: str, net: str, depthwise: bool = False) -> ModelEntry:
    return ModelEntry(
        f"{label} (torchvision)", narrowest, paper, net, any_size=True, depthwise=depthwise, any_width=False
    )


MODELS = {
    "torchvision:mobilenet_v2": _entry(
        "MobileNetV2", 16, _MOBILE, "filterbench.models.from_torchvision:mobilenet_v2", depthwise=True
    ),
    "torchvision:resnet18": _entry("ResNet18", 64, _RESNET, "filterbench.models.from_torchvision:resnet18"),
    "torchvision:resnet34": _entry("ResNet34", 64, _RESNET, "filterbench.models.from_torchvision:resnet34"),
    "torchvision:resnet50": _entry("ResNet50", 64, _RESNET, "filterbench.models.from_torchvision:resnet50"),
    "torchvision:resnet101": _entry(
        "ResNet101", 64, _RESNET, "filterbench.models.from_torchvision:resnet101"
    ),
    "torchvision:resnet152": _entry(
        "ResNet152", 64, _RESNET, "filterbench.models.from_torchvision:resnet152"
    ),
    "torchvision:vgg11": _entry("VGG11, plain", 64, _VGG, "filterbench.models.from_torchvision:vgg11"),
    "torchvision:vgg11_bn": _entry("VGG11", 64, _VGG, "filterbench.models.from_torchvision:vgg11_bn"),
    "torchvision:vgg13": _entry("VGG13, plain", 64, _VGG, "filterbench.models.from_torchvision:vgg13"),
    "torchvision:vgg13_bn": _entry("VGG13", 64, _VGG, "filterbench.models.from_torchvision:vgg13_bn"),
    "torchvision:vgg16": _entry("VGG16, plain", 64, _VGG, "filterbench.models.from_torchvision:vgg16"),
    "torchvision:vgg16_bn": _entry("VGG16", 64, _VGG, "filterbench.models.from_torchvision:vgg16_bn"),
    "torchvision:vgg19": _entry("VGG19, plain", 64, _VGG, "filterbench.models.from_torchvision:vgg19"),
    "torchvision:vgg19_bn": _entry("VGG19", 64, _VGG, "filterbench.models.from_torchvision:vgg19_bn"),
    "torchvision:wide_resnet50_2": _entry(
        "Wide ResNet50-2", 64, _WIDE, "filterbench.models.from_torchvision:wide_resnet50_2"
    ),
    "torchvision:wide_resnet101_2": _entry(
        "Wide ResNet101-2", 64, _WIDE, "filterbench.models.from_torchvision:wide_resnet101_2"
    ),
}
# By the beginnings of names, why channels of torchvision's other nets cannot be removed.
REFUSED = {
    ("densenet", "googlenet", "inception", "squeezenet", "shufflenet"): "it concatenates channels",
    ("mobilenet_v3", "efficientnet", "regnet_y"): "it multiplies channels by others (squeeze and excitation)",
    ("convnext",): "it normalises over channels (LayerNorm)",
    ("resnext", "regnet_x"): "it has grouped convolutions",
    ("vit", "swin", "maxvit"): "it has attention in place of convolutions",
    ("mnasnet",): "it refuses weights without a version, which safetensors do not keep",
    ("alexnet",): "it cannot take images of 32 pixels, as all models here can",
}


def why_refused(name: str) -> str:
    """Why a model named `torchvision:...` cannot be pruned, as a phrase that follows its name."""
    begun = name.removeprefix(PREFIX).startswith
    reasons = (f"cannot be pruned here: {reason}" for begins, reason in REFUSED.items() if begun(begins))
    return next(reasons, "is unknown")
