"""Random flips and shifts of a whole batch at once."""

import torch
from torch import Tensor
from torch.nn.functional import pad

# Of height and width; 4 pixels of 32.
SHIFT = 1 / 8


def drawing_on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """A generator on the device with the seed of a CPU generator, which it is itself on a CPU."""
    if device.type == "cpu":
        return generator
    return torch.Generator(device).manual_seed(generator.initial_seed())


def flip_and_shift(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the images and shift each by up to an eighth (pad with black, crop).

    Args:
        pixels: any type, (n, channels, size, size).
        generator: the source of every draw, on the device of the pixels (see `drawing_on`).

    Returns:
        New pixels of the same shape and type.
    """
    count, _, height, width = pixels.shape
    reach = int(SHIFT * height)
    device = pixels.device
    mirrored = torch.randint(2, (count, 1), generator=generator, device=device).bool()
    tops, lefts = torch.randint(2 * reach + 1, (2, count, 1), generator=generator, device=device)
    rows = tops + torch.arange(height, device=device)
    columns = torch.arange(width, device=device)
    columns = lefts + torch.where(mirrored, columns.flip(0), columns)
    padded = pad(pixels, (reach, reach, reach, reach))
    each = torch.arange(count, device=device)[:, None, None]
    # Indexing on both sides of the slice puts the channels last.
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
