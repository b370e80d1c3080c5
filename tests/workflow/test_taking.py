"""A user takes a net away: a script of theirs, in a folder of its own, with the package installed."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from checkout import REPOSITORY, Checkout

from filterbench.documents import parse

CELL = "results/smoke/vgg16/seed-0/L1FilterPruner/0.5"
SCRIPT = """
import json
import sys

import filterbench
import numpy as np
import torch

assert filterbench.__file__.startswith(sys.argv[1]), filterbench.__file__
net = filterbench.load("net.safetensors")
with np.load("digits.npz") as data:
    chosen = data["test"][:100]
    pixels, labels = torch.from_numpy(data["images"][chosen]), torch.from_numpy(data["labels"][chosen])
images = net.preprocess(pixels)
with torch.no_grad():
    found = net(images).argmax(1)
    archive = torch.export.load("net.pt2").module()
    same = torch.allclose(archive(images), net(images), atol=1e-4)
correct = int((found == labels).sum())
before = torch.nn.functional.cross_entropy(net(images), labels)
optimizer = torch.optim.SGD(net.train().parameters(), lr=0.01)
for _ in range(5):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
after = torch.nn.functional.cross_entropy(net(images), labels)
exported = torch.export.export(net.eval(), (images,)).module()
print(json.dumps({
    "accuracy": correct / len(labels),
    "classes": net.classes,
    "metadata": net.metadata,
    "same": same,
    "learned": after.item() < before.item(),
    "exported": torch.allclose(exported(images), net(images), atol=1e-4),
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the installed package; built from a copy, in which the build leaves its files."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(REPOSITORY / "workflow/filterbench", source / "workflow/filterbench", ignore=ignored)
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", target, source], check=True)
    return target


def test_a_users_script_loads_the_net_of_a_study_predicts_trains_on_and_exports(
    finished, installed, tmp_path
):
    study = finished.copy(tmp_path / "study")
    run = study.snakemake(f"{CELL}/export.json")
    assert run.returncode == 0, run.stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    cell = study.folder / CELL
    shutil.copy(cell / "finetune.safetensors", empty / "net.safetensors")
    shutil.copy(cell / "net.pt2", empty)
    shutil.copy(study.folder / "data/digits.npz", empty)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    script = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(installed)],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert script.returncode == 0, script.stderr
    said = json.loads(script.stdout)
    result, count = parse(cell / "result.json"), parse(cell / "count.json")
    assert said["accuracy"] == said["metadata"]["accuracy"] == result["performance"]["finetuned"]
    assert said["metadata"]["params"] == count["params"]["speedup"]
    assert said["metadata"]["flops"] == count["flops"]["speedup"]
    assert said["classes"] == parse(cell / "export.json")["classes"] == list("0123456789")
    assert said["same"] and said["learned"] and said["exported"]
    assert f"| params | {result['params']['original']:,} |" in (cell / "card.md").read_text()


def test_the_installed_package_audits_the_shipped_table(installed, tmp_path):
    command = [sys.executable, "-m", "filterbench.command.main", "audit", "literature"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr
    assert run.returncode == len(parse(tmp_path / "results/audit/literature/audit.json")["findings"]) > 0


def test_exports_are_those_of_all_cells_or_of_the_front(finished: Checkout, tmp_path):
    every = finished.planned("exports")["export"]
    study = finished.copy(tmp_path)
    run = study.snakemake("--dry-run", "exports", "--config", "exports=front")
    assert run.returncode == 0, run.stdout
    assert 0 < run.stdout.count("rule export:") < every
    shutil.rmtree(study.folder / "results/smoke/vgg16")
    run = study.snakemake("--dry-run", "exports", "--config", "exports=front")
    assert "error: exports: front: there is no results/smoke/vgg16/comparison.csv" in run.stdout
    assert "Traceback" not in run.stdout
