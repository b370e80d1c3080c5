from filterbench.domain.targets import SPARSITY
from filterbench.orchestration.plan import group_of


rule latency_table:
    """How long the layers of a model take on this machine, by their channels; for budgets of latency."""
    input:
        images=PLAN.images,
    output:
        document=LATENCY_TABLE,
    log:
        "logs/{study}/{model}/latency_table.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(240),
        gpu=GPU,
    params:
        **stage("latency_table"),
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=device,
        measurement=PLAN.latency_table,
    script:
        "../scripts/stage.py"


rule trajectory:
    """One search path that serves all targets of a kind; it continues from what an earlier job left."""
    input:
        unpack(PLAN.latency_table_of),
        unpack(PLAN.inputs("trajectory")),
        images=PLAN.images,
    output:
        weights=update(f"{TRAJECTORY}.safetensors"),
        document=update(f"{TRAJECTORY}.json"),
        search=update(f"{TRAJECTORY}.csv"),
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{kind}/trajectory.log",
    wildcard_constraints:
        pruner=any_of([name for name in config["pruners"] if PRUNERS[name].search == "path"] or ["none"]),
        kind=any_of((SPARSITY, *config.get("budgets", {}))),
    # Several cells wait for it.
    priority: 1
    conda:
        ENVIRONMENT
    threads: workers
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(1440),
        gpu=GPU,
    params:
        **stage("trajectory"),
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=device,
        arguments=PLAN.pruner_arguments,
        search=PLAN.search_settings,
        kind="{kind}",
        targets=PLAN.trajectory_targets,
    script:
        "../scripts/stage.py"


rule prune:
    """Channel masks of a cell, and the masked net."""
    input:
        # Ancient: a search path that went on to other targets leaves the finished cells as they are.
        unpack(
            lambda wildcards: {name: ancient(path) for name, path in PLAN.trajectory_of(wildcards).items()}
        ),
        unpack(lambda wildcards: searched_inputs(wildcards.pruner)),
        unpack(PLAN.latency_table_of),
        unpack(PLAN.inputs("prune")),
        images=PLAN.images,
    output:
        weights=f"{CELL}/prune.safetensors",
        document=f"{CELL}/prune.json",
        search=f"{CELL}/search.csv",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/prune.log",
    group:
        lambda wildcards: group_of(wildcards.pruner)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=prune_minutes,
        gpu=GPU,
    params:
        **stage("prune"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
        arguments=PLAN.pruner_arguments,
        search=PLAN.search_settings,
        round_channels=PLAN.round_channels,
    script:
        "../scripts/stage.py"
