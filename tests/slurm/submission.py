"""A copy of the workflow whose runs go to SLURM."""

import subprocess

from checkout import Checkout

# Looks at the queue at once; a real cluster wants to be asked less often.
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5")


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

    def submitted(self, *arguments: str, study: str = "studies/smoke.yaml") -> str:
        """A whole run; what it said."""
        process = self.start(*arguments, study=study)
        process.wait(timeout=300)
        return self.said()

    def documents(self) -> dict[str, bytes]:
        """Every document of the smoke study."""
        folder = self.folder / "results/smoke"
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}
