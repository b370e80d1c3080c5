"""Script of rule `validate`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.validate import validate

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, validate)
