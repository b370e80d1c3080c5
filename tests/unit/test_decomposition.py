"""The kept decomposition study, its page, and what the README says of it."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY
from docs_scripts import load, when_computed

FOLDER = REPOSITORY / "docs/decomposition"
AUTO, UNIFORM = "AutoCompressPruner", "UniformAsAutoCompressPruner"
FLOPS = "UniformFlopsAsAutoCompressPruner"
STUDIES = ("decomposition", "decomposition_wide")


@pytest.fixture(scope="module")
def writer():
    return load("decomposition/write_page")


@pytest.fixture(scope="module")
def studies(writer):
    return writer.studies()


def test_every_number_of_the_page_is_from_the_tables(writer, studies):
    assert (FOLDER / "README.md").read_text() == writer.page(studies)


def test_the_readme_opens_with_what_was_found(writer, studies):
    text = (REPOSITORY / "README.md").read_text()
    assert text == writer.readme(studies)
    assert text.index("docs/decomposition/figures/leads_vgg16.png") < text.index("## Start")


@pytest.mark.parametrize(
    "name", ["decomposition_wide", pytest.param("decomposition", marks=pytest.mark.slow)]
)
def test_a_changed_table_changes_the_page(name, writer, studies, tmp_path):
    shutil.copytree(writer.RESULTS[name], tmp_path / "results")
    table = tmp_path / "results/vgg16/comparison.csv"
    lines = table.read_text().splitlines(keepends=True)
    # One cell less of the first seed.
    table.write_text("".join(lines[:1] + lines[2:]))
    changed = writer.Study(REPOSITORY / f"studies/{name}.yaml", tmp_path / "results")
    assert (FOLDER / "README.md").read_text() != writer.page({**studies, name: changed})


@pytest.fixture(scope="module")
def made(writer, tmp_path_factory):
    """A study of two training budgets, 2 and 8 epochs, with numbers that can be checked by hand."""
    kept = pd.read_csv(writer.RESULTS["decomposition_wide"] / "vgg16/comparison.csv")
    # By pruner params, FLOPs, accuracies of three seeds after 2 and 8 epochs, and those from scratch.
    nets = {
        AUTO: (100, 500, [0.80, 0.82, 0.84], [0.84, 0.85, 0.86], 0.78, 0.86),
        UNIFORM: (90, 100, [0.70, 0.70, 0.70], [0.84, 0.84, 0.84], 0.75, 0.84),
        FLOPS: (400, 450, [0.76, 0.76, 0.76], [0.90, 0.90, 0.90], 0.80, 0.86),
    }
    rows = []
    for pruner, (params, flops, after_2, after_8, *scratch) in nets.items():
        like = kept[(kept["pruner"] == pruner) & (kept["seed"] == 0)]
        for seed in range(3):
            accuracies = {"performance_finetuned_2": after_2[seed], "performance_finetuned_8": after_8[seed]}
            from_scratch = dict(zip(("performance_scratch_2", "performance_scratch_8"), scratch, strict=True))
            sizes = {"params_compact": params, "flops_compact": flops}
            rows.append(like.assign(seed=seed, **accuracies, **from_scratch, **sizes))
    folder = tmp_path_factory.mktemp("made")
    (folder / "vgg16").mkdir()
    pd.concat(rows).to_csv(folder / "vgg16/comparison.csv", index=False)
    return writer.Study(REPOSITORY / "studies/decomposition_wide.yaml", folder)


def test_differences_are_means_over_seeds_with_t_intervals(made):
    # Leads of 10, 12 and 14 points, then of 0, 1 and 2: 4.303 * 2 / sqrt(3) points to each side, then half.
    assert made.points("vgg16", AUTO, "lead", 2) == "12.0 (7.0 to 17.0)"
    assert made.fall("vgg16", AUTO) == "11.0 (8.5 to 13.5)"
    # The shapes differ by 2 points.
    assert made.beyond_shapes("vgg16", AUTO, 8) == "-1.0 (-3.5 to 1.5)"


def test_nets_are_compared_in_size_and_with_their_shapes_from_scratch(made):
    assert made.below_scratch("vgg16", UNIFORM, UNIFORM, 2) == "5.0"
    assert made.gap("vgg16", AUTO, UNIFORM) == "10 % (mean), at most 10 %"
    assert made.times_the_params("vgg16", AUTO, FLOPS) == "4"
    assert made.times_the_flops("vgg16", AUTO, UNIFORM) == "5"
    # 6 points * log(100 / 90) / log(400 / 90).
    assert made.gap_worth("vgg16", AUTO, UNIFORM, FLOPS, 2) == "0.4"


def test_a_control_of_an_attack_is_compared_seed_by_seed(made, writer, tmp_path):
    (tmp_path / "cells").mkdir()
    uniform = made.cells["vgg16"].query("pruner == @UNIFORM")
    # The study's uniform nets have 70 % each: 2, 3 and 4 points less. Seed 9 is in the attack alone.
    spared = uniform.assign(pruner="Spared", performance_finetuned_2=[0.72, 0.73, 0.74])
    alone = spared.head(1).assign(seed=9)
    pd.concat([spared, alone]).to_csv(tmp_path / "cells/spared.csv", index=False)
    assert writer.Attacks(made, tmp_path).gain("spared", "Spared", UNIFORM, 2) == "3.0 (0.5 to 5.5)"


@pytest.mark.parametrize("name", STUDIES)
def test_kept_tables_of_leads_are_those_of_the_cells(name, writer, studies):
    kept = json.loads((writer.RESULTS[name] / "leads.json").read_text())
    assert kept == json.loads(json.dumps(studies[name].document))


@pytest.mark.parametrize("name", STUDIES)
def test_every_document_is_by_code_that_had_the_same_plan(name, writer):
    plan = f"studies/plans/{name}.yaml"
    now = yaml.safe_load((REPOSITORY / plan).read_text())
    for then in when_computed(writer.RESULTS[name] / f"{name}.tar.xz", plan):
        assert yaml.safe_load(then) == now
