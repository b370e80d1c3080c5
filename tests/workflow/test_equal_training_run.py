"""A study in which all cells get as much training as AutoCompress's."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from checkout import Checkout, made_once

from filterbench.documents import parse
from filterbench.integrity.findings import Report
from filterbench.orchestration.plan import Plan
from filterbench.stages.validate import study_findings
from filterbench.study.paths import MANIFEST, SUMS

pytestmark = pytest.mark.slow

CELL = "results/smoke/vgg16/seed-0/{}/0.5"
SEARCHED = """\
  TunedAnnealingPruner:
    arguments: {stop_temperature: 80}
    search: {tune_steps: 2}
    scratch: []
  UniformAsAutoCompressPruner: {}
"""
LEFT_OUT = ("L2FilterPruner", "FPGMPruner", "NetAdaptPruner/0.95")


def make(checkout: Checkout) -> None:
    study = "studies/smoke.yaml"
    checkout.edit(study, "  resnet18: {width: 0.03125}\n", "")
    checkout.edit(study, "  L2FilterPruner:\n    sparsities: {resnet18: []}\n", "")
    checkout.edit(study, "  FPGMPruner:\n    sparsities: {resnet18: []}\n", SEARCHED)
    checkout.edit(study, "resnet18: []", "vgg16: [0.5]")
    checkout.edit(study, "vgg16: [0.5, 0.95], vgg16: [0.5]", "vgg16: [0.5]")
    asked = "equal_training: {as: [AutoCompressPruner]}\nscratch: [total]\nlatency: {runs: 3}\nsearch:\n"
    checkout.edit(study, "search:\n  net", f"{asked}  net")
    run = checkout.snakemake("all", FILTERBENCH_PROGRESS="2")
    assert run.returncode == 0, run.stdout
    (checkout.folder / "said").write_text(run.stdout)


@pytest.fixture(scope="session")
def equal(finished, tmp_path_factory) -> Checkout:
    """The smoke study's VGG16 after all, with two pruners more."""

    def make_the_rest(checkout: Checkout) -> None:
        finished.copy(checkout.folder)
        results = checkout.folder / "results/smoke"
        # What the study no longer asks for; `validate` would name it.
        for folder in ("resnet18", *(f"vgg16/seed-0/{name}" for name in LEFT_OUT)):
            shutil.rmtree(results / folder)
        for figure in results.glob("figures/*resnet18*"):
            figure.unlink()
        make(checkout)

    return made_once(tmp_path_factory, "equal", make_the_rest)


def document(checkout: Checkout, pruner: str, kind: str) -> dict:
    return parse(checkout.folder / CELL.format(pruner) / f"{kind}.json")


def faults(checkout: Checkout) -> str:
    config = yaml.safe_load((checkout.folder / "studies/smoke.yaml").read_text())
    return "\n".join(str(finding) for finding in study_findings(Plan(config), checkout.folder, Report()))


def test_the_run_said_how_far_it_was(equal):
    text = (equal.folder / "said").read_text()
    said = re.findall(r"^progress: (\d+) of (\d+) jobs done(.*)", text, re.M)
    (total,) = {int(jobs) for _, jobs, _ in said}
    assert f"{total} of {total} steps (100%) done" in text
    done = [int(jobs) for jobs, *_ in said]
    assert len(done) > 2
    assert done == sorted(done)
    assert done[-1] > total / 2
    # The job at work, by the last line of its log.
    assert any(" epoch " in newest for *_, newest in said)


def test_every_cell_is_trained_on_as_many_images(equal):
    own = document(equal, "AutoCompressPruner", "equal")
    asked = own["equal_training"]["asked"]
    # ADMM's one epoch and the fine-tuning's one, of 256 images each.
    assert asked == own["equal_training"]["spent"] == 2 * 256
    for pruner in ("L1FilterPruner", "SimulatedAnnealingPruner", "UniformAsAutoCompressPruner"):
        assert document(equal, pruner, "equal")["equal_training"] == {"asked": 512, "search": 0, "spent": 512}
        assert document(equal, pruner, "scratch-total")["training"]["settings"]["epochs"] == 2 + 2
    # What it has had already is what it was fine-tuned with: the same net.
    finetuned = document(equal, "AutoCompressPruner", "finetune")
    assert own["training"] == finetuned["training"]
    assert own["performance"]["equal"] == finetuned["performance"]["finetuned"]


