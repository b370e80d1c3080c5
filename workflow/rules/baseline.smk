# Runs on the submitting host: compute nodes often have no network.
localrules:
    prepare_data,


rule prepare_data:
    """All images of a dataset in one file, with a fixed split and a checksum."""
    output:
        images="data/{dataset}.npz",
    log:
        "logs/prepare_data/{dataset}.log",
    wildcard_constraints:
        dataset=re.escape(Path(PLAN.images).stem),
    conda:
        ENVIRONMENT
    resources:
        # No param: what the folder holds decides, not where it lies.
        folder=lambda wildcards: config["dataset"].get("folder") or "",
    params:
        **stage("prepare_data"),
        name=config["dataset"]["name"],
        content=PLAN.folder_content,
        image_size=PLAN.image_size,
    script:
        "../scripts/stage.py"


rule train_baseline:
    """The unpruned net of a model and seed."""
    input:
        images=PLAN.images,
    output:
        weights=f"{BASELINE}/model.safetensors",
        document=f"{BASELINE}/baseline.json",
    log:
        "logs/{study}/{model}/seed-{seed}/baseline/baseline.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(240),
        gpu=GPU,
        # No param: what the file holds decides, not where it lies.
        own_weights=PLAN.own_weights,
        # No param: it refuses images, and changes no number.
        max_copies=str(PLAN.max_copies),
    params:
        **stage("train_baseline"),
        cell=PLAN.baseline_cell,
        own_weights=PLAN.own_weights_digest,
        limits=PLAN.limits,
        device=device,
        training=PLAN.training("baseline"),
    script:
        "../scripts/stage.py"


rule train_sparse:
    """The unpruned net, trained on with a penalty on its filters; one for all cells that ask for the same."""
    input:
        **INPUTS["sparse"],
        images=PLAN.images,
    output:
        weights=f"{SPARSE}/sparse.safetensors",
        document=f"{SPARSE}/sparse.json",
    log:
        "logs/{study}/{model}/seed-{seed}/sparse/{sparse}/sparse.log",
    wildcard_constraints:
        sparse=any_of(PLAN.sparse or ["none"]),
    # Several cells wait for it.
    priority: 1
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(240),
        gpu=GPU,
    params:
        **stage("train_sparse"),
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=device,
        training=PLAN.sparse_settings,
    script:
        "../scripts/stage.py"


rule sensitivity:
    """The accuracy of the unpruned net with each group of convolutions pruned alone; on request."""
    input:
        **INPUTS["sensitivity"],
        images=PLAN.images,
    output:
        document=f"{BASELINE}/sensitivity.json",
    log:
        "logs/{study}/{model}/seed-{seed}/baseline/sensitivity.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(240),
        gpu=GPU,
    params:
        **stage("sensitivity"),
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=device,
        sensitivity=PLAN.sensitivity,
    script:
        "../scripts/stage.py"
