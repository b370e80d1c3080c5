"""A study's settings, and the folders and documents of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from filterbench.analysis.controls import with_uniform
from filterbench.analysis.published_tables import published_names
from filterbench.analysis.seeds import MIN_UNITS
from filterbench.data.registry import data_file
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.files import known_digest
from filterbench.study.cells import (
    Cell,
    Config,
    baseline_documents,
    budgets,
    cell_documents,
    cells,
    sparse_training,
    sparse_trainings,
    trained_again,
    variants,
)
from filterbench.study.paths import (
    MODEL_FOLDER,
    baseline_folder,
    cell_at,
    cell_folder,
    sparse_folder,
    trajectory_document,
)

TWIN_PROTOCOLS = {"validation": "test", "test": "validation"}
# How to measure time, where the study does not say.
MEASUREMENT = {"batch": 64, "runs": 50, "warm_up": 10, "threads": 1}
RUNTIMES = {"runtimes": ["torch"], "budget_runtime": "torch"}
INT8 = {"calibration_images": 256}
# How to prune each group of convolutions alone, where the study does not say.
SENSITIVITY = {"base_algo": "l1", "rates": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
# Share of the test images that may be copies of others, where the study does not say.
MAX_COPIES = 0.02


class StudyCells:
    """A checked study: its settings with their defaults, its cells and their documents.

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
        ranked: whether pruners are ranked under the study's budgets, for which it has enough seeds.
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
        self.ranked = len(config["seeds"]) >= MIN_UNITS and len(self._under_budgets()) > 1
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

    def _under_budgets(self) -> list[str]:
        """The pruners, variants of others left out, with cells under the study's budgets in every model."""
        pruners = self.config["pruners"].keys()
        varied = {name for name, base in variants(self.config).items() if base in pruners}
        return [
            name
            for name in pruners - varied
            if all(budgets(self.config, name, model) for model in self.config["models"])
        ]

    def limits_of(self, seed: int) -> dict[str, int | None]:
        """How many images a seed takes of each split (None: all), and which part of the training split."""
        dataset = self.config["dataset"]
        limits = {name: dataset.get(f"{name}_images") for name in ("train", "validation", "test")}
        parts = dataset.get("train_subsets")
        return limits | {"train_part": seed % parts} if parts else limits

    def folders(self, study: str) -> list[str]:
        """The folders of all cells, as the study or its twin has them."""
        return [cell_folder(study, cell) for cell in cells(self.config)]

    def cells_of(
        self, model: str, study: str | None = None, chosen: Callable[[Cell], bool] = lambda cell: True
    ) -> list[str]:
        """The folders of a model's cells, of all or of those that are chosen."""
        asked = [cell for cell in cells(self.config) if cell.model == model and chosen(cell)]
        return [cell_folder(study or self.study, cell) for cell in asked]

    def matched_cells(self, model: str, study: str) -> list[str]:
        """The folders of a model's cells of the controls that have other pruners' params, and of these."""
        controls = {name for name in self.config["pruners"] if "params" in PRUNERS[name].matched}
        compared = controls | {PRUNERS[name].searched for name in controls}
        return self.cells_of(model, study, lambda cell: cell.pruner in compared)

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
            *search_paths(self.cells),
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

    def claims_digest(self) -> str:
        """Digest of the user's table of reported points, wherever it lies."""
        return known_digest(Path(self.claims)) if self.claims else ""

    def questions_digest(self) -> str:
        """Digest of the user's plan of primary questions, wherever it lies."""
        return known_digest(Path(self.questions)) if self.questions else ""

    def latency_csv(self, model: str) -> Path:
        """The table of a model's measured latencies, if they were asked for."""
        return Path(MODEL_FOLDER.format(study=self.study, model=model)) / "latency.csv"


def search_paths(folders: Iterable[str]) -> list[str]:
    """The documents of the search paths that some cells take their nets from."""
    searched = (Path(folder) for folder in folders if PRUNERS[Path(folder).parent.name].search == "path")
    return list(dict.fromkeys(str(trajectory_document(folder)) for folder in searched))
