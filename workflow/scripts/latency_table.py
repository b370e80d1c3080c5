"""Script of rule `latency_table`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.latency_table import latency_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, latency_table)
