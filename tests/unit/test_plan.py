"""What the rules of a study get from its configuration."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from filterbench.analysis.published_tables import published_names
from filterbench.domain.targets import Target
from filterbench.orchestration.plan import Plan, group_of
from filterbench.orchestration.resources import more_each_time, prune_minutes
from filterbench.study.cells import Cell
from filterbench.study.inputs import searched_inputs
from filterbench.study.paths import baseline_folder, cell_at, cell_folder, trajectory_document


class Wildcards(SimpleNamespace):
    """As Snakemake's: attributes, also as keyword arguments, and `get` with a default."""

    def keys(self):
        return vars(self).keys()

    def __getitem__(self, name):
        return getattr(self, name)

    def get(self, name, default=None):
        return getattr(self, name, default)


def of_cell(pruner: str, target: str, **more) -> Wildcards:
    return Wildcards(study="default", model="vgg16", seed="0", pruner=pruner, target=target, **more)


@pytest.fixture
def plan(default_config) -> Plan:
    return Plan(default_config)


def test_a_cell_is_what_its_path_says(plan):
    assert plan.cell(of_cell("L1FilterPruner", "0.5")) == {
        "study": "default",
        "dataset": "digits",
        "protocol": "validation",
        "model": "vgg16",
        "width": 0.125,
        "seed": 0,
        "pruner": "L1FilterPruner",
        "sparsity": 0.5,
    }
    budget = plan.cell(of_cell("L1FilterPruner", "flops-0.5"))
    assert budget["flops"] == 0.5
    assert "sparsity" not in budget


def test_the_twin_has_the_same_cells_under_the_other_protocol(plan):
    assert plan.protocols == {"default": "validation", "default-test": "test"}
    twin = plan.folders("default-test")
    assert [folder.replace("default-test", "default") for folder in twin] == plan.cells
    assert plan.cell(of_cell("FPGMPruner", "0.5"))["protocol"] == "validation"
    twins = Wildcards(study="default-test", model="vgg16", seed="0")
    assert plan.baseline_cell(twins)["protocol"] == "test"


def test_a_models_cells_are_its_own(plan):
    cells = plan.cells_of("resnet18")
    assert cells
    assert all(cell.startswith("results/default/resnet18/seed-") for cell in cells)
    assert sum(len(plan.cells_of(model)) for model in plan.config["models"]) == len(plan.cells)
    plan.config["seeds"] = [3, 0]
    first = plan.first_seed_cells(Wildcards(model="resnet18"))
    assert 3 * len(first) == len(cells)
    assert all("/seed-3/" in cell for cell in first)


def test_only_net_adapt_takes_its_net_from_a_search_path(plan):
    assert plan.trajectory_of(of_cell("L1FilterPruner", "0.5")) == {}
    folder = "results/default/vgg16/seed-0/NetAdaptPruner"
    found = plan.trajectory_of(of_cell("NetAdaptPruner", "0.5"))
    assert found["trajectory"] == f"{folder}/sparsity/trajectory.json"
    found = plan.trajectory_of(of_cell("NetAdaptPruner", "flops-0.5"))
    assert found["snapshots"] == f"{folder}/flops/trajectory.safetensors"


def test_a_matched_control_waits_for_the_searched_cell():
    assert searched_inputs("L1FilterPruner") == {}
    found = searched_inputs("UniformAllocationPruner")
    folder = "results/{study}/{model}/seed-{seed}/SimulatedAnnealingPruner/{target}"
    assert found == {"searched_count": f"{folder}/count.json", "searched_prune": f"{folder}/prune.json"}


def test_a_latency_table_is_asked_for_by_latency_budgets_alone(plan):
    table = {"latency_table": "results/{study}/{model}/latency_table.json"}
    assert plan.latency_table_of(of_cell("L1FilterPruner", "latency-0.5")) == table
    assert plan.latency_table_of(Wildcards(kind="latency")) == table
    assert plan.latency_table_of(of_cell("L1FilterPruner", "flops-0.5")) == {}


def test_a_path_is_read_as_it_was_formed():
    cell = Cell("vgg16", "NetAdaptPruner", Target("flops", 0.5), 3)
    folder = cell_folder("mine", cell)
    assert cell_at(folder) == cell_at(f"docs/somewhere/{folder}") == ("mine", cell)
    for other in (
        "results/mine/vgg16",
        f"{folder}/prune.json",
        "results/mine/vgg16/seed-x/L1FilterPruner/0.5",
        "results/mine/vgg16/seed-3/NetAdaptPruner/flops",
    ):
        with pytest.raises(ValueError, match="not the folder of a cell"):
            cell_at(other)
    start = Path("results/mine/vgg16/seed-3")
    assert baseline_folder(Path(folder)) == start / "baseline"
    assert trajectory_document(Path(folder)) == start / "NetAdaptPruner/flops/trajectory.json"


def test_a_job_that_is_tried_again_gets_more():
    assert [more_each_time(6000)(None, attempt) for attempt in (1, 2)] == [6000, 12000]
    quick, long = (prune_minutes(of_cell(name, "0.5"), 1) for name in ("L1FilterPruner", "NetAdaptPruner"))
    assert quick < long


def test_what_searches_has_an_allocation_of_its_own():
    groups = {name: group_of(name) for name in ("L1FilterPruner", "NetAdaptPruner", "AutoCompressPruner")}
    assert groups == {"L1FilterPruner": "cell", "NetAdaptPruner": "cell", "AutoCompressPruner": None}
    assert group_of("UniformAllocationPruner") is None


def test_the_published_study_names_its_models_and_pruners():
    assert published_names("model") == ("vgg16", "resnet18", "resnet50")
    assert len(published_names("pruner")) == 6
