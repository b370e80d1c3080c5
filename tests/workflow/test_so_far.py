"""A look at a study that is not whole, and what a failed job leaves."""

import shutil

import pytest
from checkout import Checkout

CELL = "results/smoke/vgg16/seed-0/L1FilterPruner/0.5"


@pytest.fixture
def broken(finished, tmp_path) -> Checkout:
    """The finished study, of which one cell's compact net is gone and its masks are damaged."""
    checkout = finished.copy(tmp_path / "broken")
    for path in (checkout.folder / CELL).iterdir():
        if not path.name.startswith("prune"):
            path.unlink()
    (checkout.folder / CELL / "prune.safetensors").write_bytes(b"damaged")
    return checkout


def test_one_failed_cell_is_named_at_the_end_and_hides_nothing(broken):
    run = broken.snakemake("results")
    assert run.returncode == 1
    end = run.stdout[run.stdout.index("study smoke: 1 of ") :]
    assert f"failed: {CELL}: speedup: " in end
    assert "prune.safetensors" in end
    assert f"(logs/{CELL.removeprefix('results/')}/speedup.log)" in end
    assert "to go on: run the same command again" in end
    look = broken.snakemake("so_far")
    assert look.returncode == 0, look.stdout
    assert f"failed: {CELL}: speedup: " in look.stdout
    folder = broken.folder / "results/smoke/so-far"
    assert {path.name for path in folder.iterdir()} == {
        "page.html",
        "verdicts.md",
        *(f"{model}.csv" for model in ("vgg16", "resnet18")),
        *(f"performance_comparison_{model}.png" for model in ("vgg16", "resnet18")),
    }
    assert "L1FilterPruner" not in (folder / "vgg16.csv").read_text()
    assert not (broken.folder / CELL / "result.json").exists()
    told = broken.snakemake("recommend", "--config", "drop=100")
    assert told.returncode == 0, told.stdout
    assert "VGG16, at most 100 points below the unpruned net, times fewer params" in told.stdout


def test_cells_made_with_other_settings_are_left_out_and_told(finished, tmp_path):
    study = finished.copy(tmp_path / "changed")
    study.edit(
        "studies/smoke.yaml",
        "  schedule: multistep\n",
        "  schedule: multistep\n  pruners: {L1FilterPruner: {epochs: 3}}\n",
    )
    said = "study smoke: 2 of 9 finished cells are left out, made with other settings (results/smoke/vgg16/"
    folder = study.folder / "results/smoke/so-far"
    folder.mkdir(exist_ok=True)
    of_removed_model = folder / "resnet50.csv"
    of_removed_model.touch()
    look = study.snakemake("so_far")
    assert look.returncode == 0, look.stdout
    assert said in look.stdout
    assert not of_removed_model.exists()
    assert "L1FilterPruner" not in (folder / "vgg16.csv").read_text()
    study.edit("studies/smoke.yaml", "width: 0.0625", "width: 0.125")
    told = study.snakemake("recommend", "--config", "drop=100")
    assert told.returncode == 0, told.stdout
    assert "study smoke: 8 of 9 finished cells are left out" in told.stdout
    assert "ResNet18, at most 100 points below" in told.stdout
    assert "VGG16, at most" not in told.stdout


def test_a_report_has_the_figures_that_are_there(broken):
    """As after `make demo`, which makes the figure of one model."""
    for path in (
        *broken.folder.glob("figures/*resnet18*"),
        *broken.folder.glob("results/smoke/*/*resnet18*"),
    ):
        path.unlink()
    run = broken.snakemake("--report", "report.html")
    assert run.returncode == 0, run.stdout
    assert (broken.folder / "report.html").stat().st_size > 10_000


def test_a_study_of_which_nothing_is_made_says_so(checkout):
    shutil.rmtree(checkout.folder / "results", ignore_errors=True)
    run = checkout.snakemake("so_far")
    assert run.returncode == 1
    assert "study smoke: none of its 9 cells is finished; the most complete one lacks results/" in run.stdout
    assert "to make cells: snakemake --cores all results, with the same study" in run.stdout
