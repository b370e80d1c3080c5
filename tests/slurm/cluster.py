"""A private SLURM with an accounting database and three nodes, whose network ends at this host."""

from __future__ import annotations

import contextlib
import os
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
# A node lives in a network namespace of its name, at the end of a cable to this host, with no route onwards.
# Each has a partition of its name: jobs go to `sturdy`, to `frail` where a test lets it die, and to `spare`
# where one ends while the controller is away: SLURM then gives its node no job for a minute.
HOST_ADDRESS = "10.77.0.1"
NODES = {"sturdy": "10.77.0.2", "frail": "10.77.0.3", "spare": "10.77.0.4"}
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")

SLURM = """\
ClusterName=filterbench
SlurmctldHost={host}({address})
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
SlurmdTimeout=10
GresTypes=gpu
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageTRES=gres/gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
"""
NODE = """\
NodeName={name} NodeAddr={address} CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName={name} Nodes={name} Default={default} MaxTime=INFINITE DefMemPerCPU=1000 State=UP
"""
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
GRES = "NodeName={name} Name=gpu File=/dev/tty[1-{gpus}]\n"


class PrivateCluster:
    """Starts and stops the daemons; use it as a context manager.

    Args:
        folder: an empty folder for state, logs and the database.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
        for node in NODES:
            # What still runs there would keep the namespace, and the cable with it.
            kill_all_on(node)
            subprocess.run(["ip", "netns", "delete", node], capture_output=True, check=False)

    def _start(self) -> None:
        self._configure()
        for node, address in NODES.items():
            connect(node, address)
        run = Path("/run/munge")
        run.mkdir(exist_ok=True)
        shutil.chown(run, "munge", "munge")
        subprocess.run(["runuser", "-u", "munge", "--", "munged", "--force"], check=True)
        self._start_database()
        subprocess.run(["slurmdbd"], check=True)
        wait_for(lambda: succeeds("sacctmgr", "-n", "list", "cluster"), "slurmdbd")
        for what in (
            "cluster filterbench",
            "account research cluster=filterbench",
            "user root account=research",
        ):
            subprocess.run(["sacctmgr", "--immediate", "add", *what.split()], check=True, capture_output=True)
        start_controller()
        for node in NODES:
            start_node(node)

    def _configure(self) -> None:
        for name in ("state", "database"):
            (self.folder / name).mkdir()
        ETC.mkdir(exist_ok=True)
        means = {"cpus": CPUS, "memory": MEMORY_MB, "gpus": GPUS}
        nodes = [
            NODE.format(name=name, address=address, default="YES" if name == "sturdy" else "NO", **means)
            for name, address in NODES.items()
        ]
        cluster = SLURM.format(host=socket.gethostname(), address=HOST_ADDRESS, folder=self.folder)
        (ETC / "slurm.conf").write_text(cluster + "".join(nodes))
        (ETC / "gres.conf").write_text("".join(GRES.format(name=name, gpus=GPUS) for name in NODES))
        (ETC / "slurmdbd.conf").write_text(SLURMDBD.format(folder=self.folder, port=DATABASE_PORT))
        (ETC / "slurmdbd.conf").chmod(0o600)

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


def connect(node: str, address: str) -> None:
    """Give a node its namespace, and a cable between that and this host."""
    for command in (
        f"netns add {node}",
        f"link add fb-{node} type veth peer name fb-host netns {node}",
        f"addr add {HOST_ADDRESS} peer {address} dev fb-{node}",
        f"link set fb-{node} up",
        f"-n {node} addr add {address} peer {HOST_ADDRESS} dev fb-host",
        f"-n {node} link set fb-host up",
        f"-n {node} link set lo up",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def start_controller() -> None:
    subprocess.run(["slurmctld"], check=True)
    wait_for(lambda: succeeds("scontrol", "ping"), "slurmctld")


def start_node(node: str) -> None:
    """Start a node's slurmd (again)."""
    # slurmd takes the host's name. (`ip netns exec` would hide the cgroups, which it needs.)
    named = ["unshare", "--uts", "sh", "-c", f"hostname {node} && slurmd"]
    subprocess.run(["nsenter", f"--net=/run/netns/{node}", *named], check=True)
    # A job may wait for it, and have it at once.
    ready = {"idle", "mixed", "allocated"}
    wait_for(lambda: text("sinfo", "-h", "-n", node, "-o", "%T").strip() in ready, f"node {node}")


def kill_all_on(node: str) -> None:
    """End slurmd and the jobs of a node at once, as if it lost its power."""
    for process in text("ip", "netns", "pids", node).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)


def stop(daemon: str) -> None:
    """End a daemon, and wait until it is gone."""
    subprocess.run(["pkill", "-x", daemon], check=False)
    wait_for(lambda: not succeeds("pgrep", "-x", daemon), f"the end of {daemon}")


def text(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def succeeds(*command: str) -> bool:
    """Whether a command exits with 0."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Return when a condition holds; fail after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: nothing after {seconds} s")
        time.sleep(0.2)
