"""Script of every rule: runs the stage that the rule's params name."""

from typing import TYPE_CHECKING

from filterbench.jobs import job

if TYPE_CHECKING:
    from snakemake.script import snakemake

job.run(snakemake)
