"""Test images that are copies of other images: counted, and refused beyond a share."""

from dataclasses import replace
from pathlib import Path

import pytest
from settings import TRAINING

from filterbench.data.file import read_images, write_images
from filterbench.documents import read
from filterbench.integrity.settings import other_settings
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.stages.train_baseline import train_baseline
from filterbench.storage.errors import InputError

CELL = {"study": "a", "dataset": "digits", "model": "vgg16", "width": 1 / 16, "seed": 0}


@pytest.fixture
def copied_file(digits_file, tmp_path) -> Path:
    """The digits with copies of three test images among the training and validation images."""
    content = read_images(digits_file)
    images = content.images.copy()
    test = content.splits["test"]
    images[content.splits["train"][:2]] = images[test[:2]]
    images[content.splits["validation"][0]] = images[test[2]]
    write_images(tmp_path / "copied.npz", replace(content, images=images))
    return tmp_path / "copied.npz"


def baseline(images: Path, folder: Path, protocol: str, allowed: float, make=train_baseline) -> dict:
    params = {
        "cell": {**CELL, "protocol": protocol},
        "limits": {"test": 100},
        "device": "cpu",
        "training": TRAINING | {"epochs": 0},
    }
    outputs = {"weights": folder / "model.safetensors", "document": folder / "baseline.json"}
    make(Job({"images": images}, outputs, params, resources={"max_copies": str(allowed)}))
    return read(outputs["document"])


# Under `test`, the held-out images are trained on, and the test images choose themselves.
@pytest.mark.parametrize("protocol", ["validation", "test"])
def test_copies_are_counted_and_refused_beyond_a_share(protocol, copied_file, tmp_path):
    assert baseline(copied_file, tmp_path, protocol, 0.03)["copies"] == 3
    with pytest.raises(InputError, match=r"3 of 100 test images have an exact copy .* 0\.02 of them"):
        baseline(copied_file, tmp_path, protocol, 0.02)


def test_copies_are_refused_in_the_baseline_of_another_study_too(copied_file, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")
    make = train_baseline.make_or_take
    for study in ("one", "two"):
        baseline(copied_file, Path(f"results/{study}"), "validation", 0.03, make)
    assert "taken from results/one/baseline.json" in caplog.text
    with pytest.raises(InputError, match=r"3 of 100 test images have an exact copy"):
        baseline(copied_file, Path("results/three"), "validation", 0.02, make)


def test_images_without_copies_have_no_number(digits_file, tmp_path):
    assert "copies" not in baseline(digits_file, tmp_path, "validation", 0)


def test_validate_names_copies_that_the_study_does_not_allow(default_config, monkeypatch):
    folder = Path("results/default/vgg16/seed-0/baseline")
    document = {"copies": 3, "images": {"test": 100}}
    for allowed, found in ((0.03, []), (None, ["$.copies"])):
        default_config["dataset"] |= {} if allowed is None else {"max_copies": allowed}
        findings = other_settings(Plan(default_config), folder, {"baseline": document})
        assert [each.path for each in findings] == found
        default_config["dataset"].pop("max_copies", None)
