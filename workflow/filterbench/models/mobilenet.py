"""MobileNetV2 for small images (Sandler et al. 2018, arXiv:1801.04381)."""

from math import prod

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from filterbench.models.resnet import conv_norm

STEM = 32
# Expansion, output channels, blocks and first stride of each stage, as in the paper's table 2, but the stem
# and the second stage keep the size of the image, which they halve in the paper: images end at an eighth of
# their size.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST = 1280


class InvertedResidual(nn.Module):
    """A 1x1 convolution that widens, a depthwise 3x3 one, and a 1x1 one that narrows, without a ReLU6.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        stride: of the depthwise convolution.
        expansion: how many times more channels the depthwise convolution has; at 1 there is no first
            convolution.
        adds_input: whether the input is added; it must have the output's shape.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, adds_input: bool) -> None:
        super().__init__()
        inner = inputs * expansion
        widen = [conv_norm(inputs, inner), nn.ReLU6()] if expansion > 1 else []
        self.branch = nn.Sequential(
            *widen, conv_norm(inner, inner, 3, stride, groups=inner), nn.ReLU6(), conv_norm(inner, outputs)
        )
        self.adds_input = adds_input

    def forward(self, images: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, outputs, h / stride, w / stride)."""
        return self.branch(images) + images if self.adds_input else self.branch(images)


class MobileNetV2(nn.Module):
    """A stem, inverted residuals, a 1x1 convolution and a linear classifier.

    The global average pooling is a function, for the reason given in `filterbench.models.vgg.VGG`.
    """

    def __init__(self, width: float, classes: int, image_size: int) -> None:
        super().__init__()
        channels = int(STEM * width)
        self.stem = nn.Sequential(conv_norm(3, channels, 3), nn.ReLU6())
        blocks: list[nn.Module] = []
        for expansion, planes, depth, first_stride in STAGES:
            for index in range(depth):
                outputs = int(planes * width)
                stride = 1 if index else first_stride
                # Not by the channels, of which narrow stages can have equal numbers after rounding.
                blocks.append(InvertedResidual(channels, outputs, stride, expansion, adds_input=index > 0))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        last = int(LAST * width)
        self.head = nn.Sequential(conv_norm(channels, last), nn.ReLU6())
        self.last_size = image_size // prod(stride for *_, stride in STAGES)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(last, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, image_size, image_size) -> (batch, classes)."""
        features = self.head(self.blocks(self.stem(images)))
        return self.classifier(self.flatten(avg_pool2d(features, self.last_size)))


def mobilenetv2(width: float = 1.0, classes: int = 10, image_size: int = 32) -> MobileNetV2:
    """MobileNetV2 in its CIFAR form; 2,236,682 params at width 1, as the paper's net with ten classes.

    `width` rounds down to any number of channels and narrows the last convolution too; the paper's
    multiplier does neither.
    """
    return MobileNetV2(width, classes, image_size)
