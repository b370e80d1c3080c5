rule speedup:
    """The compact net of a cell, checked against the masked one."""
    input:
        unpack(PLAN.inputs("speedup")),
        images=PLAN.images,
    output:
        weights=PASSING(f"{CELL}/speedup.safetensors"),
        document=f"{CELL}/speedup.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/speedup.log",
    group:
        "cell"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(30),
        gpu=GPU,
    params:
        **stage("speedup"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
    script:
        "../scripts/stage.py"


rule count:
    """Params and multiply-accumulates of a cell, by two counters."""
    input:
        **INPUTS["count"],
    output:
        document=f"{CELL}/count.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/count.log",
    # Soon: `so_far` shows whole cells.
    priority: 1
    group:
        "cell"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(3000),
        runtime=more_each_time(15),
        gpu=0,
    params:
        **stage("count"),
        cell=PLAN.cell,
        device="cpu",
    script:
        "../scripts/stage.py"


rule latency:
    """Wall-clock time of a cell's original and compact net; on request."""
    input:
        **INPUTS["latency"],
        images=PLAN.images,
    output:
        document=f"{CELL}/latency.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/latency.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(60),
        gpu=GPU,
    params:
        **stage("latency"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=device,
        measurement=PLAN.latency,
    script:
        "../scripts/stage.py"


rule export:
    """The fine-tuned compact net of a cell as an ONNX model and as a torch archive, with a card; on request."""
    input:
        **INPUTS["export"],
        images=PLAN.images,
    output:
        model=f"{CELL}/model.onnx",
        archive=f"{CELL}/net.pt2",
        card=f"{CELL}/card.md",
        document=f"{CELL}/export.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/export.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(30),
        gpu=0,
    params:
        **stage("export"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device="cpu",
        pixels=config.get("export_pixels", False),
    script:
        "../scripts/stage.py"


rule quantize:
    """A cell's original and fine-tuned net in int8, beside float32; on request."""
    input:
        **INPUTS["int8"],
        images=PLAN.images,
    output:
        quantised=f"{CELL}/model.int8.onnx",
        document=f"{CELL}/int8.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/int8.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(60),
        gpu=0,
    params:
        **stage("quantize"),
        cell=PLAN.cell,
        limits=PLAN.limits,
        device="cpu",
        measurement=PLAN.int8,
    script:
        "../scripts/stage.py"
