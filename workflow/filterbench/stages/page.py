"""Rule `page`: one HTML file in which a reader explores the study."""

from pathlib import Path

from filterbench.analysis.published import claims_by_model, published_cells
from filterbench.data.registry import DATASETS
from filterbench.documents import parse
from filterbench.jobs.job import Job
from filterbench.page.page import page as page_of
from filterbench.pruners.registry import controls
from filterbench.storage.files import write_text
from filterbench.storage.tables import read_table


def page(job: Job) -> None:
    """Put the tables of all models on one page."""
    tables = {Path(path).parent.name: read_table(path) for path in job.params["tables"]}
    study, dataset = job.params["study"], job.params["dataset"]
    published = job.params["published"]
    text = page_of(
        study,
        f"Filter pruners compared on {DATASETS[dataset].label}: study {study}",
        tables,
        verdicts=parse(job.inputs["verdicts"]),
        others={model: {"published": published_cells(model)} for model in tables} if published else {},
        claims=claims_by_model(published, job.resources["claims"], dataset, tables),
        controls=controls(),
    )
    write_text(job.outputs["page"], text)
