"""Fixtures that several tests share."""

from pathlib import Path

import pytest
import torch
import yaml
from checkout import REPOSITORY, Checkout, made_once

from filterbench.data.loading import Images, Splits
from filterbench.data.preparing import prepare_data

# Tests run beside others; more threads than cores would slow all of them down.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    prepare_data("digits", None, path.parent / "downloads", path)
    return path


@pytest.fixture(scope="session")
def few_images() -> Splits:
    """Forty random images of two classes, which differ in brightness."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    pixels = torch.randint(0, 100, (40, 1, 32, 32), generator=generator) + 100 * labels.view(-1, 1, 1, 1)
    one = torch.ones(1, 1, 1, 1)
    images = Images(pixels.to(torch.uint8), labels, 0.5 * one, 0.25 * one)
    return Splits(images, images, images, names=["dark", "bright"])


@pytest.fixture
def default_config() -> dict:
    return yaml.safe_load((REPOSITORY / "config.yaml").read_text())


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A fresh copy of the workflow without results."""
    return Checkout.fresh(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """A checkout after a whole run of the smoke study."""

    def make(checkout: Checkout) -> None:
        run = checkout.snakemake()
        assert run.returncode == 0, run.stdout

    return made_once(tmp_path_factory, "finished", make)
