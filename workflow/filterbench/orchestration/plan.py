"""What a study's rules need: its cells, and what a job is given by its wildcards."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filterbench.data.registry import content_digest
from filterbench.documents import read
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.documents.types import TrajectoryDocument
from filterbench.domain.spending import distils
from filterbench.domain.targets import SPARSITY, parse_target, target_of
from filterbench.orchestration.study_cells import StudyCells, search_paths
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.storage.files import known_digest
from filterbench.study.cells import (
    Config,
    budget_settings,
    budgets,
    pruner_arguments,
    references,
    round_channels,
    scratch_settings,
    search_settings,
    sparse_name,
    sparse_settings,
    sparse_training,
    sparse_trainings,
    sparsities,
    training_settings,
)
from filterbench.study.inputs import COUNTED, TAUGHT, TIMED, inputs_after, reference_inputs
from filterbench.study.paths import TRAJECTORY

if TYPE_CHECKING:
    from snakemake.io import Wildcards


class Plan(StudyCells):
    """A checked study, as the rules see it: with what a job is given by its wildcards."""

    def limits(self, wildcards: Wildcards) -> dict[str, int | None]:
        """What `limits_of` says of a job's seed; a job for all seeds takes the first."""
        return self.limits_of(int(wildcards.get("seed", self.config["seeds"][0])))

    def model_cells(self, wildcards: Wildcards) -> list[str]:
        """The folders of a job's model's cells."""
        return self.cells_of(wildcards.model, wildcards.get("study"))

    def first_seed_cells(self, wildcards: Wildcards) -> list[str]:
        """The folders of a model's cells of the study's first seed."""
        first = self.config["seeds"][0]
        return self.cells_of(wildcards.model, wildcards.get("study"), lambda cell: cell.seed == first)

    def folder_content(self, wildcards: Wildcards) -> str:
        """Digest of a user's folder of files, so that changed files are read again."""
        dataset = self.config["dataset"]
        return content_digest(dataset["name"], dataset.get("folder"))

    def baseline_cell(self, wildcards: Wildcards) -> dict[str, Any]:
        """Which baseline a job begins with, as documents record it; a job for all seeds takes the first."""
        model = self.config["models"][wildcards.model]
        normalisation = model.get("normalisation")
        sparse = self.sparse_training(wildcards)
        return {
            "study": wildcards.study,
            "dataset": self.config["dataset"]["name"],
            "protocol": self.protocols[wildcards.study],
            "model": wildcards.model,
            "width": model["width"],
            "seed": int(wildcards.get("seed", self.config["seeds"][0])),
            **({} if self.image_size == IMAGE_SIZE else {"image_size": self.image_size}),
            **({"normalisation": normalisation} if normalisation else {}),
            **({"sparse_training": sparse} if sparse else {}),
        }

    def own_weights(self, wildcards: Wildcards) -> str:
        """The user's file of a model's trained weights; empty where it is trained here."""
        return self.config["models"][wildcards.model].get("weights") or ""

    def own_weights_digest(self, wildcards: Wildcards) -> str:
        """Digest of that file, wherever it lies."""
        file = self.own_weights(wildcards)
        return known_digest(Path(file)) if file else ""

    def cell(self, wildcards: Wildcards) -> dict[str, Any]:
        """Which cell a job makes, as documents record it."""
        target = parse_target(wildcards.target).document()
        return {**self.baseline_cell(wildcards), "pruner": wildcards.pruner, **target}

    def pruner_arguments(self, wildcards: Wildcards) -> dict[str, Any]:
        """All arguments of a cell's pruner."""
        return pruner_arguments(self.config, wildcards.pruner, wildcards.model)

    def round_channels(self, wildcards: Wildcards) -> int:
        """The multiple of channels that a cell's layers keep; 1 leaves them as the pruner does."""
        return round_channels(self.config, wildcards.pruner)

    def search_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """How a cell's pruner judges and trains; see `filterbench.study.cells.search_settings`."""
        return search_settings(self.config, wildcards.pruner, wildcards.model)

    def sparse_training(self, wildcards: Wildcards) -> Config:
        """The sparse training that a job makes or begins with, as documents record it; empty without one."""
        if name := wildcards.get("sparse"):
            return sparse_trainings(self.config, wildcards.model)[name]
        pruner = wildcards.get("pruner")
        return sparse_training(self.config, pruner, wildcards.model) if pruner else {}

    def sparse_settings(self, wildcards: Wildcards) -> Config:
        """The settings of the sparse training that a job makes."""
        return sparse_settings(self.config, wildcards.model, self.sparse_training(wildcards))

    def inputs(self, kind: str) -> Any:
        """The inputs of a kind of document that depend on the sparse training of its cell."""
        return lambda wildcards: inputs_after(kind, sparse_name(self.sparse_training(wildcards)))

    def training(self, stage: str) -> Any:
        """The settings of `baseline` or `finetune` for a job's model and pruner."""
        return lambda wildcards: training_settings(
            self.config, stage, wildcards.model, wildcards.get("pruner", "")
        )

    def scratch_training(self, wildcards: Wildcards) -> Config:
        """The settings of a training from scratch (see `filterbench.study.cells.scratch_settings`)."""
        return scratch_settings(self.config, wildcards.budget, wildcards.model, wildcards.pruner)

    def budget_training(self, wildcards: Wildcards) -> Config:
        """The settings of a cell's fine-tuning at a training budget."""
        return budget_settings(self.config, int(wildcards.epochs), wildcards.model, wildcards.pruner)

    def teacher(self, wildcards: Wildcards) -> dict[str, str]:
        """The unpruned net that a fine-tuning, or a scratch training like it, distils from, if it does."""
        if wildcards.get("budget", "finetune") != "finetune":
            return {}
        return TAUGHT if distils(self.training("finetune")(wildcards)) else {}

    def spent_before(self, wildcards: Wildcards) -> dict[str, str]:
        """The documents that say how much training a cell and the cells that it is to equal have had."""
        if wildcards.get("budget", "total") != "total":
            return {}
        named = references(self.config, wildcards.model, parse_target(wildcards.target))
        return COUNTED | reference_inputs(named)

    def equal_training(self, wildcards: Wildcards) -> Config:
        """How much training all cells are to have, for a job that counts by it."""
        counted = wildcards.get("budget", "total") == "total"
        return self.config.get("equal_training", {}) if counted else {}

    def finetunings(self, wildcards: Wildcards) -> dict[str, Config]:
        """By pruner the settings of the fine-tuning, of a job's cell and of those that it is to equal."""
        if wildcards.get("budget", "total") != "total":
            return {}
        named = references(self.config, wildcards.model, parse_target(wildcards.target))
        return {
            name: training_settings(self.config, "finetune", wildcards.model, name)
            for name in dict.fromkeys((wildcards.pruner, *named))
        }

    def sparsities(self, wildcards: Wildcards) -> list[float]:
        """The sparsities of a pruner on a model."""
        return sparsities(self.config, wildcards.pruner, wildcards.model)

    def trajectory_of(self, wildcards: Wildcards) -> dict[str, str]:
        """The search path that a cell's pruner takes its net from, if it has one."""
        if PRUNERS[wildcards.pruner].search != "path":
            return {}
        record = TRAJECTORY.format(**wildcards, kind=parse_target(wildcards.target).kind)
        return {
            "trajectory": f"{record}.json",
            "trajectory_steps": f"{record}.csv",
            "snapshots": f"{record}.safetensors",
        }

    def search_paths(self, wildcards: Wildcards) -> list[str]:
        """The documents of the search paths that a model's cells take their nets from."""
        return search_paths(self.cells_of(wildcards.model, wildcards.study))

    def trajectory_targets(self, wildcards: Wildcards) -> list[float]:
        """The targets of a search path: those of the study, and those that its record has already.

        So nothing is rebuilt when the study drops a target.
        """
        kind, pruner = wildcards.kind, wildcards.pruner
        asked = {SPARSITY: self.sparsities(wildcards), **budgets(self.config, pruner, wildcards.model)}
        record = Path(TRAJECTORY.format(**wildcards)).with_suffix(".json")
        with suppress(InputError):
            document = read(record, TrajectoryDocument)
            settings = self.pruner_arguments(wildcards), self.search_settings(wildcards)
            if settings == (document["arguments"], document["search"]):
                asked[kind] = [*asked[kind], *(target_of(entry).value for entry in document["targets"])]
        return sorted(set(asked[kind]))

    def latency_table_of(self, wildcards: Wildcards) -> dict[str, str]:
        """The latency table of a job with budgets of latency."""
        kind = wildcards.get("kind") or parse_target(wildcards.target).kind
        return TIMED if kind == "latency" else {}


def group_of(pruner: str) -> str | None:
    """The allocation that a cell's pruning shares with its later stages; None where it has its own.

    A long search has its own: a fault after it, which makes Snakemake remove what its allocation made, must
    not cost the search. A matched control waits for another cell, whose stages must not join its own.
    """
    entry = PRUNERS[pruner]
    return None if entry.search == "candidates" or entry.matched else "cell"
