"""A copy of the workflow whose runs go to SLURM, and what SLURM says of their jobs."""

import re
import subprocess

from checkout import Checkout
from cluster import text, wait_for

# Most faults strike the same way wherever they strike: the shortest job will do.
BASELINE = "results/smoke/vgg16/seed-0/baseline/baseline.json"
ONCE = ("--retries", "0")
# Seconds that a run may take where others compute beside it.
PATIENCE = 900
# The plugin looks after so many seconds, then ever later: a short job has ended by the first look.
QUICK = ("--slurm-init-seconds-before-status-checks", "20", "--latency-wait", "5")


def on(node: str) -> tuple[str, ...]:
    """Options that send the training to a node."""
    return ("--set-resources", f"train_baseline:slurm_partition={node}")


class ClusterCheckout(Checkout):
    """A checkout whose runs go to SLURM."""

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start `snakemake --profile slurm`; what it says goes to a file."""
        return self._start("--profile", "slurm", *arguments, *QUICK)

    def start_here(self, *arguments: str) -> subprocess.Popen:
        """Start snakemake on this machine; what it says goes to the same file."""
        return self._start("--cores", "1", *arguments)

    def _start(self, *arguments: str) -> subprocess.Popen:
        command = ["snakemake", *arguments, "--configfile", "studies/smoke.yaml"]
        with (self.folder / "run.log").open("w") as file:
            return subprocess.Popen(command, cwd=self.folder, stdout=file, stderr=subprocess.STDOUT)

    def wait_until_said(self, part: str) -> None:
        wait_for(lambda: part in self.said(), part, PATIENCE)

    def said(self) -> str:
        return (self.folder / "run.log").read_text()

    def jobs(self, columns: str) -> list[str]:
        """What the accounting says of the last run's jobs, a line each."""
        run = re.search(r"SLURM run ID: (\S+)", self.said())[1]
        return text("sacct", "-n", "-X", "-P", "--name", run, "-o", columns).splitlines()

    def working_job(self) -> str:
        """Id of the job that trains the baseline, once it has its file for itself."""
        locks = self.folder / ".snakemake/running"
        wait_for(lambda: any(locks.glob("*baseline*.lock")), "a job at work", PATIENCE)
        queue = text("squeue", "--noheader", "--states=RUNNING", "--format=%i %Z").splitlines()
        (job,) = [line.split()[0] for line in queue if line.endswith(str(self.folder))]
        return job

    def job_log(self) -> str:
        """SLURM's own log of a run's first job that failed."""
        return min((self.folder / "logs/slurm").rglob("*.log")).read_text()

    def assert_finishes_like(self, other: Checkout, target: str = BASELINE) -> None:
        """A second run, on this machine, ends well and with the documents of an undisturbed one."""
        run = self.snakemake(target)
        assert run.returncode == 0, run.stdout
        expected, found = other.documents(), self.documents()
        assert {name: expected[name] for name in found} == found
