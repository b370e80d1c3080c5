"""Script of rule `plot_search`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.plot_search import plot_search

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, plot_search)
