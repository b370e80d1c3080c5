"""A study of images of 64x64 pixels, through every stage."""

import numpy as np
import pytest
from checkout import Checkout, made_once

from filterbench.documents import parse

CELL = "results/smoke/resnet18/seed-0/L1FilterPruner/0.5"

STUDY = "studies/smoke.yaml"
LARGER = ("  name: digits\n", "  name: digits\n  image_size: 64\n")


def make(checkout: Checkout) -> None:
    checkout.edit(STUDY, *LARGER)
    checkout.edit(STUDY, "  vgg16: {width: 0.0625}\n", "")
    text = (checkout.folder / STUDY).read_text()
    start, end = text.index("  L2FilterPruner:"), text.index("search:")
    few = "latency: {batch: 8, runs: 3, warm_up: 0}\nint8: {calibration_images: 16}\n"
    (checkout.folder / STUDY).write_text(text[:start] + few + text[end:])
    asked = [f"{CELL}/{kind}.json" for kind in ("latency", "int8", "export")]
    run = checkout.snakemake(*asked, "results", "validate")
    assert run.returncode == 0, run.stdout


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Checkout:
    return made_once(tmp_path_factory, "large", make)


@pytest.mark.slow
def test_documents_name_the_size_and_counts_follow_it(large):
    cell = large.folder / CELL
    for kind in ("prune", "speedup", "count", "finetune", "latency", "int8", "export"):
        assert parse(cell / f"{kind}.json")["cell"]["image_size"] == 64
    count = parse(cell / "count.json")
    assert count["input_shape"] == [3, 64, 64]
    assert parse(cell / "speedup.json")["check"]["relative_difference"] < 1e-4
    with np.load(large.folder / "data/digits-64.npz") as stored:
        assert stored["images"].shape[1:] == (1, 64, 64)


@pytest.mark.slow
def test_a_count_at_another_size_is_found(large, tmp_path):
    checkout = large.copy(tmp_path / "again")
    path = checkout.folder / CELL / "count.json"
    path.write_text(path.read_text().replace("64,\n    64", "32,\n    32"))
    run = checkout.snakemake("validate")
    assert run.returncode == 1
    assert "[3, 32, 32] is not the cell's [3, 64, 64]" in run.stdout


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("image_size: 64", "image_size: 40", "dataset.image_size: 40 is not a multiple of 32"),
        ("image_size: 64", "image_size: 256", "dataset.image_size: 256 is greater than the maximum of 224"),
        (
            "name: digits",
            "name: cifar10",
            "dataset.image_size: cifar10 has 32x32 images; datasets of other sizes: digits",
        ),
    ],
)
def test_a_size_that_cannot_be_is_told(checkout, old, new, expected):
    checkout.edit(STUDY, *LARGER)
    checkout.edit(STUDY, old, new)
    run = checkout.snakemake("--dry-run")
    assert run.returncode == 1
    assert expected in run.stdout
    assert "Traceback" not in run.stdout
