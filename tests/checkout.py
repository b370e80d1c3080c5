"""A copy of the workflow that tests run, change and look at."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import warm_snakemake
from filelock import FileLock

from filterbench.study.paths import MANIFEST

REPOSITORY = Path(__file__).parents[1]
# Variables that FilterBench sets for its jobs: a test in this process may have left some.
OWN = "FILTERBENCH_"
PARTS = ("Snakefile", "config.yaml", "studies", "envs", "profiles", "slurm", "workflow")


class Checkout:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path) -> "Checkout":
        """Copy the workflow without results."""
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, folder / part)
            else:
                shutil.copy2(source, folder / part, follow_symlinks=False)
        return cls(folder)

    def snakemake(
        self, *arguments: str, study: str = "studies/smoke.yaml", **environment: str
    ) -> subprocess.CompletedProcess:
        chosen = ["--configfile", study] if study else []
        own = {name: value for name, value in os.environ.items() if not name.startswith(OWN)} | environment
        return warm_snakemake.run(["--cores", "2", *arguments, *chosen], self.folder, own)

    def planned(self, *targets: str, study: str = "studies/smoke.yaml") -> dict[str, int]:
        """Rules that the next run would run, with their number of jobs."""
        run = self.snakemake("--dry-run", *targets, study=study)
        assert run.returncode == 0, run.stdout
        return job_stats(run.stdout)

    def documents(self) -> dict[str, bytes]:
        """Every document of the smoke study, by its path in the study's folder.

        But for its manifest: that lists benchmark files, too, whose times are others in each run.
        """
        folder = self.folder / "results/smoke"
        paths = (path for path in sorted(folder.rglob("*.json")) if path.name != MANIFEST)
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    def copy(self, folder: Path) -> "Checkout":
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return type(self)(folder)

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


def session_folder(tmp_path_factory) -> Path:
    """The folder that all processes of the session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(tmp_path_factory, name: str, make: Callable[[Checkout], None]) -> Checkout:
    """A checkout that the first process to ask for it makes, and all others share."""
    folder = session_folder(tmp_path_factory) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            making = Checkout.fresh(tmp_path_factory.mktemp(name))
            make(making)
            making.folder.rename(folder)
    return Checkout(folder)
