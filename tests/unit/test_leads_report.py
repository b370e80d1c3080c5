"""Leads as files: document, table, page and figure, and that a changed one is found."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from remaking import assert_changes_are_found
from test_leads import AUTO_COMPRESS, BUDGETS, EXPECTED, FINETUNED, FROM_SCRATCH, cells

from filterbench.analysis.leads import COMPONENTS, PARTS
from filterbench.analysis.leads_document import leads_document, leads_table
from filterbench.analysis.leads_page import leads_page
from filterbench.documents import read
from filterbench.jobs.job import Job
from filterbench.orchestration.figures import figures
from filterbench.orchestration.plan import Plan
from filterbench.orchestration.tables import TableParams
from filterbench.plotting.leads import draw_leads
from filterbench.plotting.style import STYLES
from filterbench.stages.leads import leads as leads_stage
from filterbench.stages.plot_leads import plot_leads
from filterbench.storage.errors import InputError

NAMES = {"document": "leads.json", "table": "leads.csv", "page": "leads.md"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study whose leads are made."""
    folder = tmp_path_factory.mktemp("root") / "results/mine"
    (folder / "vgg16").mkdir(parents=True)
    cells(seeds=4).to_csv(folder / "vgg16/comparison.csv", index=False)
    make(folder)
    return folder


def make(folder):
    params = {"tables": [str(folder / "vgg16/comparison.csv")], "source": "study mine"}
    outputs = {key: folder / name for key, name in NAMES.items()}
    leads_stage(Job({}, outputs, params, resources={"plan": ""}))


def test_the_table_has_a_row_per_pair_target_budget_and_component(study):
    table = pd.read_csv(study / "leads.csv", dtype={"target": str})
    keys = ["model", "pruner", "target", "budget", "component"]
    assert not table.duplicated(keys).any()
    assert len(table) == len(COMPONENTS) * len(BUDGETS) * len(("all", "0.5", "0.9"))
    rows = table[table["target"] == "all"].set_index(["component", "budget"])
    for name, values in EXPECTED.items():
        assert rows.loc[name]["mean"].to_list() == pytest.approx(list(values), abs=1e-4)
    assert rows.loc[("lead", 8), ["images_paid", "images_paid_control"]].to_list() == [14000, 8000]
    assert rows.loc[("lead at equal bill", 8), "epochs_control"] == 14


def test_document_and_page_say_the_same(study):
    document, page = read(study / "leads.json"), (study / "leads.md").read_text()
    for row in document["leads"]:
        if row["target"] == "all":
            assert f"{row['mean']:+.2f}" in page
    assert len(document["crossings"]) == 3
    for crossed in document["crossings"]:
        assert crossed["sentence"] in page


def test_a_number_changed_by_hand_is_found(study):
    plan = SimpleNamespace(
        config={"models": {"vgg16": {}}}, questions="", claims="", questions_digest=lambda: ""
    )
    root = study.parents[1]
    asked = TableParams(plan, "mine", place=lambda path: str(root / path))
    assert_changes_are_found("leads.md", asked, root, ("-3", "-4"))


def test_a_study_without_training_budgets_or_control_is_refused(tmp_path):
    for table in (
        cells({AUTO_COMPRESS: FINETUNED[AUTO_COMPRESS]}),
        cells().filter(regex="^(?!performance_finetuned)"),
    ):
        (tmp_path / "vgg16").mkdir(exist_ok=True)
        table.to_csv(tmp_path / "vgg16/comparison.csv", index=False)
        with pytest.raises(InputError, match="study mine: no lead to take apart; it needs"):
            make(tmp_path)


def test_leads_belong_to_a_whole_run_where_the_study_has_budgets_and_a_control(default_config):
    pruners = {name: {} for name in (AUTO_COMPRESS, "UniformAsAutoCompressPruner")}
    config = default_config | {"models": {"vgg16": {"width": 0.25}}, "pruners": pruners}
    asked = Plan(config | {"training_budgets": [20]})
    assert asked.leads
    assert "figures/leads_vgg16" in figures(asked)
    without = config | {"pruners": {AUTO_COMPRESS: {}}, "training_budgets": [20]}
    for other in (Plan(config), Plan(without)):
        assert not other.leads
        assert "figures/leads_vgg16" not in figures(other)


