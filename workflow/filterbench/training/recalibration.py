"""BatchNorm statistics estimated again (Li et al. 2020, arXiv:2007.02491, section 3.3)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from filterbench.data.loading import Images
from filterbench.storage.errors import InputError


def recalibrate(net: nn.Module, images: Images, count: int, batch_size: int, seed: int) -> None:
    """Estimate a net's BatchNorm statistics again on random images, as plain means over batches.

    Args:
        net: on the device of the images; nothing else of it changes.
        images: to draw from, without augmentation.
        count: how many to draw, from 2; all, if there are fewer.
        batch_size: images per batch, from 2; as batches differ by one image at most, they can be larger.
        seed: of the draw, and of what the net draws itself, as dropout does.

    Raises:
        InputError: the net has no BatchNorm.
    """
    if not any(isinstance(module, _BatchNorm) for module in net.modules()):
        raise InputError("recalibrate: the net has no BatchNorm; allowed in its finetune and its search: 0")
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
    torch.manual_seed(seed)
    batches = drawn.tensor_split(max(1, len(drawn) // batch_size))
    update_bn((images.batch(chosen, None) for chosen in batches), net)
