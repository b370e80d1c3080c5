localrules:
    figure,
    plot,
    plot_search,
    plot_leads,
    plot_ranking,
    plot_sensitivity,


FROM_COMPARISON = "performance_comparison|accuracy_against_cost|equal_training|accuracy_against_training"


rule figure:
    """A copy of the configured study's figure in the folder figures/."""
    input:
        **vector(f"results/{STUDY}/figures/{{name}}"),
        png=f"results/{STUDY}/figures/{{name}}.png",
    output:
        **vector("figures/{name}"),
        png="figures/{name}.png",
    log:
        f"logs/{STUDY}/figures/{{name}}.log",
    wildcard_constraints:
        name=f"({any_of(FIGURES)})_.+|{RANKING}",
    conda:
        ENVIRONMENT
    shell:
        "(cp {input.png} {output.png} && cp {input.svg} {output.svg} && cp {input.pdf} {output.pdf}) 2> {log}"


rule plot:
    """Accuracy of all pruners on a model: against params and FLOPs or, on request, against cost."""
    input:
        # The user's imported NNI results, which the comparison shows too.
        unpack(
            lambda wildcards: (
                {"imported": f"{IMPORTED}/{wildcards.model}/comparison.csv"}
                if wildcards.figure == "performance_comparison" and wildcards.model in IMPORTS.sources
                else {}
            )
        ),
        table=f"results/{STUDY}/{{model}}/comparison.csv",
    output:
        **vector(f"results/{STUDY}/figures/{{figure}}_{{model}}"),
        png=report(
            f"results/{STUDY}/figures/{{figure}}_{{model}}.png",
            caption="../report/plot.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "{figure}"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/plot_{{figure}}.log",
    wildcard_constraints:
        figure=FROM_COMPARISON,
    conda:
        ENVIRONMENT
    resources:
        claims=PLAN.claims,
    params:
        **table_stage("plot"),
        figure="{figure}",
    script:
        "../scripts/stage.py"


rule plot_leads:
    """A model's leads over uniform nets: along the training budgets, and taken apart."""
    input:
        table=rules.leads.output.table,
    output:
        **vector(f"results/{STUDY}/figures/leads_{{model}}"),
        png=report(
            f"results/{STUDY}/figures/leads_{{model}}.png",
            caption="../report/leads.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "leads"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/plot_leads.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("plot_leads"),
    script:
        "../scripts/stage.py"


rule plot_ranking:
    """The study's pruners in order of accuracy under its budgets."""
    input:
        table=rules.ranking.output.table,
    output:
        **vector(f"results/{STUDY}/figures/ranking"),
        png=report(
            f"results/{STUDY}/figures/ranking.png",
            caption="../report/ranking.rst",
            category="Figures",
            labels={"model": "all", "figure": "ranking"},
        ),
    log:
        f"logs/{STUDY}/plot_ranking.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("plot_ranking"),
    script:
        "../scripts/stage.py"


rule plot_search:
    """What each pruner takes from each layer, and how the searches scored."""
    input:
        lambda wildcards: collect(
            "{cell}/{file}", cell=PLAN.first_seed_cells(wildcards), file=["prune.json", "search.csv"]
        ),
    output:
        **vector(f"results/{STUDY}/figures/layer_sparsities_{{model}}", "layers_"),
        **vector(f"results/{STUDY}/figures/search_scores_{{model}}", "scores_"),
        layers_png=report(
            f"results/{STUDY}/figures/layer_sparsities_{{model}}.png",
            caption="../report/layer_sparsities.rst",
            category="Searches",
            labels={"model": "{model}", "figure": "layers"},
        ),
        scores_png=report(
            f"results/{STUDY}/figures/search_scores_{{model}}.png",
            caption="../report/search_scores.rst",
            category="Searches",
            labels={"model": "{model}", "figure": "scores"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/plot_search.log",
    conda:
        ENVIRONMENT
    params:
        **stage("plot_search"),
        model="{model}",
        study=STUDY,
        seed=config["seeds"][0],
        titled="title" not in config,
        cells=lambda wildcards: list(map(there, PLAN.first_seed_cells(wildcards))),
    script:
        "../scripts/stage.py"


rule plot_sensitivity:
    """What pruning each group of a model's convolutions alone costs, as a table and a figure; on request."""
    input:
        lambda wildcards: expand(f"{BASELINE}/sensitivity.json", seed=config["seeds"], **wildcards),
    output:
        **vector(f"results/{{study}}/figures/sensitivity_{{model}}"),
        table=f"{MODEL_FOLDER}/sensitivity.csv",
        png=report(
            f"results/{{study}}/figures/sensitivity_{{model}}.png",
            caption="../report/sensitivity.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "sensitivity"},
        ),
    log:
        f"logs/{{study}}/{{model}}/plot_sensitivity.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("plot_sensitivity"),
    script:
        "../scripts/stage.py"
