"""A private SLURM for all tests, and checkouts whose runs it executes."""

import shutil
from pathlib import Path

import pytest
from checkout import Checkout
from cluster import PrivateCluster
from submission import ClusterCheckout

BASELINES = "results/smoke/{model}/seed-0/baseline"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """SLURM with an accounting database, as most sites have it."""
    with PrivateCluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="session")
def local_run(tmp_path_factory) -> Checkout:
    """The smoke study, made on this machine alone."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("local"))
    run = checkout.snakemake()
    assert run.returncode == 0, run.stdout
    return checkout


def part_of(local_run: Checkout, folder: Path, *parts: str) -> ClusterCheckout:
    """A checkout that has some of what the local run made."""
    checkout = ClusterCheckout.fresh(folder)
    for part in (".snakemake", "data", *parts):
        shutil.copytree(local_run.folder / part, folder / part)
    return checkout


@pytest.fixture(scope="session")
def long_local_run(local_run, tmp_path_factory) -> Checkout:
    """A baseline that is trained for some ten seconds, made on this machine alone."""
    checkout = part_of(local_run, tmp_path_factory.mktemp("long"))
    checkout.edit("studies/smoke.yaml", "epochs: 2", "epochs: 100")
    run = checkout.snakemake(BASELINES.format(model="vgg16") + "/baseline.json")
    assert run.returncode == 0, run.stdout
    return checkout


@pytest.fixture
def long_training(with_images, long_local_run) -> ClusterCheckout:
    """A checkout whose baselines are trained for some ten seconds, time enough for a fault."""
    with_images.edit("studies/smoke.yaml", "epochs: 2", "epochs: 100")
    return with_images


@pytest.fixture
def with_images(local_run, cluster, tmp_path) -> ClusterCheckout:
    """A checkout that has the images of the smoke study."""
    return part_of(local_run, tmp_path)


@pytest.fixture
def with_baselines(local_run, cluster, tmp_path) -> ClusterCheckout:
    """A checkout that has the images and the baselines of the smoke study."""
    return part_of(local_run, tmp_path, *(BASELINES.format(model=name) for name in ("vgg16", "resnet18")))
