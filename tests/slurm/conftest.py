"""A private SLURM for all tests, and checkouts whose runs it executes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from checkout import Checkout
from cluster import PrivateCluster
from submission import ClusterCheckout

LONG = ("epochs: 2", "epochs: 60")
BASELINES = "results/smoke/{model}/seed-0/baseline"


@pytest.fixture(scope="module")
def cluster(request, tmp_path_factory):
    """SLURM with an accounting database, as most sites have it, unless the module says otherwise."""
    accounting = getattr(request.module, "ACCOUNTING", True)
    with PrivateCluster(tmp_path_factory.mktemp("slurm"), accounting) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def local_start(tmp_path_factory):
    """The smoke study on this machine alone, at work while other tests wait for the queue."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("local"))
    command = ["snakemake", "--cores", "1", "--configfile", "studies/smoke.yaml"]
    with (checkout.folder / "run.log").open("w") as log:
        process = subprocess.Popen(command, cwd=checkout.folder, stdout=log, stderr=subprocess.STDOUT)
    yield checkout, process
    process.kill()


@pytest.fixture(scope="session")
def local_run(local_start) -> Checkout:
    """The smoke study, made on this machine alone."""
    checkout, process = local_start
    assert process.wait(timeout=400) == 0, (checkout.folder / "run.log").read_text()
    return checkout


def part_of(made: Checkout, folder: Path, *parts: str) -> ClusterCheckout:
    """A checkout that has some of what another one made."""
    checkout = ClusterCheckout.fresh(folder)
    for part in (".snakemake", "data", *parts):
        shutil.copytree(made.folder / part, folder / part)
    return checkout


@pytest.fixture(scope="session")
def long_local_run(tmp_path_factory) -> Checkout:
    """A baseline that is trained for some ten seconds, made on this machine alone."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("long"))
    checkout.edit("studies/smoke.yaml", *LONG)
    run = checkout.snakemake(BASELINES.format(model="vgg16") + "/baseline.json")
    assert run.returncode == 0, run.stdout
    return checkout


@pytest.fixture
def long_training(long_local_run, cluster, tmp_path) -> ClusterCheckout:
    """A checkout that has the images, and baselines that train long enough for a fault to strike."""
    checkout = part_of(long_local_run, tmp_path)
    checkout.edit("studies/smoke.yaml", *LONG)
    return checkout


@pytest.fixture
def with_baselines(local_run, cluster, tmp_path) -> ClusterCheckout:
    """A checkout that has the images and the baselines of the smoke study."""
    return part_of(local_run, tmp_path, *(BASELINES.format(model=name) for name in ("vgg16", "resnet18")))
