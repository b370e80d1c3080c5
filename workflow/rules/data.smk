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
    params:
        name=config["dataset"]["name"],
        folder=config["dataset"].get("folder"),
        content=PLAN.folder_content,
        stage="stages.prepare_data",
        code=code_of("prepare_data"),
    script:
        "../scripts/stage.py"
