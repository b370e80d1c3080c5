"""Titles of figures, and the labels in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filterbench.data.registry import DATASETS
from filterbench.models.registry import MODELS


def labels(params: Mapping[str, Any]) -> tuple[str, str]:
    """The labels of a figure's model and dataset.

    Args:
        params: of the figure's job, with `model` and `dataset`.
    """
    return MODELS[params["model"]].label, DATASETS[params["dataset"]].label


def model_title(params: Mapping[str, Any]) -> str:
    """The title of a figure about a model of a study, as `shown`.

    Args:
        params: of its job, with `model`, `dataset`, `study` and `titled`.
    """
    return shown("{} on {}, study {}".format(*labels(params), params["study"]), params)


def shown(title: str, params: Mapping[str, Any]) -> str:
    """A figure's title, or an empty one if the study's figures have none.

    Args:
        title: the text.
        params: of the figure's job, with `titled`.
    """
    return title if params["titled"] else ""
