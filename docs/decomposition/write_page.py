"""Writes this folder's README.md and figures, and what the repository's README says was found.

    PYTHONPATH=workflow python docs/decomposition/write_page.py

Sentences stand in `page.md.jinja` and `findings.md.jinja`. Numbers come from the kept tables: of the study
in `results/`, of each study of studies/attacks in `attacks/`; `hours.csv` has what was noted by hand. The
tables of leads are written to `results/`, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from attack_numbers import CHANGES, Attacks
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from study_numbers import Study

from filterbench.analysis.leads import ALLOCATION, EQUAL_BILL, EQUAL_FLOPS, INHERITANCE, LEAD, PARTS, TRAINED
from filterbench.analysis.leads_page import leads_page
from filterbench.analysis.wording import counted, listed
from filterbench.documents import write
from filterbench.domain.names import short
from filterbench.plotting.leads import draw_leads
from filterbench.plotting.saving import save_figure
from filterbench.storage.files import write_text
from filterbench.storage.tables import write_table

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RESULTS = {
    "decomposition": HERE / "results",
    "decomposition_wide": HERE.with_name("decomposition_wide") / "results",
}
README = REPOSITORY / "README.md"
# Components of a lead, under the templates' names.
COMPONENTS = {
    "lead": LEAD,
    "allocation": ALLOCATION,
    "inheritance": INHERITANCE,
    "trained": TRAINED,
    "equal_flops": EQUAL_FLOPS,
    "equal_bill": EQUAL_BILL,
}
FINDINGS = re.compile(r"(<!-- findings -->\n).*?(<!-- end of findings -->\n)", re.DOTALL)


def studies() -> dict[str, Study]:
    """By name, the study and the same questions on a wider net."""
    return {name: Study(REPOSITORY / f"studies/{name}.yaml", results) for name, results in RESULTS.items()}


def rendered(template: str, found: Mapping[str, Study]) -> str:
    """A template of this folder with the studies' numbers."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    study = found["decomposition"]
    return environment.get_template(template).render(
        study=study,
        wide=found["decomposition_wide"],
        attacks=Attacks(study, HERE / "attacks"),
        hours=pd.read_csv(HERE / "hours.csv"),
        short=short,
        listed=listed,
        counted=counted,
        changes=CHANGES,
        parts=PARTS,
        **COMPONENTS,
    )


def page(found: Mapping[str, Study]) -> str:
    """This folder's README.md."""
    return rendered("page.md.jinja", found)


def readme(found: Mapping[str, Study]) -> str:
    """The repository's README.md with what was found."""
    text = README.read_text(encoding="utf-8")
    return FINDINGS.sub(lambda old: f"{old[1]}{rendered('findings.md.jinja', found)}{old[2]}", text)


def main() -> None:
    """Write everything."""
    found = studies()
    for name, study in found.items():
        write(RESULTS[name] / "leads.json", study.document)
        write_table(RESULTS[name] / "leads.csv", study.leads)
        write_text(RESULTS[name] / "leads.md", leads_page(study.document))
    study = found["decomposition"]
    for model, label in study.models.items():
        width = study.config["models"][model]["width"]
        rows = study.leads[study.leads["model"] == model]
        figure = draw_leads(rows, f"{label} (width {width}) on Fashion-MNIST")
        save_figure(figure, HERE / f"figures/leads_{model}.png")
    write_text(HERE / "README.md", page(found))
    write_text(README, readme(found))


if __name__ == "__main__":
    main()
