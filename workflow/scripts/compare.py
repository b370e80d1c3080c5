"""Script of rule `compare`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.compare import compare

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, compare)
