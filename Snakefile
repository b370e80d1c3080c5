"""FilterBench: a comparison of filter pruning algorithms. `config.yaml` says what is compared."""

from pathlib import Path

from snakemake.utils import min_version

# The pinned and tested version; 9.16 cannot read the rules.
min_version("9.27.1")

# The default study: that of the working directory or, where it has none, the one beside this file.
DEFAULT = Path("config.yaml")
if not DEFAULT.exists():
    DEFAULT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)) / DEFAULT

# A study file given with --configfile replaces it; nothing is inherited.
if not workflow.overwrite_configfiles:

    configfile: DEFAULT


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/baseline.smk"
include: "workflow/rules/prune.smk"
include: "workflow/rules/compact.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/measured.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/validate.smk"


rule all:
    default_target: True
    input:
        made_if_reported(
            [
                *expand("{figure}.{kind}", figure=figures(PLAN), kind=KINDS),
                # Named, so that one which is missing is made again below tables that are up to date.
                *PLAN.all_documents,
                *COMPARISONS,
                *rules.verdicts.output,
                *rules.differences.output,
                *(rules.judged_claims.output if PLAN.claims else []),
                *(rules.leads.output if PLAN.leads else []),
                *(rules.ranking.output if PLAN.ranked else []),
            ]
        ),


rule baselines:
    input:
        expand(f"{BASELINE}/baseline.json", study=STUDY, model=config["models"], seed=config["seeds"]),


rule counts:
    input:
        collect("{cell}/count.json", cell=PLAN.cells),


rule latencies:
    input:
        collect("{cell}/latency.json", cell=PLAN.cells),


rule int8:
    input:
        collect("{cell}/int8.json", cell=PLAN.cells),


rule sensitivities:
    input:
        expand("figures/sensitivity_{model}.{kind}", model=config["models"], kind=KINDS),


rule exports:
    input:
        lambda wildcards: collect("{cell}/export.json", cell=exported_or_exit(PLAN)),


rule results:
    input:
        PLAN.all_documents,


rule comparisons:
    input:
        COMPARISONS,


rule figures:
    input:
        expand("{figure}.{kind}", figure=figures(PLAN), kind=KINDS),


rule optimism:
    input:
        expand(rules.optimism_gap.output, model=config["models"]),


rule published:
    input:
        expand("figures/published_{model}.{kind}", model=PUBLISHED_MODELS, kind=KINDS),
        rules.published_verdicts.output,


rule equal_latency:
    input:
        rules.latency_verdicts.output,


rule imported:
    input:
        expand("figures/imported_{model}.{kind}", model=IMPORTS.sources, kind=KINDS),
        rules.imported_verdicts.output,
