"""Params and multiply-accumulates of the standard nets by arithmetic alone, for any channels of their layers.

A net is a list of layers; each says where its input channels come from. No net is built, so that a table of
reported counts is checked in seconds. The counts equal those of the registry's nets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

IMAGE = ""
IMAGE_CHANNELS = 3


@dataclass(frozen=True)
class Convolution:
    """A convolution with its BatchNorm.

    Attributes:
        name: as in the registry's net.
        source: the convolution that makes its input channels; empty for the image.
        channels: its filters in the unpruned net.
        kernel: height and width of a filter.
        pixels: height times width of its output.
        follows: a convolution whose number of filters it has, as its output is added to that one's; empty
            for none.
        part: `stem`, `inner` (within a block), `outer` (adds to the shortcut) or `plain`.
        stage: of the net, from 0.
        block: of a residual net, from 0.
    """

    name: str
    source: str
    channels: int
    kernel: int
    pixels: int
    follows: str = ""
    part: str = "plain"
    stage: int = 0
    block: int = 0


@dataclass(frozen=True)
class Shapes:
    """A net's convolutions in order, and its classifier.

    Attributes:
        convolutions: in the order in which images pass them.
        last: the convolution whose channels the classifier sees.
        classes: outputs.
        hidden: features of a hidden layer of the classifier with BatchNorm; 0 for none.
        pooled: pixels that a module averages before the classifier; 0 for none. NNI's `full` mode counts it.
    """

    convolutions: tuple[Convolution, ...]
    last: str
    classes: int = 10
    hidden: int = 0
    pooled: int = 0

    @property
    def channels(self) -> dict[str, int]:
        """The filters of each convolution that decides its own number, by name."""
        return {each.name: each.channels for each in self.convolutions if not each.follows}

    def count(self, kept: Mapping[str, int] | None = None, inputs_kept: bool = False) -> ShapeCounts:
        """The counts with the given filters of each convolution.

        Args:
            kept: by name of a convolution; those without an entry keep all.
            inputs_kept: count the input channels as in the unpruned net, though the layers before lose some:
                not what a pruned net computes, but what some papers print.
        """
        filters = self.channels | dict(kept or {})
        filters |= {each.name: filters[each.follows] for each in self.convolutions if each.follows}
        seen = {each.name: each.channels for each in self.convolutions} if inputs_kept else filters
        params = macs = extras = 0
        for each in self.convolutions:
            inputs = seen[each.source] if each.source else IMAGE_CHANNELS
            weights = inputs * filters[each.name] * each.kernel**2
            params += weights + 2 * filters[each.name]
            macs += weights * each.pixels
            extras += 2 * filters[each.name] * each.pixels
        features = seen[self.last]
        if self.pooled:
            extras += (self.pooled + 1) * features
        if self.hidden:
            params += features * self.hidden + 3 * self.hidden
            macs += features * self.hidden
            extras += 3 * self.hidden
            features = self.hidden
        return ShapeCounts(
            params + (features + 1) * self.classes,
            macs + features * self.classes,
            macs + features * self.classes + extras + self.classes,
        )


@dataclass(frozen=True)
class ShapeCounts:
    """What a net holds, and what it computes on one image.

    Attributes:
        params: learned numbers.
        macs: multiply-accumulates of convolutions and linear layers, as most papers count.
        full: the same with BatchNorm and biases, as NNI's `full` mode counts.
    """

    params: int
    macs: int
    full: int


@dataclass
class _Builder:
    """Convolutions of a residual net, one block after the other."""

    convolutions: list[Convolution] = field(default_factory=list)

    def add(self, name: str, source: str, channels: int, kernel: int, pixels: int, **more: str | int) -> str:
        self.convolutions.append(Convolution(name, source, channels, kernel, pixels, **more))  # type: ignore[arg-type]
        return name


def vgg(stages: tuple[tuple[int, int], ...], hidden: int) -> Shapes:
    """A VGG for images of 32 pixels; see `filterbench.models.vgg`.

    Args:
        stages: filters and number of the convolutions between two poolings.
        hidden: features of the classifier's hidden layer; 0 for none.
    """
    convolutions: list[Convolution] = []
    place, source = 0, IMAGE
    for stage, (channels, depth) in enumerate(stages):
        place += stage > 0
        for _ in range(depth):
            name = f"features.{place}"
            pixels = (32 // 2**stage) ** 2
            convolutions.append(Convolution(name, source, channels, 3, pixels, stage=stage))
            place, source = place + 3, name
    return Shapes(tuple(convolutions), source, hidden=hidden)


def cifar_resnet(blocks: int, projections: bool) -> Shapes:
    """The CIFAR nets of He et al. 2015, arXiv:1512.03385, section 4.2; see `filterbench.models.resnet`.

    A block reads what the block before it keeps, as in nets that are built to a paper's rates. A shortcut
    without projection pads or crops channels, and has no weights.

    Args:
        blocks: per stage; 6 times as many layers and 2 more in all.
        projections: option B, 1x1 convolutions where a stage widens; otherwise option A.
    """
    net = _Builder()
    source = net.add("stem.0.0", IMAGE, 16, 3, 32**2, part="stem")
    for index in range(3 * blocks):
        stage = index // blocks
        channels, pixels, name = 16 * 2**stage, (32 // 2**stage) ** 2, f"blocks.{index}"
        at = {"stage": stage, "block": index}
        inner = net.add(f"{name}.branch.0.0", source, channels, 3, pixels, part="inner", **at)
        outer = net.add(f"{name}.branch.2.0", inner, channels, 3, pixels, part="outer", **at)
        if projections and stage > 0 and index % blocks == 0:
            net.add(f"{name}.shortcut.0", source, channels, 1, pixels, follows=outer)
        source = outer
    return Shapes(tuple(net.convolutions), source)


def imagenet_resnet50() -> Shapes:
    """ResNet50 for images of 224 pixels and 1000 classes (He et al. 2015, arXiv:1512.03385, table 1).

    The 3x3 convolution has the stride, as in torchvision. Names are those of `torchvision:resnet50`.
    """
    net = _Builder()
    source = net.add("conv1", IMAGE, 64, 7, 112**2, part="stem")
    before, block = 56**2, 0
    for stage, blocks in enumerate((3, 4, 6, 3)):
        planes, pixels = 64 * 2**stage, (56 // 2**stage) ** 2
        for index in range(blocks):
            name = f"layer{stage + 1}.{index}"
            at = {"stage": stage, "block": block}
            first = net.add(f"{name}.conv1", source, planes, 1, before, part="inner", **at)
            second = net.add(f"{name}.conv2", first, planes, 3, pixels, part="inner", **at)
            third = net.add(f"{name}.conv3", second, 4 * planes, 1, pixels, part="outer", **at)
            if index == 0:
                net.add(f"{name}.downsample.0", source, 4 * planes, 1, pixels, follows=third)
            source, before, block = third, pixels, block + 1
    return Shapes(tuple(net.convolutions), source, classes=1000, pooled=7**2)


VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
VGG19_STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))


@cache
def shapes_of() -> dict[str, Shapes]:
    """The nets by their names in the registry."""
    return {
        "vgg16": vgg(VGG16_STAGES, 512),
        "vgg16_one_linear": vgg(VGG16_STAGES, 0),
        "vgg19": vgg(VGG19_STAGES, 512),
        "vgg19_one_linear": vgg(VGG19_STAGES, 0),
        **{f"resnet{6 * n + 2}": cifar_resnet(n, projections=True) for n in DEPTHS},
        **{f"resnet{6 * n + 2}_padded": cifar_resnet(n, projections=False) for n in DEPTHS},
        "torchvision:resnet50": imagenet_resnet50(),
    }


DEPTHS = (3, 5, 9, 18)
