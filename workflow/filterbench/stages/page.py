"""Rule `page`: one HTML file in which a reader explores the study."""

from pathlib import Path

import pandas as pd

from filterbench.analysis.published import published_cells
from filterbench.data.registry import DATASETS
from filterbench.page.page import page as page_of
from filterbench.running.job import Job
from filterbench.storage.files import write_text


def page(job: Job) -> None:
    """Put the tables of all models on one page."""
    tables = {Path(path).parent.name: pd.read_csv(path) for path in job.params["tables"]}
    overlay = {model: published_cells(model) for model in tables} if job.params["published"] else {}
    study, dataset = job.params["study"], DATASETS[job.params["dataset"]].label
    text = page_of(study, f"Filter pruners compared on {dataset}: study {study}", tables, overlay)
    write_text(job.outputs["page"], text)
