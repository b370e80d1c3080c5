"""Script of rule `trajectory`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.trajectory import trajectory

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, trajectory)
