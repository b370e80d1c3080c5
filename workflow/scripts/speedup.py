"""Script of rule `speedup`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.speedup import speedup

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, speedup)
