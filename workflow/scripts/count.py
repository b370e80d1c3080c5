"""Script of rule `count`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.count import count

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, count)
