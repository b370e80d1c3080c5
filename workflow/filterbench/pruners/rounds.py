"""Pruning in rounds: how much each removes, and the training between two of them."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from filterbench.pruners.search.search import MOMENTUM, Search
from filterbench.storage.checkpoint import (
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    without_prefix,
)
from filterbench.training.optimizers import SGD

WEIGHT_DECAY = 5e-4
# From the final sparsity and the share of the rounds that are done, the sparsity by then.
SCHEDULES: dict[str, Callable[[float, float], float]] = {
    # AGP (Zhu & Gupta 2017, arXiv:1710.01878, section 3), from an initial sparsity of 0.
    "cubic": lambda sparsity, done: sparsity * (1 - (1 - done) ** 3),
    "linear": lambda sparsity, done: sparsity * done,
    # The same share of what is left in every round, as AutoCompress.
    "geometric": lambda sparsity, done: 1 - (1 - sparsity) ** done,
}


def train_between(model: nn.Module, search: Search, number: int, epochs: int, rate: float) -> None:
    """Train a compact net for some epochs, resumable at each of them, and count its images.

    Args:
        model: the net, on the device of the images; it is changed, and left in evaluation mode.
        search: the images, the seed, and where the state is kept.
        number: of the round, from 0.
        epochs: from 0.
        rate: learning rate of SGD.
    """
    checkpoint = search.checkpoint(f"round-{number}")
    optimizer = SGD(model.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    done = 0
    if saved := checkpoint.load():
        tensors, record = saved
        model.load_state_dict(without_prefix("model", tensors))
        restore_optimizer(optimizer, without_prefix("optimizer", tensors))
        done = record["epochs"]
    for epoch in range(epochs):
        search.count_training(None)
        if epoch < done:
            continue
        search.train_steps(model, optimizer, None, number, epoch)
        if checkpoint.due():
            tensors = {
                **prefixed("model", model.state_dict()),
                **prefixed("optimizer", optimizer_tensors(optimizer)),
            }
            checkpoint.save(tensors, {"epochs": epoch + 1})
    model.eval()