def test_a_control_has_the_params_of_the_searched_net(equal):
    searched, uniform = (
        document(equal, pruner, "count")["params"]["speedup"]
        for pruner in ("AutoCompressPruner", "UniformAsAutoCompressPruner")
    )
    assert uniform <= searched


def test_a_pruner_judges_its_candidates_in_its_own_way(equal):
    assert document(equal, "TunedAnnealingPruner", "prune")["search"]["tune_steps"] == 2
    assert "tune_steps" not in document(equal, "SimulatedAnnealingPruner", "prune")["search"]


def test_tables_figures_and_verdicts_have_both_trainings(equal):
    table = pd.read_csv(equal.folder / "results/smoke/vgg16/comparison.csv").set_index("pruner")
    row = table.loc["L1FilterPruner"]
    assert (row["images_trained_after"], row["images_trained_equal"]) == (256, 512)
    assert row["performance_equal"] == document(equal, "L1FilterPruner", "equal")["performance"]["equal"]
    assert 0 < row["performance_scratch_total"] <= 1
    assert pd.isna(table.loc["TunedAnnealingPruner", "performance_scratch_total"])
    for figure in ("equal_training", "accuracy_against_training"):
        assert (equal.folder / f"figures/{figure}_vgg16.png").stat().st_size > 10_000
    keys = {each["key"] for each in parse(equal.folder / "results/smoke/verdicts.json")["verdicts"]}
    assert keys >= {"autocompress-beats-uniform-params", "inherited-beats-scratch"}


def test_the_study_holds_together_and_its_cost_was_told(equal, tmp_path):
    checkout = equal.copy(tmp_path / "again")
    run = checkout.snakemake("validate")
    assert run.returncode == 0, run.stdout
    told = checkout.snakemake("cost").stdout
    row = next(line for line in told.splitlines() if line.startswith("equal_training") and "L1Filter" in line)
    assert row.split()[2:4] == ["1", "512"]
    # A number that was changed by hand is found.
    path = checkout.folder / CELL.format("L1FilterPruner") / "equal.json"
    path.write_text(path.read_text().replace('"spent": 512', '"spent": 768'))
    assert "equal.json" in faults(checkout)


def test_shapes_are_timed_and_judged_at_equal_latency_on_request(equal):
    assert "shape_latencies" not in equal.planned("all")
    run = equal.snakemake("equal_latency", "validate")
    assert run.returncode == 0, run.stdout
    results = equal.folder / "results/smoke"
    table = pd.read_csv(results / "vgg16/shape_latency.csv").set_index("pruner")
    assert set(table.index) == {"AutoCompressPruner", "UniformAsAutoCompressPruner"}
    assert set(table["runtime"]) == {"torch"}
    (verdict,) = parse(results / "verdicts-latency.json")["verdicts"]
    assert verdict["key"] == "autocompress-beats-uniform-latency"
    assert "as many images in all" in verdict["statement"]
    # Other accuracies are judged again, and other shapes are timed again.
    assert equal.planned("equal_latency") == {}
    for name, again in (
        ("vgg16/comparison.csv", {"latency_verdicts": 1}),
        (CELL.format("AutoCompressPruner").partition("/smoke/")[2] + "/count.json", {"shape_latencies": 1}),
    ):
        whole = (results / name).read_bytes()
        (results / name).write_bytes(whole + b"\n")
        try:
            assert equal.planned("equal_latency").items() >= again.items()
        finally:
            (results / name).write_bytes(whole)
    # What does not follow from the tables is found, also without a list of files.
    for name in (MANIFEST, SUMS):
        (results / name).unlink()
    page = results / "verdicts-latency.md"
    kept = page.read_text()
    assert "not asked" in kept
    page.write_text(kept.replace("not asked", "holds"))
    try:
        assert "verdicts-latency.md: not what its documents give" in faults(equal)
    finally:
        page.write_text(kept)
