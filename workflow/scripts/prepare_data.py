"""Script of rule `prepare_data`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.prepare_data import prepare_data

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, prepare_data)
