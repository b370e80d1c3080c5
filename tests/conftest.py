"""Fixtures that several tests share."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

from filterbench.data.loading import Images, Splits
from filterbench.data.preparing import prepare_data

# Tests run beside others; more threads than cores would slow all of them down.
torch.set_num_threads(1)

REPOSITORY = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "studies", "envs", "profiles", "workflow")


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    prepare_data("digits", None, path.parent / "downloads", path)
    return path


@pytest.fixture
def few_images() -> Splits:
    """Forty random images of two classes, which differ in brightness."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    pixels = torch.randint(0, 100, (40, 1, 32, 32), generator=generator) + 100 * labels.view(-1, 1, 1, 1)
    one = torch.ones(1, 1, 1, 1)
    images = Images(pixels.to(torch.uint8), labels, 0.5 * one, 0.25 * one)
    return Splits(images, images, images, classes=2)


@pytest.fixture
def default_config() -> dict:
    return yaml.safe_load((REPOSITORY / "config.yaml").read_text())


class Checkout:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path) -> "Checkout":
        """Copy the workflow without results."""
        for part in PARTS:
            source = REPOSITORY / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)
        return cls(folder)

    def snakemake(self, *arguments: str, study: str = "studies/smoke.yaml") -> subprocess.CompletedProcess:
        chosen = ["--configfile", study] if study else []
        command = ["snakemake", "--cores", "2", *arguments, *chosen]
        # Snakemake reports a dry run on standard output and a real one on standard error.
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, cwd=self.folder, text=True, check=False, **streams)

    def planned(self, *targets: str, study: str = "studies/smoke.yaml") -> dict[str, int]:
        """Rules that the next run would run, with their number of jobs."""
        run = self.snakemake("--dry-run", *targets, study=study)
        assert run.returncode == 0, run.stdout
        return job_stats(run.stdout)

    def copy(self, folder: Path) -> "Checkout":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Checkout(folder)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} does not hold {old!r}"
        file.write_text(text.replace(old, new))


def job_stats(output: str) -> dict[str, int]:
    """The table under `Job stats:` as a dict, without its total."""
    if "Job stats:" not in output:
        assert "Nothing to be done" in output, output
        return {}
    lines = output.split("Job stats:")[1].splitlines()[3:]
    rows = [line.split() for line in lines[: lines.index("")]]
    return {name: int(number) for name, number in rows if name != "total"}


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A fresh copy of the workflow without results."""
    return Checkout.fresh(tmp_path)
