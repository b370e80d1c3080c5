"""What the computing stages have in common: device, images and provenance."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from filterbench.data.loading import Splits, load_splits
from filterbench.documents.parts import Cell, Provenance
from filterbench.documents.targets import TRAJECTORY_NAME
from filterbench.models.rebuilding import rebuild_model
from filterbench.running.environment import choose_device, make_deterministic, versions
from filterbench.running.job import Job
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.files import file_digest
from filterbench.storage.weights import Weights, read_weights


@dataclass(frozen=True)
class Context:
    """A prepared process for one job.

    Attributes:
        job: the job.
        cell: which cell of the study this is; of a baseline without pruner and target.
        device: where nets and images are.
    """

    job: Job
    cell: Cell
    device: torch.device

    @property
    def seed(self) -> int:
        """The cell's seed."""
        return self.cell["seed"]

    def splits(self) -> Splits:
        """The study's images."""
        images = self.job.inputs["images"]
        return load_splits(images, self.cell["protocol"], self.job.params["limits"], self.device)

    def place(self, model: nn.Module) -> nn.Module:
        """Move a net to the device, with the channels last: the fastest layout on CPU and GPU."""
        return model.to(self.device).to(memory_format=torch.channels_last)

    def read_net(self, name: str) -> nn.Module:
        """The cell's net with the weights of an input file, on the device."""
        path = self.job.inputs[name]
        return self.rebuild(read_weights(path), path)

    def rebuild(self, weights: Weights, path: Path) -> nn.Module:
        """The cell's net with weights that were read from `path`, on the device."""
        return self.place(rebuild_model(self.cell["model"], weights, path))

    def checkpoint(self) -> Checkpoint:
        """Where the job's long computation is taken up: beside its outputs, which Snakemake deletes."""
        path = self.state_path(".checkpoint")
        return Checkpoint(path, self.state_key(), self.job.stopwatch)

    def state_path(self, suffix: str) -> Path:
        """A hidden file or folder beside the job's document, which Snakemake leaves alone."""
        document = self.job.outputs["document"]
        return document.with_name(f".{document.stem}{suffix}")

    def state_key(self, *left_out: str) -> str:
        """Digest of everything that the job's outcome depends on, but for the params that are left out."""
        # Not where it was asked to compute, but where it does: `auto` may be a CPU.
        unasked = {"device", *left_out}
        params = {name: value for name, value in self.job.params.items() if name not in unasked}
        state = [params, self._input_digests, self.job.threads, self.device.type, versions()]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()

    @cached_property
    def _input_digests(self) -> dict[str, str]:
        """Of all inputs but a search path's record, which grows with the study.

        Of it a cell takes just its own part, which the other inputs decide.
        """
        paths = {name: path for name, path in self.job.inputs.items() if path.stem != TRAJECTORY_NAME}
        return {name: file_digest(path) for name, path in sorted(paths.items())}

    def provenance(self) -> Provenance:
        """What makes this job's document."""
        return {
            "device": self.device.type,
            "threads": self.job.threads,
            "versions": versions(),
            "inputs": self._input_digests,
        }


def prepare(job: Job) -> Context:
    """Make the process deterministic and choose its device.

    Raises:
        InputError: the study asks for a device that is not there.
    """
    cell: Cell = job.params["cell"]
    device = choose_device(job.params["device"])
    make_deterministic(cell["seed"], job.threads, device)
    return Context(job, cell, device)
