"""A private SLURM for all tests, and checkouts whose runs it executes."""

import shutil

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


@pytest.fixture
def prepared(local_run, cluster, tmp_path) -> ClusterCheckout:
    """A checkout that has the images and the baselines of the smoke study."""
    checkout = ClusterCheckout.fresh(tmp_path)
    for path in ("data", ".snakemake", *(BASELINES.format(model=name) for name in ("vgg16", "resnet18"))):
        shutil.copytree(local_run.folder / path, tmp_path / path)
    return checkout
