"""Script of rule `verdicts`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.verdicts import write_verdicts

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, write_verdicts)
