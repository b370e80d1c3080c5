"""A copy of the workflow whose runs go to SLURM."""

import subprocess

from checkout import Checkout

# The plugin looks after so many seconds, then ever later: a short job has ended by the first look.
QUICK = ("--slurm-init-seconds-before-status-checks", "20", "--latency-wait", "5")


class ClusterCheckout(Checkout):
    """A checkout whose runs go to SLURM."""

    def start(
        self, *arguments: str, study: str = "studies/smoke.yaml", log: str = "run.log"
    ) -> subprocess.Popen:
        """Start `snakemake --profile slurm`; what it says goes to a file."""
        command = ["snakemake", "--profile", "slurm", *arguments, *QUICK, "--configfile", study]
        with (self.folder / log).open("w") as file:
            return subprocess.Popen(command, cwd=self.folder, stdout=file, stderr=subprocess.STDOUT)

    def said(self, log: str = "run.log") -> str:
        return (self.folder / log).read_text()
