"""Script of rule `published`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.published import published

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, published)
