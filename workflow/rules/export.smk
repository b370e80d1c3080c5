rule export:
    """The fine-tuned compact net of a cell as an ONNX model; on request."""
    input:
        images=PLAN.images,
        document=f"{CELL}/finetune.json",
        weights=f"{CELL}/finetune.safetensors",
    output:
        model=f"{CELL}/model.onnx",
        document=f"{CELL}/export.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/export.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(30),
        gpu=0,
    params:
        cell=PLAN.cell,
        limits=PLAN.limits,
        device="cpu",
        stage="stages.export",
        code=code_of("export"),
    script:
        "../scripts/stage.py"
