"""ResNets for small images: a 3x3 stem, no max-pool; shortcuts that widen are 1x1 projections or padded."""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad


def conv_norm(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without bias that keeps the size at stride 1, and its BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """The sum of a branch of convolutions and a shortcut, followed by a ReLU.

    Args:
        inputs: channels of the input.
        planes: channels of the block's inner convolutions.
        stride: of the block's 3x3 convolution that shrinks the image.
    """

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.branch = self.make_branch(inputs, planes, stride)
        self.stride = stride
        self.shortcut = self.make_shortcut(inputs, outputs, stride)
        self.relu = nn.ReLU()

    @staticmethod
    def make_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
        """A 1x1 projection where the block changes channels or size."""
        return nn.Identity() if stride == 1 and inputs == outputs else conv_norm(inputs, outputs, 1)

    @staticmethod
    def make_branch(inputs: int, planes: int, stride: int) -> nn.Sequential:
        """Two 3x3 convolutions."""
        return nn.Sequential(conv_norm(inputs, planes, 3, stride), nn.ReLU(), conv_norm(planes, planes, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, planes * expansion, h / stride, w / stride)."""
        # The pixels that a 1x1 convolution with this stride sees. oneDNN 3.12's own such convolution writes
        # beyond its memory on processors without AVX-512, with channels last and fewer than eight channels.
        seen = avg_pool2d(images, 1, self.stride) if self.stride > 1 else images
        return self.relu(self.branch(images) + self.shortcut(seen))


def _convolution(pair: nn.Module) -> nn.Conv2d:
    """The convolution of `conv_norm`, which NNI wraps while it is pruned."""
    layer = pair.get_submodule("0")
    found = getattr(layer, "module", layer)
    assert isinstance(found, nn.Conv2d)
    return found


class PaddedBlock(Block):
    """A block whose shortcut has no weights; where it widens, it is padded with channels of zeros."""

    @staticmethod
    def make_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
        """Nothing: `forward` pads."""
        return nn.Identity()

    @property
    def padding(self) -> tuple[int, int]:
        """Channels of zeros before and after the input's, from the widths that the layers have now."""
        more = _convolution(self.branch[-1]).out_channels - _convolution(self.branch[0]).in_channels
        return more // 2, more - more // 2

    def forward(self, images: Tensor) -> Tensor:
        """(batch, inputs, h, w) -> (batch, planes, h / stride, w / stride)."""
        seen = avg_pool2d(images, 1, self.stride) if self.stride > 1 else images
        if any(self.padding):
            seen = pad(seen, (0, 0, 0, 0, *self.padding))
        return self.relu(self.branch(images) + seen)


class Bottleneck(Block):
    """A block of a 1x1, a 3x3 and a 1x1 convolution that widens fourfold."""

    expansion = 4

    @staticmethod
    def make_branch(inputs: int, planes: int, stride: int) -> nn.Sequential:
        """1x1 down to `planes`, 3x3, 1x1 up to four times as many."""
        return nn.Sequential(
            conv_norm(inputs, planes, 1),
            nn.ReLU(),
            conv_norm(planes, planes, 3, stride),
            nn.ReLU(),
            conv_norm(planes, planes * Bottleneck.expansion, 1),
        )


class ResNet(nn.Module):
    """Stages of blocks; each but the first halves height and width and doubles the planes.

    The global average pooling is a function, for the reason given in `filterbench.models.vgg.VGG`.

    Args:
        block: the kind of block.
        depths: blocks of each stage.
        planes: of the stem and of the first stage's blocks, at width 1.
        width: multiplies every channel count.
        classes: number of outputs.
        image_size: height and width of the images.
    """

    def __init__(
        self,
        block: type[Block],
        depths: tuple[int, ...],
        planes: int,
        width: float,
        classes: int,
        image_size: int,
    ) -> None:
        super().__init__()
        channels = int(planes * width)
        self.stem = nn.Sequential(conv_norm(3, channels, 3), nn.ReLU())
        blocks: list[nn.Module] = []
        for stage, depth in enumerate(depths):
            inner = int(planes * 2**stage * width)
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(block(channels, inner, stride))
                channels = inner * block.expansion
        self.blocks = nn.Sequential(*blocks)
        self.last_size = image_size // 2 ** (len(depths) - 1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, image_size, image_size) -> (batch, classes)."""
        return self.classifier(self.flatten(avg_pool2d(self.blocks(self.stem(images)), self.last_size)))


def resnet18(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet18 in its CIFAR form; 11,173,962 params at width 1."""
    return ResNet(Block, (2, 2, 2, 2), 64, width, classes, image_size)


def resnet50(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet50 in its CIFAR form; 23,520,842 params at width 1."""
    return ResNet(Bottleneck, (3, 4, 6, 3), 64, width, classes, image_size)


def cifar_resnet(blocks: int, block: type[Block], width: float, classes: int, image_size: int) -> ResNet:
    """A CIFAR net of He et al. 2015, section 4.2: three stages of 16, 32 and 64 channels.

    Args:
        blocks: of each stage; the net has 6 times as many layers and 2 more.
        block: `PaddedBlock` for their option A, as in the paper's CIFAR nets; `Block` for option B, in which
            the two shortcuts that widen are 1x1 projections, so that a residual sum's channels can be pruned.
        width: multiplies every channel count.
        classes: number of outputs.
        image_size: height and width of the images.
    """
    return ResNet(block, (blocks,) * 3, 16, width, classes, image_size)


def resnet20(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet20 with projections; 272,474 params at width 1."""
    return cifar_resnet(3, Block, width, classes, image_size)


def resnet32(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet32 with projections; 466,906 params at width 1."""
    return cifar_resnet(5, Block, width, classes, image_size)


def resnet56(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet56 with projections; 855,770 params at width 1."""
    return cifar_resnet(9, Block, width, classes, image_size)


def resnet110(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet110 with projections; 1,730,714 params at width 1."""
    return cifar_resnet(18, Block, width, classes, image_size)


def resnet20_padded(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet20 with padded shortcuts; 269,722 params at width 1."""
    return cifar_resnet(3, PaddedBlock, width, classes, image_size)


def resnet32_padded(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet32 with padded shortcuts; 464,154 params at width 1."""
    return cifar_resnet(5, PaddedBlock, width, classes, image_size)


def resnet56_padded(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet56 with padded shortcuts; 853,018 params at width 1 (0.85 million in the paper)."""
    return cifar_resnet(9, PaddedBlock, width, classes, image_size)


def resnet110_padded(width: float = 1.0, classes: int = 10, image_size: int = 32) -> ResNet:
    """ResNet110 with padded shortcuts; 1,727,962 params at width 1 (1.7 million in the paper)."""
    return cifar_resnet(18, PaddedBlock, width, classes, image_size)
