# Settings of the fine-tuning that are tried for each net.
TUNING = config["finetune"].get("tuning", {})


rule finetune:
    """The compact net of a cell, trained on."""
    input:
        unpack(PLAN.teacher),
        **INPUTS["finetune"],
        images=PLAN.images,
    output:
        weights=f"{CELL}/finetune.safetensors",
        document=f"{CELL}/finetune.json",
        correct=f"{CELL}/finetune.correct",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/finetune.log",
    group:
        "cell"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(240),
        gpu=GPU,
    params:
        **stage("finetune"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
        training=PLAN.training("finetune"),
        tuning=TUNING,
    script:
        "../scripts/stage.py"


use rule finetune as finetune_unpruned with:
    input:
        unpack(PLAN.teacher),
        **INPUTS["baseline-finetune"],
        images=PLAN.images,
    output:
        weights=f"{BASELINE}/baseline-finetune.safetensors",
        document=f"{BASELINE}/baseline-finetune.json",
    log:
        "logs/{study}/{model}/seed-{seed}/baseline/baseline-finetune.log",
    params:
        **stage("finetune"),
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=device,
        training=PLAN.training("finetune"),
        tuning=TUNING,


use rule finetune as finetune_longer with:
    output:
        weights=f"{CELL}/finetune-{{epochs}}.safetensors",
        document=f"{CELL}/finetune-{{epochs}}.json",
        correct=f"{CELL}/finetune-{{epochs}}.correct",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/finetune-{epochs}.log",
    wildcard_constraints:
        epochs=any_of(config.get("training_budgets", ["none"])),
    params:
        **stage("finetune"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
        training=PLAN.budget_training,
        tuning=TUNING,


rule equal_training:
    """The compact net of a cell, fine-tuned until all cells of its target have had as much training."""
    input:
        unpack(PLAN.spent_before),
        unpack(PLAN.teacher),
        **INPUTS["equal"],
        images=PLAN.images,
    output:
        weights=f"{CELL}/equal.safetensors",
        document=f"{CELL}/equal.json",
        correct=f"{CELL}/equal.correct",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/equal.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(720),
        gpu=GPU,
    params:
        **stage("equal_training"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
        training=PLAN.training("finetune"),
        tuning=TUNING,
        equal=PLAN.equal_training,
        finetune=PLAN.finetunings,
    script:
        "../scripts/stage.py"


rule scratch:
    """A net of a cell's compact shapes, trained from fresh weights."""
    input:
        unpack(PLAN.spent_before),
        unpack(PLAN.teacher),
        **INPUTS["scratch"],
        images=PLAN.images,
    output:
        weights=f"{CELL}/scratch-{{budget}}.safetensors",
        document=f"{CELL}/scratch-{{budget}}.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/scratch-{budget}.log",
    wildcard_constraints:
        budget=r"finetune|baseline|total|\d+",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(720),
        gpu=GPU,
    params:
        **stage("scratch"),
        cell=PLAN.cell,
        budget="{budget}",
        limits=PLAN.limits,
        device=device,
        training=PLAN.scratch_training,
        equal=PLAN.equal_training,
        finetune=PLAN.finetunings,
    script:
        "../scripts/stage.py"
