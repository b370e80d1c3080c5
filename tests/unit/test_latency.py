import time
from itertools import groupby

import torch
from torch import nn

from filterbench.costs.latency import measure_latencies

IMAGES = torch.zeros(3, 1, 2, 2)


class Sleeper(nn.Module):
    """Takes a known time, and writes its name down."""

    def __init__(self, name: str, seconds: float, calls: list[str]) -> None:
        super().__init__()
        self.name, self.seconds, self.calls = name, seconds, calls

    def forward(self, images):
        self.calls.append(self.name)
        time.sleep(self.seconds)
        return images


def test_the_median_is_in_milliseconds():
    (latency,) = measure_latencies([Sleeper("a", 0.02, [])], IMAGES, runs=5, warm_up=0)
    assert 20 <= latency["median"] < 60
    assert 0 <= latency["interquartile_range"] < 40


def test_one_slow_run_moves_neither_median_nor_quartiles():
    class Once(Sleeper):
        def forward(self, images):
            # The timer runs each timed pass twice before.
            self.seconds = 0.3 if 20 <= len(self.calls) < 23 else 0.001
            return super().forward(images)

    (latency,) = measure_latencies([Once("a", 0, [])], IMAGES, runs=15, warm_up=0)
    assert latency["median"] < 10
    assert latency["interquartile_range"] < 10


def test_nets_take_turns_after_their_warm_up():
    calls: list[str] = []
    quick, slow = measure_latencies(
        [Sleeper("a", 0, calls), Sleeper("b", 0.005, calls)], IMAGES, 4, warm_up=7
    )
    assert calls[:14] == ["a"] * 7 + ["b"] * 7
    assert [name for name, _ in groupby(calls[14:])] == ["a", "b"] * 4
    assert quick["median"] < 5 <= slow["median"]


def test_no_gradients_are_kept():
    grads = []

    class Watching(nn.Linear):
        def forward(self, images):
            outputs = super().forward(images)
            grads.append(outputs.requires_grad)
            return outputs

    measure_latencies([Watching(2, 2)], IMAGES, runs=1, warm_up=1)
    assert not any(grads)
