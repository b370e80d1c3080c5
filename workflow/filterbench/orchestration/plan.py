"""What a study's rules need: its cells by folder, and what a job is given by its wildcards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filterbench.analysis.controls import with_uniform
from filterbench.data.registry import content_digest, data_file
from filterbench.documents import read
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.documents.types import TrajectoryDocument
from filterbench.domain.spending import distils
from filterbench.domain.targets import SPARSITY, parse_target, target_of
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.storage.files import known_digest
from filterbench.study.cells import (
    Cell,
    Config,
    baseline_documents,
    budget_settings,
    budgets,
    cell_documents,
    cells,
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
    trained_again,
    training_settings,
)
from filterbench.study.inputs import COUNTED, TAUGHT, TIMED, inputs_after, reference_inputs
from filterbench.study.paths import (
    MODEL_FOLDER,
    TRAJECTORY,
    baseline_folder,
    cell_at,
    cell_folder,
    sparse_folder,
    trajectory_document,
)
from filterbench.study.published import published_names

if TYPE_CHECKING:
    from snakemake.io import Wildcards

TWIN_PROTOCOLS = {"validation": "test", "test": "validation"}
# How to measure time, where the study does not say.
MEASUREMENT = {"batch": 64, "runs": 50, "warm_up": 10, "threads": 1}
RUNTIMES = {"runtimes": ["torch"], "budget_runtime": "torch"}
INT8 = {"calibration_images": 256}
# How to prune each group of convolutions alone, where the study does not say.
SENSITIVITY = {"base_algo": "l1", "rates": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
# Share of the test images that may be copies of others, where the study does not say.
MAX_COPIES = 0.02


class Plan:
    """A checked study, as the rules see it.

    Attributes:
        study: its name.
        protocols: protocol by name of the study and of its twin, which has the cells under the other one.
        image_size: height and width of its images, in pixels.
        images: its data file.
        max_copies: share of its test images that may have exact copies among the others, 0 to 1.
        cells: the folders of its cells.
        sparse: the names of the folders of its sparse trainings, model by model.
        again: by pruner, the trainings of its cells beyond their fine-tuning, by name of their documents.
        claims: path of the user's table of points that papers report, or empty.
        questions: path of the user's plan of primary questions, or empty.
        leads: whether pruners' leads over uniform nets are taken apart.
        latency: how to measure the time of a cell's nets.
        latency_table: how to measure that of a model's layers.
        int8: how to quantise nets, and to measure their time.
        sensitivity: how to prune each group of convolutions alone; the rates rise.
        comparable: whether accuracies compare with the published ones.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.study = config["study"]
        twin = TWIN_PROTOCOLS[config["protocol"]]
        self.protocols = {self.study: config["protocol"], f"{self.study}-{twin}": twin}
        dataset = config["dataset"]
        self.image_size = dataset.get("image_size", IMAGE_SIZE)
        self.images = data_file(dataset["name"], dataset.get("folder"), self.image_size)
        self.max_copies = dataset.get("max_copies", MAX_COPIES)
        self.cells = self.folders(self.study)
        self.sparse = [name for model in config["models"] for name in sparse_trainings(config, model)]
        self.again = {pruner: trained_again(config, pruner) for pruner in config["pruners"]}
        self.claims = config.get("claims") or ""
        self.questions = config.get("plan") or ""
        self.leads = "training_budgets" in config and bool(with_uniform(config["pruners"]))
        measurement = MEASUREMENT | RUNTIMES | config.get("latency", {})
        runtimes, table_runtime = (measurement.pop(name) for name in RUNTIMES)
        self.latency = measurement | {"runtimes": runtimes}
        self.latency_table = measurement | {"budget_runtime": table_runtime}
        self.int8 = measurement | INT8 | config.get("int8", {})
        sensitivity = SENSITIVITY | config.get("sensitivity", {})
        self.sensitivity = sensitivity | {"rates": sorted(sensitivity["rates"])}
        published = set(published_names("model"))
        as_published = (dataset["name"], self.image_size) == ("cifar10", IMAGE_SIZE)
        self.comparable = as_published and set(config["models"]) <= published

    def limits_of(self, seed: int) -> dict[str, int | None]:
        """How many images a seed takes of each split (None: all), and which part of the training split."""
        dataset = self.config["dataset"]
        limits = {name: dataset.get(f"{name}_images") for name in ("train", "validation", "test")}
        parts = dataset.get("train_subsets")
        return limits | {"train_part": seed % parts} if parts else limits

    def limits(self, wildcards: Wildcards) -> dict[str, int | None]:
        """The same for a job; one for all seeds takes the first."""
        return self.limits_of(int(wildcards.get("seed", self.config["seeds"][0])))

    def folders(self, study: str) -> list[str]:
        """The folders of all cells, as the study or its twin has them."""
        return [cell_folder(study, cell) for cell in cells(self.config)]

    def cells_of(
        self, model: str, study: str | None = None, chosen: Callable[[Cell], bool] = lambda cell: True
    ) -> list[str]:
        """The folders of a model's cells, of all or of those that are chosen."""
        asked = [cell for cell in cells(self.config) if cell.model == model and chosen(cell)]
        return [cell_folder(study or self.study, cell) for cell in asked]

    def model_cells(self, wildcards: Wildcards) -> list[str]:
        """The folders of a job's model's cells."""
        return self.cells_of(wildcards.model, wildcards.get("study"))

    def matched_cells(self, model: str, study: str) -> list[str]:
        """The folders of a model's cells of the controls that have other pruners' params, and of these."""
        controls = {name for name in self.config["pruners"] if "params" in PRUNERS[name].matched}
        compared = controls | {PRUNERS[name].searched for name in controls}
        return self.cells_of(model, study, lambda cell: cell.pruner in compared)

    def first_seed_cells(self, wildcards: Wildcards) -> list[str]:
        """The folders of a model's cells of the study's first seed."""
        first = self.config["seeds"][0]
        return self.cells_of(wildcards.model, wildcards.get("study"), lambda cell: cell.seed == first)

    def documents(self, folders: Iterable[str | Path]) -> list[str]:
        """All documents of the cells with these folders."""
        return [
            f"{folder}/{name}.json"
            for folder in folders
            for name in cell_documents(self.config, cell_at(folder)[1].pruner)
        ]

    @property
    def all_documents(self) -> list[str]:
        """Those of all cells, and of their baselines and search paths."""
        baselines = {str(baseline_folder(Path(cell))): None for cell in self.cells}
        sparse = {str(folder): None for cell in self.cells for folder in self.sparse_folders(Path(cell))}
        names = baseline_documents(self.config)
        return [
            *(f"{folder}/{name}.json" for folder in baselines for name in names),
            *(f"{folder}/sparse.json" for folder in sparse),
            *_search_paths(self.cells),
            *self.documents(self.cells),
        ]

    def sparse_folders(self, cell: Path) -> list[Path]:
        """The folder of the sparse training that a cell begins with; empty where it has none."""
        asked = cell_at(cell)[1]
        sparse = sparse_training(self.config, asked.pruner, asked.model)
        return [sparse_folder(cell, sparse)] if sparse else []

    def shared_folders(self, cell: Path) -> list[Path]:
        """The folders of what a cell shares with others: its baseline, sparse training and search path."""
        return [baseline_folder(cell), *self.sparse_folders(cell), trajectory_document(cell).parent]

    def made_of_cells(self, *names: str) -> list[Path]:
        """Documents with these names that the cells have."""
        return [path for cell in self.cells for name in names if (path := Path(cell) / name).exists()]

    def claims_digest(self) -> str:
        """Digest of the user's table of reported points, wherever it lies."""
        return known_digest(Path(self.claims)) if self.claims else ""

    def questions_digest(self) -> str:
        """Digest of the user's plan of primary questions, wherever it lies."""
        return known_digest(Path(self.questions)) if self.questions else ""

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
        """How a cell's pruner judges and trains candidates; empty where it does not search."""
        return search_settings(self.config, wildcards.pruner)

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
        return _search_paths(self.cells_of(wildcards.model, wildcards.study))

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

    def latency_csv(self, model: str) -> Path:
        """The table of a model's measured latencies, if they were asked for."""
        return Path(MODEL_FOLDER.format(study=self.study, model=model)) / "latency.csv"


def group_of(pruner: str) -> str | None:
    """The allocation that a cell's pruning shares with its later stages; None where it has its own.

    A long search has its own: a fault after it, which makes Snakemake remove what its allocation made, must
    not cost the search. A matched control waits for another cell, whose stages must not join its own.
    """
    entry = PRUNERS[pruner]
    return None if entry.search == "candidates" or entry.matched else "cell"


def _search_paths(folders: Iterable[str]) -> list[str]:
    """The documents of the search paths that some cells take their nets from."""
    searched = (Path(folder) for folder in folders if PRUNERS[Path(folder).parent.name].search == "path")
    return list(dict.fromkeys(str(trajectory_document(folder)) for folder in searched))
