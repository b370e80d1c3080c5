"""A private SLURM with an accounting database and one node, which has no network but the cluster's own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

# A job step finds its configuration only here, whatever SLURM_CONF says.
ETC = Path("/etc/slurm")
CPUS = 8
GPUS = 2
MEMORY_MB = 64000
DATABASE_PORT = 13306
# The node lives in a network namespace, at the other end of a cable to this host, with no route onwards.
NODE = "filterbench-node"
HOST_ADDRESS, NODE_ADDRESS = "10.77.0.1", "10.77.0.2"
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")

SLURM = """\
ClusterName=filterbench
SlurmctldHost={host}({host_address})
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0
KillWait=5
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout={node_timeout}
GresTypes=gpu
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
{accounting}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr={node_address} CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE DefMemPerCPU=1000 State=UP
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageTRES=gres/gpu"""
# Finished jobs leave the queue after MinJobAge seconds; without accounting nothing else knows of them.
NO_ACCOUNTING = """\
AccountingStorageType=accounting_storage/none
MinJobAge=300"""
SLURMDBD = """\
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
# Character devices that every machine has stand in for GPUs; nothing opens them.
GRES = "NodeName={host} Name=gpu File=/dev/tty[1-{gpus}]\n"


class PrivateCluster:
    """Starts and stops the daemons; use it as a context manager.

    Args:
        folder: an empty folder for state, logs and the database.
        accounting: whether slurmdbd records the jobs; else only the controller's memory does.
        node_timeout: seconds after which a silent node counts as down.
    """

    def __init__(self, folder: Path, accounting: bool = True, node_timeout: int = 10) -> None:
        self.folder = folder
        self.accounting = accounting
        self.host = socket.gethostname()
        self._values = {
            "host": self.host,
            "host_address": HOST_ADDRESS,
            "node_address": NODE_ADDRESS,
            "folder": folder,
            "cpus": CPUS,
            "gpus": GPUS,
            "memory": MEMORY_MB,
            "port": DATABASE_PORT,
            "node_timeout": node_timeout,
            "accounting": ACCOUNTING if accounting else NO_ACCOUNTING,
        }

    def __enter__(self) -> PrivateCluster:
        if (ETC / "slurm.conf").exists():
            raise RuntimeError(f"{ETC}/slurm.conf is there: this machine may belong to a real cluster")
        for daemon in DAEMONS:
            if subprocess.run(["pgrep", "-x", daemon], capture_output=True, check=False).returncode == 0:
                raise RuntimeError(f"{daemon} already runs on this machine")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for daemon in reversed(DAEMONS):
            stop(daemon)
        for name in ("slurm.conf", "slurmdbd.conf", "gres.conf"):
            (ETC / name).unlink(missing_ok=True)
        # A job that still runs would keep the namespace, and the cable with it.
        for command in (["pkill", "-KILL", "-x", "slurmstepd"], ["ip", "link", "delete", "fb-host"]):
            subprocess.run(command, capture_output=True, check=False)
        subprocess.run(["ip", "netns", "delete", NODE], capture_output=True, check=False)

    def _start(self) -> None:
        self._configure()
        for command in (
            f"netns add {NODE}",
            f"link add fb-host type veth peer name fb-node netns {NODE}",
            f"addr add {HOST_ADDRESS}/24 dev fb-host",
            "link set fb-host up",
            f"-n {NODE} addr add {NODE_ADDRESS}/24 dev fb-node",
            f"-n {NODE} link set fb-node up",
            f"-n {NODE} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True)
        run = Path("/run/munge")
        run.mkdir(exist_ok=True)
        shutil.chown(run, "munge", "munge")
        subprocess.run(["runuser", "-u", "munge", "--", "munged", "--force"], check=True)
        if self.accounting:
            self._start_database()
            subprocess.run(["slurmdbd"], check=True)
            wait_for(lambda: succeeds("sacctmgr", "-n", "list", "cluster"), "slurmdbd")
            for what in (
                "cluster filterbench",
                "account research cluster=filterbench",
                "user root account=research",
            ):
                subprocess.run(
                    ["sacctmgr", "--immediate", "add", *what.split()], check=True, capture_output=True
                )
        start("slurmctld")
        start("slurmd")
        wait_for(lambda: "idle" in text("sinfo", "-h", "-o", "%T"), "the node")

    def _configure(self) -> None:
        for name in ("state", "spool", "database"):
            (self.folder / name).mkdir()
        ETC.mkdir(exist_ok=True)
        (ETC / "gres.conf").write_text(GRES.format(**self._values))
        (ETC / "slurmdbd.conf").write_text(SLURMDBD.format(**self._values))
        (ETC / "slurmdbd.conf").chmod(0o600)
        (ETC / "slurm.conf").write_text(SLURM.format(**self._values))

    def _start_database(self) -> None:
        data, channel = self.folder / "database", self.folder / "mariadb.sock"
        subprocess.run(
            ["mariadb-install-db", f"--datadir={data}", "--user=root", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        command = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={channel}"]
        command += ["--bind-address=127.0.0.1", f"--port={DATABASE_PORT}"]
        with (self.folder / "mariadb.log").open("wb") as log:
            subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: succeeds("mariadb-admin", f"--socket={channel}", "ping"), "mariadbd")
        grant = "CREATE USER slurm@'%' IDENTIFIED BY 'slurm'; GRANT ALL ON slurm.* TO slurm@'%';"
        subprocess.run(["mariadb", f"--socket={channel}", "-e", grant], check=True)


def start(daemon: str) -> None:
    """Start slurmctld or slurmd (again)."""
    node = ["nsenter", f"--net=/run/netns/{NODE}"] if daemon == "slurmd" else []
    subprocess.run([*node, daemon], check=True)
    if daemon == "slurmctld":
        wait_for(lambda: succeeds("scontrol", "ping"), daemon)


def stop(daemon: str, with_signal: signal.Signals = signal.SIGTERM) -> None:
    """End a daemon, and wait until it is gone."""
    subprocess.run(["pkill", f"-{with_signal.value}", "-x", daemon], check=False)
    wait_for(lambda: not succeeds("pgrep", "-x", daemon), f"the end of {daemon}")


def text(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def succeeds(*command: str) -> bool:
    """Whether a command exits with 0."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return when a condition holds; fail after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: nothing after {seconds} s")
        time.sleep(0.2)
