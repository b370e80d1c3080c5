"""Rule `plot_search`: the pruners' choices by layer, and the searches' scores by step."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from filterbench.documents import read
from filterbench.documents.search_table import read_search
from filterbench.documents.types import PruneDocument
from filterbench.domain.targets import parse_target, target_of
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.plotting.saving import save_kinds
from filterbench.plotting.searches import draw_layer_sparsities, draw_search_scores
from filterbench.results.titles import shown


def plot_search(job: Job) -> None:
    """Draw both figures of a model from the documents and tables of one seed's cells."""
    cells = [Path(path) for path in job.params["cells"]]
    about = f"{MODELS[job.params['model']].label}, seed {job.params['seed']}, study {job.params['study']}"
    layers = pd.DataFrame([row for cell in cells for row in _layers(cell)])
    title = shown(f"What each pruner takes from each layer: {about}", job.params)
    figure = draw_layer_sparsities(layers, title)
    save_kinds(figure, job.outputs, "layers_")
    searches = {
        ((target := parse_target(cell.name)).curve(cell.parent.name), target.value): pd.DataFrame(steps)
        for cell in cells
        if (steps := read_search(cell / "search.csv"))
    }
    figure = draw_search_scores(searches, shown(f"Candidates of each search: {about}", job.params))
    save_kinds(figure, job.outputs, "scores_")


def _layers(cell: Path) -> list[dict]:
    """What a cell's pruner took from each convolution; one blank row where the cell is infeasible."""
    prune = read(cell / "prune.json", PruneDocument)
    target = target_of(prune["cell"])
    asked = {"pruner": target.curve(prune["cell"]["pruner"]), "sparsity": target.value}
    if "infeasible" in prune:
        return [{**asked, "layer": 1, "pruned": float("nan")}]
    return [
        {**asked, "layer": number, "pruned": 1 - layer["kept"] / layer["channels"]}
        for number, layer in enumerate(prune["layers"], start=1)
    ]
