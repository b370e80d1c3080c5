"""Nets of given shapes, to be timed or counted: their weights do not matter."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from filterbench.compaction.speedup import compact
from filterbench.documents.parts import LayerRecord


def shaped(model: nn.Module, layers: Iterable[LayerRecord]) -> nn.Module:
    """A net with the channels that a compact net of the model keeps.

    Args:
        model: the unpruned net; it is not changed.
        layers: of the cell's `speedup.json`.
    """
    device = next(model.parameters()).device
    masks = {
        layer["name"]: torch.arange(layer["channels"], device=device) < layer["kept"] for layer in layers
    }
    return compact(model, masks)
