"""Further fine-tunings of a cell, and what `validate` says of the settings of one."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filterbench.documents import read
from filterbench.integrity.settings import other_settings
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan

OUTPUTS = {"document": "json", "weights": "safetensors", "correct": "correct"}


def finetuning_job(
    folder: Path, images: Path, name: str, others: Mapping[str, Path] = MappingProxyType({}), **params: Any
) -> Job:
    """The job that writes a fine-tuning of a cell beside it, as `{name}.json`.

    `others` are further inputs; `params` has the settings as `training`.
    """
    inputs = {
        "images": images,
        "document": folder / "speedup.json",
        "weights": folder / "speedup.safetensors",
        **others,
    }
    outputs = {key: folder / f"{name}.{suffix}" for key, suffix in OUTPUTS.items()}
    return Job(inputs, outputs, {"cell": read(folder / "finetune.json")["cell"], "device": "cpu", **params})


def other_than_asked(config: dict, pruner: str, settings: dict) -> list[str]:
    """The places of settings in `finetune.json` that the study does not ask of VGG16's fine-tuning."""
    folder = Path(f"results/default/vgg16/seed-0/{pruner}/0.5")
    documents = {"finetune": {"training": {"settings": settings}}}
    return [finding.path for finding in other_settings(Plan(config), folder, documents)]
