"""Script of rule `latency`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.latency import latency

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, latency)
