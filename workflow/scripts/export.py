"""Script of rule `export`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.export import export

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, export)
