"""A private SLURM for all tests of a session, which run on it side by side, a process each."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from checkout import Checkout, made_once, session_folder
from cluster import PrivateCluster
from submission import ClusterCheckout

LONG = ("epochs: 2", "epochs: 20")
BASELINES = "results/smoke/{model}/seed-0/baseline"
CLUSTER = pytest.StashKey[PrivateCluster]()
FOLDER = pytest.StashKey[str]()


def pytest_sessionstart(session):
    """The process that starts the others has the cluster."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    config.stash[FOLDER] = tempfile.mkdtemp(prefix="filterbench-slurm-")
    config.stash[CLUSTER] = PrivateCluster(Path(config.stash[FOLDER])).__enter__()


def pytest_sessionfinish(session):
    if cluster := session.config.stash.get(CLUSTER, None):
        cluster.__exit__()
    if folder := session.config.stash.get(FOLDER, None):
        shutil.rmtree(folder)


@contextmanager
def use_of_the_cluster(folder: Path, mode: int) -> Iterator[None]:
    with (folder / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, mode)
        yield


@pytest.fixture
def alone_on_the_cluster(tmp_path_factory):
    """Enter it before asking for checkouts: while these are made, another test would take its share."""
    return use_of_the_cluster(session_folder(tmp_path_factory), fcntl.LOCK_EX)


@pytest.fixture(autouse=True)
def share_of_the_cluster(request, tmp_path_factory):
    if "alone_on_the_cluster" in request.fixturenames:
        yield
    else:
        with use_of_the_cluster(session_folder(tmp_path_factory), fcntl.LOCK_SH):
            yield


@pytest.fixture(scope="session")
def local_run(tmp_path_factory) -> Checkout:
    """The smoke study, made on this machine alone."""

    def make(checkout: Checkout) -> None:
        run = checkout.snakemake()
        assert run.returncode == 0, run.stdout

    return made_once(tmp_path_factory, "local", make)


@pytest.fixture(scope="session")
def long_local_run(tmp_path_factory) -> Checkout:
    """A baseline that is trained for some seconds, made on this machine alone."""

    def make(checkout: Checkout) -> None:
        checkout.edit("studies/smoke.yaml", *LONG)
        run = checkout.snakemake(BASELINES.format(model="vgg16") + "/baseline.json")
        assert run.returncode == 0, run.stdout

    return made_once(tmp_path_factory, "long", make)


def part_of(made: Checkout, folder: Path, *parts: str) -> ClusterCheckout:
    """A checkout that has some of what another one made."""
    checkout = ClusterCheckout.fresh(folder)
    for part in (".snakemake", "data", *parts):
        # Not the locks of jobs that ran there.
        shutil.copytree(made.folder / part, folder / part, ignore=shutil.ignore_patterns("running"))
    return checkout


@pytest.fixture
def long_training(long_local_run, tmp_path) -> ClusterCheckout:
    """A checkout that has the images, and baselines that train long enough for a fault to strike."""
    checkout = part_of(long_local_run, tmp_path)
    checkout.edit("studies/smoke.yaml", *LONG)
    return checkout


@pytest.fixture
def with_baselines(local_run, tmp_path) -> ClusterCheckout:
    """A checkout that has the images and the baselines of the smoke study."""
    return part_of(local_run, tmp_path, *(BASELINES.format(model=name) for name in ("vgg16", "resnet18")))
