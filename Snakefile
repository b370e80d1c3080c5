"""FilterBench: a comparison of filter pruning algorithms. `config.yaml` says what is compared."""

from snakemake.utils import min_version

min_version("9.0")

# A study file given with --configfile replaces the default study; nothing is inherited.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train_baseline.smk"
include: "workflow/rules/trajectory.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/speedup.smk"
include: "workflow/rules/count.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/validate.smk"


rule all:
    default_target: True
    input:
        FIGURES,
        COMPARISONS,


rule baselines:
    input:
        BASELINES,


rule counts:
    input:
        collect("{cell}/count.json", cell=CELLS),


rule results:
    input:
        collect("{cell}/result.json", cell=CELLS),


rule comparisons:
    input:
        COMPARISONS,


rule figures:
    input:
        FIGURES,
