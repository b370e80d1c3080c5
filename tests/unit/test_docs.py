"""The README and the pages of docs/: their links, and that a reader finds every page; the names in stages."""

import re
from pathlib import Path

import pytest
from checkout import REPOSITORY

FRONT = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "config/README.md")]
# What a kept study wrote into its `results` is data, not a page.
PAGES = sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if "results" not in page.parts)
INDEX = REPOSITORY / "docs/README.md"
WORKFLOW = REPOSITORY / "workflow"


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[tuple[Path, str]]:
    """File and anchor of each link and image that does not leave the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    local = [target.partition("#") for target in targets if not re.match(r"[a-z]+:", target)]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in local]


def anchors(page: Path) -> set[str]:
    """Anchors of the page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*FRONT, *PAGES], ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page):
    for target, anchor in links(page):
        assert target.exists(), f"{target} is missing"
        assert not anchor or anchor in anchors(target), f"{target} has no heading #{anchor}"


def test_the_index_leads_to_every_page():
    reached, ahead = set(), [INDEX]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead += {target for target, _ in links(page) if target in PAGES} - reached
    assert reached == set(PAGES)


def test_the_readme_is_short_and_has_the_commands():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 130
    for command in (
        "make demo",
        "make test",
        "snakemake --cores 8 figures/performance_comparison_vgg16.png",
        "snakemake --profile slurm",
        "snakemake --cores 1 validate",
    ):
        assert f"\n    {command}" in text


def test_a_stages_docstring_names_a_rule_that_runs_it():
    rules = "".join(path.read_text(encoding="utf-8") for path in (WORKFLOW / "rules").glob("*.smk"))
    runs = set()
    for block in re.split(r"^(?:use )?rule (?:\w+ as )?", rules, flags=re.MULTILINE)[1:]:
        if found := re.search(r'stage\("(\w+)"\)|stage="stages\.(\w+)"', block):
            runs.add((found[1] or found[2], re.match(r"\w+", block)[0]))
    stages = [path for path in (WORKFLOW / "filterbench/stages").glob("*.py") if path.stem != "__init__"]
    named = {path.stem: re.match(r'"""Rule `(\w+)`: ', path.read_text(encoding="utf-8")) for path in stages}
    assert {(stage, rule and rule[1]) for stage, rule in named.items()} <= runs
