"""Script of rule `page`."""

from typing import TYPE_CHECKING

from filterbench import jobs
from filterbench.stages.page import write_page

if TYPE_CHECKING:
    from snakemake.script import snakemake

jobs.run(snakemake, write_page)
