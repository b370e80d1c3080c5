"""VGG16 and VGG19 with batch normalisation, in their form for small images."""

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

Stages = tuple[tuple[int, int], ...]

# Output channels and number of the 3x3 convolutions; height and width are halved between two stages.
STAGES_D: Stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
STAGES_E: Stages = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
HIDDEN = 512


class VGG(nn.Module):
    """Convolutions, global average pooling and a classifier, with one hidden layer unless `hidden` is 0.

    The pooling is a function, not a module, so that NNI's counter leaves it out, as in the published counts.
    """

    def __init__(
        self, stages: Stages, width: float, classes: int, image_size: int, hidden: int = HIDDEN
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for planes, depth in stages:
            layers += [nn.MaxPool2d(2)] if layers else []
            for _ in range(depth):
                out = int(planes * width)
                layers += [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
                channels = out
        self.features = nn.Sequential(*layers)
        self.last_size = image_size // 2 ** (len(stages) - 1)
        self.flatten = nn.Flatten()
        self.classifier = _classifier(channels, int(hidden * width), classes)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, image_size, image_size) -> (batch, classes)."""
        return self.classifier(self.flatten(avg_pool2d(self.features(images), self.last_size)))


def _classifier(features: int, hidden: int, classes: int) -> nn.Module:
    if not hidden:
        return nn.Linear(features, classes)
    return nn.Sequential(
        nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def vgg16(width: float = 1.0, classes: int = 10, image_size: int = 32) -> VGG:
    """VGG16 (configuration D) in its CIFAR form; 14,987,722 params at width 1."""
    return VGG(STAGES_D, width, classes, image_size)


def vgg19(width: float = 1.0, classes: int = 10, image_size: int = 32) -> VGG:
    """VGG19 (configuration E) in its CIFAR form; 20,298,698 params at width 1."""
    return VGG(STAGES_E, width, classes, image_size)


def vgg16_one_linear(width: float = 1.0, classes: int = 10, image_size: int = 32) -> VGG:
    """VGG16 without a hidden layer in its classifier; 14,724,042 params at width 1."""
    return VGG(STAGES_D, width, classes, image_size, hidden=0)


def vgg19_one_linear(width: float = 1.0, classes: int = 10, image_size: int = 32) -> VGG:
    """VGG19 likewise; 20,035,018 params at width 1."""
    return VGG(STAGES_E, width, classes, image_size, hidden=0)
