import hashlib


# Runs on the submitting host: compute nodes often have no network.
localrules:
    prepare_data,


def images_in_folder(wildcards):
    """Names and sizes of a user's own images, so that a changed folder is read anew."""
    folder = config["dataset"].get("folder")
    if not folder or not DATASETS[config["dataset"]["name"]].own_folder:
        return None
    files = sorted((str(path), path.stat().st_size) for path in Path(folder).rglob("*") if path.is_file())
    return hashlib.sha256(repr(files).encode()).hexdigest()


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
        folder=config["dataset"].get("folder"),
        content=images_in_folder,
        code=rule_digest("prepare_data"),
    script:
        "../scripts/prepare_data.py"
