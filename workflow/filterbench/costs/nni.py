"""Adapter to NNI 2.10.1's counter."""

from __future__ import annotations

import logging
import warnings

from torch import nn

from filterbench.models.inputs import image_shape

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nni.compression.pytorch.utils.counter import count_flops_params


def quieten_nni() -> None:
    """Keep the NNI modules imported so far from logging every layer that they visit."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("nni")]:
        logging.getLogger(name).setLevel(logging.WARNING)


quieten_nni()


def count(model: nn.Module, mode: str) -> tuple[int, int]:
    """A net's params and its multiply-accumulates on one image.

    Args:
        model: the net.
        mode: `full` counts BatchNorm and biases too (the published convention); `default` counts
            convolutions and linear layers without biases.

    Returns:
        (params, MACs).
    """
    macs, params, _ = count_flops_params(model, (1, *image_shape(model)), verbose=False, mode=mode)
    return int(params), int(macs)
