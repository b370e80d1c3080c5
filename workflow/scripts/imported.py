"""Script of rule `imported_results`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.imported import imported

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, imported)
