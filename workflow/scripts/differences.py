"""Script of rule `differences`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.differences import write_differences

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, write_differences)