def test_the_figure_has_the_lead_along_the_budgets_and_its_parts(study, tmp_path):
    table = pd.read_csv(study / "leads.csv")
    along, parts = draw_leads(table, "a title").axes
    color = STYLES[AUTO_COMPRESS].color
    lead, allocation = [line for line in along.get_lines() if line.get_color() == color][:2]
    assert list(lead.get_ydata()) == pytest.approx(list(EXPECTED["lead"]))
    assert (allocation.get_linestyle(), list(allocation.get_ydata())) == ("--", list(EXPECTED["allocation"]))
    heights = [bar.get_height() for bar in parts.patches]
    assert sum(heights) == pytest.approx(sum(EXPECTED["lead"]), abs=1e-3)
    assert len(heights) == len(PARTS) * len(BUDGETS)
    outputs = {kind: tmp_path / f"a.{kind}" for kind in ("png", "svg", "pdf")}
    params = {"model": "vgg16", "dataset": "digits", "study": "mine", "titled": True}
    again = []
    for _ in range(2):
        plot_leads(Job({"table": study / "leads.csv"}, outputs, params))
        again.append([path.read_bytes() for path in outputs.values()])
    assert again[0] == again[1]


def test_the_title_speaks_of_pooling_only_where_there_are_several_targets(study):
    table = pd.read_csv(study / "leads.csv", dtype={"target": str})
    of_one = table[table["target"] != "0.9"]
    of_another = of_one.assign(pruner="NetAdaptPruner", target=of_one["target"].replace("0.5", "0.9"))
    pooled = ", all targets pooled"
    for parts, expected in [
        ([table], pooled),
        ([of_one], ""),
        # Two targets, but of one pruner each.
        ([of_one, of_another], ""),
        ([table, of_another], pooled),
    ]:
        title = draw_leads(pd.concat(parts), "a title").get_suptitle()
        assert title.removesuffix(", 4 seeds").endswith(f"as many parameters{expected}")


def test_a_figure_of_what_is_there_is_drawn_where_controls_are_missing():
    pair = (AUTO_COMPRESS, "UniformAsAutoCompressPruner")
    table = leads_table(leads_document("study x", cells({name: FINETUNED[name] for name in pair}, {})))
    _, parts = draw_leads(table, "a title").axes
    assert not parts.patches
    marks = [line for line in parts.get_lines() if line.get_color() == "black"]
    assert [line.get_ydata()[0] for line in marks[::2]] == pytest.approx(list(EXPECTED["lead"]))
    assert not draw_leads(table[table["model"] == "another"], "a title").axes[1].patches


def test_the_page_says_where_seeds_lack_nets():
    table = cells(seeds=4)
    gone = (table["pruner"] == AUTO_COMPRESS) & (table["sparsity"] == 0.9) & (table["seed"] == 0)
    table.loc[gone, [f"performance_finetuned_{each}" for each in BUDGETS]] = float("nan")
    page = leads_page(leads_document("study x", table))
    lines = {line.split(" | ")[0]: line for line in page.splitlines()}
    assert lines["| 0.9"].count("; 3 of 4 seeds have these nets") == len(BUDGETS)
    assert "seeds have" not in lines["| 0.5"]
    assert lines["| lead"].count("; 3 of 4 seeds have these nets") == len(BUDGETS)


def test_pairs_name_the_targets_that_they_lack():
    table = cells(scratch=FROM_SCRATCH)
    gone = (table["pruner"] == AUTO_COMPRESS) & (table["sparsity"] == 0.9)
    table.loc[gone, [f"performance_finetuned_{each}" for each in BUDGETS]] = float("nan")
    document = json.loads(json.dumps(leads_document("study x", table)))
    (pair,) = document["pairs"]
    assert (pair["targets"], pair["left_out"]) == (["0.5"], ["0.9"])
