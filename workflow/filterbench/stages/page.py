"""Rule `page`: one HTML file in which a reader explores the study."""

from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.published import PAPER_TABLE, published_cells
from filterbench.analysis.reported import placed, read_claims
from filterbench.data.registry import DATASETS
from filterbench.documents import parse
from filterbench.page.page import page as page_of
from filterbench.pruners.registry import PRUNERS
from filterbench.running.job import Job
from filterbench.storage.files import write_text


def page(job: Job) -> None:
    """Put the tables of all models on one page."""
    tables = {Path(path).parent.name: pd.read_csv(path) for path in job.params["tables"]}
    study, dataset = job.params["study"], job.params["dataset"]
    published = job.params["published"]
    files = [PAPER_TABLE] if published else []
    files += [Path(job.resources["claims"])] if job.resources.get("claims") else []
    claims = [read_claims(path) for path in files]
    text = page_of(
        study,
        f"Filter pruners compared on {DATASETS[dataset].label}: study {study}",
        tables,
        verdicts=parse(job.inputs["verdicts"]),
        others={model: {"published": published_cells(model)} for model in tables} if published else {},
        claims={
            model: placed(pd.concat(claims, ignore_index=True), model, dataset, as_curves(table))
            for model, table in tables.items()
            if claims
        },
        controls=[name for name, entry in PRUNERS.items() if entry.control],
    )
    write_text(job.outputs["page"], text)
