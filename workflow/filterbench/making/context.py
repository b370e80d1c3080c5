"""What the computing stages have in common: device, images and provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from filterbench.data.loading import Splits, load_splits
from filterbench.data.registry import DATASETS
from filterbench.documents import read
from filterbench.documents.parts import IMAGE_SIZE, CellRecord, Code, Machine, Provenance
from filterbench.domain.targets import TRAJECTORY_NAME
from filterbench.jobs.job import Job
from filterbench.jobs.version import code_version
from filterbench.making.environment import choose_device, machine, make_deterministic, versions
from filterbench.models.rebuilding import rebuild_model
from filterbench.models.registry import build_model
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.files import file_digest
from filterbench.storage.weights import Weights, read_weights


class Digests(NamedTuple):
    """Of an input file: SHA-256 of its bytes, and of what the job's outcome depends on, in hexadecimal."""

    file: str
    content: str


@dataclass(frozen=True)
class Context:
    """A prepared process for one job.

    Attributes:
        job: the job.
        cell: which cell of the study this is; of a baseline without pruner and target.
        device: where nets and images are.
        threads: CPU threads that it computes with.
        inputs: digests by input, taken before the job computes. A search path's record is left out, because
            it grows with the study: of it a cell takes just its own part, which the other inputs decide.

    Raises:
        InputError: an input that is a document is faulty.
    """

    job: Job
    cell: CellRecord
    device: torch.device
    threads: int = 1
    inputs: Mapping[str, Digests] = field(init=False)

    def __post_init__(self) -> None:
        # At once: an input that another run replaces later is not what this job computed from.
        inputs = sorted(self.job.inputs.items())
        digests = {name: _digests(path) for name, path in inputs if path.stem != TRAJECTORY_NAME}
        object.__setattr__(self, "inputs", digests)

    @property
    def seed(self) -> int:
        """The cell's seed."""
        return self.cell["seed"]

    @cached_property
    def machine(self) -> Machine:
        """What the job runs on."""
        return machine(self.device)

    @property
    def image_size(self) -> int:
        """Height and width of the study's images, in pixels."""
        return self.cell.get("image_size", IMAGE_SIZE)

    @property
    def max_copies(self) -> float:
        """Share of the test images that may have exact copies among the others, 0 to 1."""
        return float(self.job.resources.get("max_copies", 1))

    def splits(self) -> Splits:
        """The study's images."""
        return load_splits(
            self.job.inputs["images"],
            self.cell["protocol"],
            self.job.params["limits"],
            self.device,
            DATASETS[self.cell["dataset"]].classes,
            self.cell.get("normalisation"),
        )

    def place(self, model: nn.Module) -> nn.Module:
        """Move a net to the device, with the channels last: the fastest layout on CPU and GPU."""
        return model.to(self.device).to(memory_format=torch.channels_last)

    def read_net(self, name: str) -> nn.Module:
        """The cell's net with the weights of an input file, on the device."""
        path = self.job.inputs[name]
        return self.rebuild(read_weights(path), path)

    def build(self, classes: int) -> nn.Module:
        """The cell's unpruned net with fresh weights, on the CPU."""
        return build_model(self.cell["model"], self.cell["width"], classes, self.image_size)

    def rebuild(self, weights: Weights, path: Path) -> nn.Module:
        """The cell's net with weights that were read from `path`, on the device."""
        return self.place(rebuild_model(self.cell["model"], weights, path, self.image_size))

    def checkpoint(self, number: int = 0) -> Checkpoint:
        """Where a long computation of the job is resumed: beside its outputs, which Snakemake deletes."""
        path = self.state_path(f"-{number}.checkpoint" if number else ".checkpoint")
        return Checkpoint(path, f"{self.state_key()}-{number}", self.job.stopwatch)

    def state_path(self, suffix: str) -> Path:
        """A hidden file or folder beside the job's document, which Snakemake leaves alone."""
        document = self.job.outputs["document"]
        return document.with_name(f".{document.stem}{suffix}")

    def state_key(self, *left_out: str) -> str:
        """Digest of everything that the job's outcome depends on, except the params that are left out.

        The study's name does not count, here or in the documents that the job reads.
        """
        # Where it computes counts, not where it was asked to: `auto` may be a CPU.
        unasked = {"device", *left_out}
        params = {name: value for name, value in self.job.params.items() if name not in unasked}
        params["cell"] = of_any_study(self.cell)
        inputs = {name: digests.content for name, digests in self.inputs.items()}
        state = [params, inputs, self.threads, self.device.type, versions()]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()

    def provenance(self) -> Provenance:
        """What makes this job's document."""
        return {
            "device": self.device.type,
            "machine": self.machine,
            "threads": self.threads,
            "versions": versions(),
            "code": self._code(),
            "inputs": {name: digests.file for name, digests in self.inputs.items()},
        }

    def _code(self) -> Code:
        code: Code = {"version": code_version()}
        if digest := self.job.params.get("code"):
            code["digest"] = digest
        return code


def _digests(path: Path) -> Digests:
    """Of a file; the content of a document is without its provenance and the name of its study."""
    file = file_digest(path)
    if path.suffix != ".json":
        return Digests(file, file)
    document: Mapping[str, Any] = read(path)
    said = {name: value for name, value in document.items() if name not in ("cell", "provenance")}
    text = json.dumps([of_any_study(document.get("cell", {})), said], sort_keys=True)
    return Digests(file, hashlib.sha256(text.encode()).hexdigest())


def of_any_study(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A cell without the name of its study."""
    return {name: value for name, value in cell.items() if name != "study"}


def prepare(job: Job, threads: int) -> Context:
    """Make the process deterministic, choose its device and take the digests of the inputs.

    Args:
        job: the job.
        threads: CPU threads that it is to compute with.

    Raises:
        InputError: the study asks for a device that is not there, or an input that is a document is faulty.
    """
    cell: CellRecord = job.params["cell"]
    device = choose_device(job.params["device"])
    make_deterministic(cell["seed"], threads, device)
    return Context(job, cell, device, threads)
