"""Script of rule `finetune`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.finetune import finetune

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, finetune)
