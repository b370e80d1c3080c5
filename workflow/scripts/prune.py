"""Script of rule `prune`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.prune import prune

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, prune)
