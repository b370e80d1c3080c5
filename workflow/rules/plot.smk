localrules:
    plot,


rule plot:
    """Accuracy against params and FLOPs of all pruners on a model."""
    input:
        table=f"results/{STUDY}/{{model}}/comparison.csv",
    output:
        png=report(
            "figures/performance_comparison_{model}.png",
            caption="../report/performance_comparison.rst",
            category="Figures",
            labels={"model": "{model}", "format": "PNG"},
        ),
        svg="figures/performance_comparison_{model}.svg",
    log:
        f"logs/{STUDY}/{{model}}/plot.log",
    conda:
        ENVIRONMENT
    params:
        model="{model}",
        dataset=config["dataset"]["name"],
        code=rule_digest("plot"),
    script:
        "../scripts/plot.py"
