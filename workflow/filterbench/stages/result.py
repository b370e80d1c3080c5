"""Rule `result`: a cell in the published study's format."""

from filterbench.documents import read, write
from filterbench.documents.types import CellDocument, CountDocument, Measured, ResultDocument
from filterbench.jobs.job import Job

STAGES = ("baseline", "prune", "speedup", "finetune")


def result(job: Job) -> None:
    """Gather the accuracies and counts of a cell's stages."""
    if reason := read(job.inputs["prune"], CellDocument).get("infeasible"):
        write(job.outputs["document"], {"infeasible": reason})
        return
    performance: dict[str, float] = {}
    for stage in STAGES:
        performance |= read(job.inputs[stage], Measured)["performance"]
    counts = read(job.inputs["counts"], CountDocument)
    document: ResultDocument = {
        "performance": performance,
        "params": counts["params"],
        "flops": counts["flops"],
    }
    write(job.outputs["document"], document)
