"""Script of rule `scratch`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.scratch import scratch

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, scratch)
