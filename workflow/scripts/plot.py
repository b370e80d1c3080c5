"""Script of rule `plot`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.plot import plot

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, plot)
