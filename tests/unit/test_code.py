"""Digests of a copy of the package, in a process of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
# The forecast runs whenever it is asked for: nothing goes by its code.
STAGES = [
    path.stem for path in sorted((WORKFLOW / "filterbench/stages").glob("[a-z]*.py")) if path.stem != "cost"
]
SEARCHING = {
    "SimulatedAnnealingPruner",
    "TunedAnnealingPruner",
    "AutoCompressPruner",
    "RandomAllocationPruner",
}
# Every stage for a cell of ResNet18 and CIFAR-10, pruning by each pruner; a few of others too.
RUN = """
import json
from filterbench.pruners.registry import PRUNERS
from filterbench.orchestration.code import rule_digest
found = {}
for stage in STAGES:
    for pruner in PRUNERS if stage == "prune" else ["L1FilterPruner"]:
        found[f"{stage} {pruner}"] = rule_digest(stage, model="resnet18", dataset="cifar10", pruner=pruner)
for model in ("vgg16", "resnet50"):
    found[f"train_baseline {model}"] = rule_digest("train_baseline", model=model, dataset="digits")
for penalty in ("bn-scales", "growing"):
    uses = {"model": "vgg16", "dataset": "digits", "penalty": penalty}
    found[f"train_sparse {penalty}"] = rule_digest("train_sparse", **uses)
found["prepare_data digits"] = rule_digest("prepare_data", dataset="digits")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def untouched() -> dict[str, str]:
    return digests(WORKFLOW)


@pytest.fixture
def package(tmp_path) -> Path:
    shutil.copytree(WORKFLOW, tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return tmp_path / "workflow"


def digests(package: Path) -> dict[str, str]:
    code = f"STAGES = {STAGES!r}\n{RUN}"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=package, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def edit(package: Path, module: str, old: str, new: str) -> None:
    path = package / "filterbench" / module
    assert old in path.read_text(), f"{module} does not hold {old!r}"
    path.write_text(path.read_text().replace(old, new, 1))


NO_NUMBER = {
    "a new pruner": (
        "pruners/registry.py",
        "PRUNERS: dict[str, PrunerEntry] = {",
        'PRUNERS: dict[str, PrunerEntry] = {"New": PrunerEntry("me", "filterbench.pruners.one_shot:FPGM"),',
    ),
    "a new model": (
        "models/registry.py",
        '    "vgg19": ModelEntry(',
        '    "new": ModelEntry("New", 64, "me", "filterbench.models.vgg:vgg19"),\n    "vgg19": ModelEntry(',
    ),
    "a new dataset": (
        "data/registry.py",
        "DATASETS: dict[str, DatasetEntry] = {",
        'DATASETS: dict[str, DatasetEntry] = {"new": DatasetEntry("New", "me", "a.b:c"),',
    ),
    "a new penalty": (
        "training/penalties.py",
        "PENALTIES: dict[str, Penalty] = {",
        'PENALTIES: dict[str, Penalty] = {"new": growing,',
    ),
    "a new style": (
        "plotting/style.py",
        '    "L2FilterPruner": Style(',
        '    "NewPruner": Style("#000000", "o", "New"),\n    "L2FilterPruner": Style(',
    ),
    "a reworded error": ("training/loop.py", "the training diverged", "the training went astray"),
    "a reworded refusal": ("documents/checking.py", "not a JSON document", "no JSON document"),
    "a reworded rule": ("documents/rules.py", "is above the original's", "is more than the original's"),
    "a reworded progress line": ("training/loop.py", "selection accuracy %.2f", "accuracy %.2f"),
    "a changed docstring": ("training/loop.py", "Train a net in place", "Train a network in place"),
    "a reworded argument": ("pruners/arguments.py", "Ranks the filters", "Sorts the filters"),
    "a comment": ("storage/errors.py", "class", "# A comment.\n\n\nclass"),
    "a type": ("training/loop.py", "seed: int,", "seed: float,"),
    "another lock": ("storage/files.py", ".snakemake/running", ".snakemake/at-work"),
}


def test_what_changes_no_number_changes_no_digest(package, untouched):
    """All of it at once: each change alone takes as long."""
    for change in NO_NUMBER.values():
        edit(package, *change)
    shutil.copy(package / "filterbench/stages/count.py", package / "filterbench/stages/a_new_stage.py")
    after = digests(package)
    assert {name: after[name] for name in untouched} == untouched


NUMBERS = {
    "one_shot": (
        ("pruners/one_shot.py", "dependency_aware=self.dependency_aware", "dependency_aware=True"),
        {"prune": {"L1FilterPruner", "L2FilterPruner", "FPGMPruner"}},
    ),
    "annealing": (
        ("pruners/search/annealing.py", "magnitude /= 2", "magnitude /= 3"),
        {"prune": SEARCHING - {"RandomAllocationPruner"}},
    ),
    "resnet": (("models/resnet.py", "nn.ReLU(), conv_norm(planes", "nn.ReLU6(), conv_norm(planes"), {}),
    "CIFAR loader": (("data/cifar.py", "transpose(0, 3, 1, 2)", "transpose(0, 3, 2, 1)"), {}),
    "a penalty": (
        ("training/penalties.py", "layer.weight.sign()", "layer.weight"),
        {"train_sparse": {"bn-scales"}},
    ),
    "schedule": (("training/schedules.py", "gamma=0.1", "gamma=0.2"), {}),
    "counting": (("costs/counting.py", '"full"', '"default"'), {"count": {"L1FilterPruner"}}),
}


@pytest.mark.parametrize("change", NUMBERS)
def test_a_changed_line_changes_the_digests_of_what_runs_it(change, package, untouched):
    (path, old, new), expected = NUMBERS[change]
    edit(package, path, old, new)
    after = digests(package)
    changed = {name for name in untouched if after[name] != untouched[name]}
    stages = {name.split()[0] for name in changed}
    if expected:
        assert changed == {f"{stage} {pruner}" for stage, found in expected.items() for pruner in found}
    elif change == "resnet":
        assert "train_baseline resnet50" in changed
        assert "train_baseline vgg16" not in changed
        assert stages >= {"train_baseline", "prune", "speedup", "count", "finetune", "scratch", "latency"}
        assert not stages & {"prepare_data", "result", "compare", "plot", "verdicts"}
    elif change == "CIFAR loader":
        assert stages == {"prepare_data"}
        assert "prepare_data digits" not in changed
    else:
        assert stages == {"train_baseline", "train_sparse", "finetune", "equal_training", "scratch"}
