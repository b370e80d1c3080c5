"""Rule `imported_results`: a user's NNI results of a model as one more study."""

from pathlib import Path

from filterbench.analysis.importing import read_results
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.plotting.comparison import draw_comparison
from filterbench.plotting.saving import save_kinds
from filterbench.results.tables import check_feasible
from filterbench.stages.compare import collection
from filterbench.storage.tables import write_table


def imported(job: Job) -> None:
    """Check the results, and write them as collection, table and figure.

    Raises:
        InputError: a result is faulty, or none is feasible.
    """
    model = job.params["model"]
    source = Path(job.resources["source"])
    results = read_results(source, model)
    check_feasible(results, source)
    table = with_fronts(with_statistics(results))
    write(job.outputs["collection"], collection(table))
    write_table(job.outputs["table"], table)
    title = f"{MODELS[model].label if model in MODELS else model}, imported results"
    save_kinds(draw_comparison(table, title), job.outputs)
