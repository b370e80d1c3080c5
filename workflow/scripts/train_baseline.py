"""Script of rule `train_baseline`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.train_baseline import train_baseline

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, train_baseline)
