"""Template for your own model: a small plain net. docs/extending.md lists what the workflow relies on."""

from torch import Tensor, nn

from filterbench.models.registry import ModelEntry

# Output channels of the convolutions at width 1; each halves height and width.
CHANNELS = (32, 64, 128)


class SmallNet(nn.Module):
    """Three 3x3 convolutions with BatchNorm, and a linear layer."""

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels in (int(each * width) for each in CHANNELS):
            layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            before = channels
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(before, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, height, width) -> (batch, classes)."""
        return self.classifier(self.flatten(self.pool(self.features(images))))


def small_net(width: float = 1.0, classes: int = 10) -> SmallNet:
    """Build the net with fresh weights."""
    return SmallNet(width, classes)


# Label in figures, fewest channels of any convolution at width 1, source, and the function above.
MODELS = {"small-net": ModelEntry("small net", 32, "your paper, its section", "own_model:small_net")}
