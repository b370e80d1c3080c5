from filterbench.documents import SCHEMAS
from filterbench.stages.validate import documents_in


localrules:
    validate,


rule validate:
    """Check every document of the study, also those that a user put there by hand."""
    output:
        document=f"results/{STUDY}/validation.json",
    log:
        f"logs/{STUDY}/validate.log",
    conda:
        ENVIRONMENT
    params:
        study=STUDY,
        folder=lambda wildcards, output: str(Path(output.document).parent),
        documents=lambda wildcards: files_digest(documents_in(Path("results") / STUDY)),
        schemas=files_digest(sorted(SCHEMAS.glob("*.json"))),
        stage="stages.validate",
        code=code_of("validate"),
    script:
        "../scripts/stage.py"
