"""Script of rule `result`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.result import result

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, result)
