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
        dataset=re.escape(Path(IMAGES).stem),
    conda:
        ENVIRONMENT
    params:
        name=config["dataset"]["name"],
        folder=FOLDER,
        content=folder_content,
        stage="prepare_data",
        code=code_of("prepare_data"),
    script:
        "../scripts/stage.py"
