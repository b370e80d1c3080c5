"""What a user sees who mistypes something."""

import pytest
from checkout import Checkout


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "sparsities:",
            "sparsitys:",
            "studies/smoke.yaml: $: unknown key 'sparsitys'; allowed: study, dataset",
        ),
        (
            "FPGMPruner:",
            "FGPMPruner:",
            "studies/smoke.yaml: pruners: unknown 'FGPMPruner'; allowed: L1FilterPruner",
        ),
        (
            "[0.5]",
            "[0.5, 1.5]",
            "studies/smoke.yaml: sparsities[1]: 1.5 is greater than or equal to the maximum of 1",
        ),
        ("0.0625", "0.001", "studies/smoke.yaml: models.vgg16.width: 0.001 leaves a layer without channels"),
        (
            "seeds: [0]",
            "seeds: [0]\nseeds: [1]",
            "studies/smoke.yaml: duplicate key 'seeds' (line 2 and below)",
        ),
        (
            "study: smoke",
            "study: imported",
            "studies/smoke.yaml: study: 'imported' is reserved for",
        ),
        (
            "study: smoke",
            "study: smoke-test",
            "studies/smoke.yaml: study: 'smoke-test' is the name of a study's twin",
        ),
        (
            "seeds: [0]",
            "seeds: [4294967296]",
            "studies/smoke.yaml: seeds[0]: 4294967296 is greater than the maximum",
        ),
        (
            "seeds: [0]",
            "seeds: [0]\nclaims: smoke.yaml",
            "studies/smoke.yaml: no column",
        ),
        (
            "name: digits",
            "name: cifar10\n  folder: ~/no-such-folder",
            "studies/smoke.yaml: dataset.folder: there is no folder /",
        ),
    ],
)
def test_a_mistake_in_the_study_is_one_line_with_exit_code_1(checkout, old, new, expected):
    checkout.edit("studies/smoke.yaml", old, new)
    run = checkout.snakemake("--dry-run")
    assert run.returncode == 1
    assert expected in run.stdout
    assert "Traceback" not in run.stdout


def test_a_study_replaces_the_default_study_whole(checkout):
    assert checkout.planned("results")["train_baseline"] == 2
    checkout.edit("studies/smoke.yaml", "  resnet18: {width: 0.03125}\n", "")
    assert checkout.planned("results")["train_baseline"] == 1


def test_the_default_study_is_the_folders_own_or_the_clones(checkout):
    other = Checkout(checkout.folder / "elsewhere")
    other.folder.mkdir()
    asked = ("--snakefile", str(checkout.folder / "Snakefile"), "baselines")
    assert other.planned(*asked, study="")["train_baseline"] == 9
    own = other.folder / "config.yaml"
    own.write_text(f"extends: {checkout.folder}/studies/smoke.yaml\nseeds: [0, 1]\n")
    assert other.planned(*asked, study="")["train_baseline"] == 4
    own.write_text(own.read_text().replace("[0, 1]", "[-1]"))
    assert "error: config.yaml: seeds[0]: -1 is less than" in other.snakemake("-n", *asked, study="").stdout


def test_single_settings_change_on_the_command_line(checkout):
    assert checkout.planned("baselines", "--config", "protocol=test", study="")["train_baseline"] == 9
    run = checkout.snakemake("--dry-run", "--config", "protocol=train")
    assert "error: studies/smoke.yaml with --config protocol: protocol: 'train' is not one of" in run.stdout
    assert checkout.planned("baselines", "--config", "seeds=[0,1]")["train_baseline"] == 4


def test_the_published_grid_is_planned(checkout):
    assert checkout.planned(study="studies/cifar10.yaml")["result"] == 183


def test_validating_nothing_is_an_error(checkout):
    run = checkout.snakemake("validate")
    assert run.returncode == 1
    assert "results/smoke: no documents to check yet" in run.stdout
