"""One net pruned by the workflow: a study of one cell is written, and Snakemake runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from filterbench.documents import read
from filterbench.documents.types import ResultDocument
from filterbench.domain.targets import SPARSITY, Target
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text
from filterbench.study.cells import Cell
from filterbench.study.config import check_config
from filterbench.study.extending import study_in
from filterbench.study.paths import cell_folder

DEFAULT_NAME = "pruned"
SNAKEFILE = "Snakefile"
# Where the Snakefile may be: the checkout of this file, as in an editable install, or the working directory.
CHECKOUTS = (Path(__file__).parents[3], Path())
# Tells a study that the command wrote, and may write again, from a user's own file.
HEADING = "# Written by `filterbench prune`.\n"
# Of the default study: what holds for any net, and the settings of any training.
SHARED = ("protocol", "device", "search")
TRAINING = (
    *("epochs", "batch_size", "learning_rate", "momentum", "weight_decay", "nesterov", "schedule"),
    *("augment", "label_smoothing"),
)
# A shell's exit code of what Ctrl-C ended.
INTERRUPTED = 130
QUIET = ("progress", "rules", "reason", "host")


@dataclass(frozen=True)
class Request:
    """What is asked of the command.

    Attributes:
        weights: file of the trained net.
        model: its model's name.
        pruner: a pruner's name.
        sparsity: share of the filters to prune, above 0 and below 1.
        data: a folder with one folder of images per class.
        width: the model's width multiplier.
        image_size: height and width of the images, in pixels.
        mean: of the images' channels, 0 to 1; None takes the training images'.
        std: likewise.
        epochs: of fine-tuning.
        name: of the study.
        cores: to use, or `all`.
    """

    weights: Path
    model: str
    pruner: str
    sparsity: float
    data: Path
    width: float
    image_size: int
    mean: Sequence[float] | None
    std: Sequence[float] | None
    epochs: int
    name: str
    cores: str


def prune(request: Request) -> int:
    """Prune the net, and print the file of the pruned one and its accuracy.

    Returns:
        Snakemake's exit code, or 130 after Ctrl-C.

    Raises:
        InputError: a file or folder is missing, a normalisation is incomplete, a setting is not allowed, the
            study's file is a user's own, or the target is out of reach.
    """
    checkout = _checkout()
    asked, file = study(request, checkout), Path(f"{request.name}.yaml")
    # Before the file of an earlier net is replaced.
    check_config(asked, "filterbench prune")
    text = yaml.safe_dump(asked, sort_keys=False)
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(HEADING):
        raise InputError(f"--name {request.name}: {file} is not a file of this command; choose another name")
    write_text(file, HEADING + text)
    cell = Cell(request.model, request.pruner, Target(SPARSITY, request.sparsity), seed=0)
    folder = Path(cell_folder(request.name, cell))
    command = ["snakemake", "--snakefile", checkout / SNAKEFILE, "--cores", request.cores, "--quiet", *QUIET]
    code = _run(
        [sys.executable, "-m", *map(str, command), "--configfile", str(file), "--", f"{folder}/result.json"]
    )
    if not code:
        print(_summary(folder))
    return code


def _run(command: Sequence[str]) -> int:
    """Run Snakemake to its end, also after Ctrl-C, which the terminal sends to it, too: then it unlocks."""
    process, interrupted = subprocess.Popen(command), False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
        else:
            return INTERRUPTED if interrupted else code


def study(request: Request, checkout: Path) -> dict[str, object]:
    """The study of one cell; what is not asked is as in the default study, or not part of the study.

    Raises:
        InputError: as in `prune`.
    """
    for name, path, there in (
        ("weights", request.weights, request.weights.is_file()),
        ("data", request.data, request.data.is_dir()),
    ):
        if not there:
            raise InputError(f"--{name}: there is no {'file' if name == 'weights' else 'folder'} {path}")
    if (request.mean is None) != (request.std is None):
        raise InputError("--mean and --std: give both or neither")
    model: dict[str, object] = {"width": request.width, "weights": str(request.weights.resolve())}
    if request.mean is not None and request.std is not None:
        model["normalisation"] = {"mean": list(request.mean), "std": list(request.std)}
    default = study_in(checkout / "config.yaml")
    dataset = {
        "name": "image-folder",
        "folder": str(request.data.resolve()),
        "image_size": request.image_size,
    }
    return {
        "study": request.name,
        "dataset": dataset,
        **_chosen(default, SHARED),
        "seeds": [0],
        "models": {request.model: model},
        "sparsities": [request.sparsity],
        "pruners": {request.pruner: {}},
        "baseline": _chosen(default.get("baseline", {}), TRAINING),
        "finetune": _chosen(default.get("finetune", {}), TRAINING) | {"epochs": request.epochs},
    }


def _chosen(settings: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    return {name: settings[name] for name in names if name in settings}


def _checkout() -> Path:
    for folder in CHECKOUTS:
        if (folder / SNAKEFILE).is_file() and (folder / "workflow/filterbench").is_dir():
            return folder
    raise InputError(
        "the workflow's Snakefile is not here; run the command in FilterBench's checkout, or install it "
        "from there with `pip install --editable .`"
    )


def _summary(folder: Path) -> str:
    """The file of the net in a cell's folder, and what it gained and lost.

    Raises:
        InputError: the pruner cannot reach the sparsity.
    """
    result = read(folder / "result.json", ResultDocument)
    if reason := result.get("infeasible"):
        raise InputError(f"--sparsity: {reason}")
    accuracy = {name: f"{100 * result['performance'][name]:.2f} %" for name in ("original", "finetuned")}
    params = {name: f"{count:,}" for name, count in result["params"].items()}
    return (
        f"test accuracy {accuracy['original']} -> {accuracy['finetuned']}, "
        f"params {params['original']} -> {params['speedup']}\n"
        f"net: {folder / 'finetune.safetensors'}\n"
        f'in Python: filterbench.load("{folder}")'
    )
