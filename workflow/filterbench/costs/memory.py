"""How much memory the values between a net's layers take."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn
from torch.multiprocessing.reductions import StorageWeakRef


class _Watching(fx.Interpreter):
    """Runs a net operation by operation, and frees each value after its last use."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(fx.symbolic_trace(model), garbage_collect_values=True)
        self.peak = 0

    def run_node(self, n: fx.Node) -> object:
        """Run one operation, whose inputs and output are in memory at the same time."""
        result = super().run_node(n)
        values = [value for value in (*self.env.values(), result) if isinstance(value, Tensor)]
        storages = [value.untyped_storage() for value in values]
        # Not by address: on the meta device all have the same.
        held = {StorageWeakRef(storage): storage.nbytes() for storage in storages}
        self.peak = max(self.peak, sum(held.values()))
        return result


@torch.inference_mode()
def peak_activations(model: nn.Module, images: Tensor) -> int:
    """The most bytes that the images and the values between layers take at once in a forward pass.

    Operation by operation, as torch runs a net; a runtime that fuses operations can take less.

    Args:
        model: a net that `torch.fx` can trace, in evaluation mode; on the meta device nothing is computed.
        images: its input, on the net's device.
    """
    watching = _Watching(model)
    watching.run(images)
    return watching.peak
