"""Script of rule `compare_latency`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.compare_latency import compare_latency

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, compare_latency)
