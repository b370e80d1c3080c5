"""Rule `imported_results`: a user's NNI results of a model as one more study."""

from pathlib import Path

from filterbench.analysis.importing import read_results
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.plotting.comparison import draw_comparison
from filterbench.plotting.saving import save_figure
from filterbench.stages.compare import collection
from filterbench.storage.tables import write_table


def imported(job: Job) -> None:
    """Check the results, and write them as collection, table and figure."""
    model = job.params["model"]
    table = with_fronts(with_statistics(read_results(Path(job.resources["source"]), model)))
    write(job.outputs["collection"], collection(table))
    write_table(job.outputs["table"], table)
    title = f"{MODELS[model].label if model in MODELS else model}, imported results"
    save_figure(draw_comparison(table, title), job.outputs["png"], job.outputs["svg"])
