"""Script of rule `reproduction`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.reproduction import reproduction

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, reproduction)
