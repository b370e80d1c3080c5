"""Script of rule `optimism`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.optimism import write_optimism

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, write_optimism)
