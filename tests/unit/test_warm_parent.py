"""Jobs in children of a process that has torch loaded: they are a job's process in all that can be seen."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from checkout import REPOSITORY

from filterbench.jobs.forked import ADDRESS, run_in_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is a warm parent on Linux alone")

PATHS = {"PYTHONPATH": str(REPOSITORY / "workflow")}
# What Snakemake does: it starts the parent, then jobs, and ends.
MAIN = """
import os, sys
from filterbench.jobs.forked import ADDRESS, start
start()
print(os.environ[ADDRESS], flush=True)
sys.stdin.read()
"""
JOB = """
import os, sys, time
from filterbench.jobs.forked import end_as, run_in_child
end_as(run_in_child({call}, modules={modules}))
"""
# A child that says who it is, and then takes its time.
WAITING = """exec, "import os, time; print(os.getpid(), flush=True); time.sleep(60)" """


@pytest.fixture
def main() -> Iterator[subprocess.Popen]:
    """A process that has started a warm parent."""
    with subprocess.Popen(
        [sys.executable, "-c", MAIN],
        env=os.environ | PATHS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.address = process.stdout.readline().strip()
        yield process
        process.stdin.close()


def start(main: subprocess.Popen, call: str, modules: tuple[str, ...] = (), **options) -> subprocess.Popen:
    """Start a process that has the warm parent's child call something."""
    return subprocess.Popen(
        [sys.executable, "-c", JOB.format(call=call, modules=list(modules))],
        env=os.environ | PATHS | {ADDRESS: main.address} | options.pop("environment", {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(1000):
        if not running(pid):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("print, 'done'", 0),
        ("sys.exit, 3", 3),
        ("exec, 'raise ValueError'", 1),
        ("exec, 'import os; os.kill(os.getpid(), 9)'", -signal.SIGKILL),
        ("exec, 'import os; os.kill(os.getpid(), 15)'", -signal.SIGTERM),
    ],
)
def test_a_job_ends_as_its_child_ends(call, code, main):
    process = start(main, call)
    _, errors = process.communicate()
    assert process.returncode == code, errors


def test_a_child_has_the_streams_the_folder_and_the_environment_of_the_job(main, tmp_path):
    code = "import os, sys; print(os.getcwd(), os.environ['MINE'], input()); sys.stderr.write('told')"
    process = start(
        main, f"exec, {code!r}", cwd=tmp_path, environment={"MINE": "here"}, stdin=subprocess.PIPE
    )
    output, errors = process.communicate("said")
    assert output == f"{tmp_path} here said\n"
    assert errors == "told"


def test_children_have_what_the_parent_imported_and_change_nothing_for_each_other(main):
    code = "import sys; print('colorsys' in sys.modules, hasattr(sys, 'mine')); sys.mine = 1"
    for modules in (["colorsys"], []):
        output, _ = start(main, f"exec, {code!r}", modules).communicate()
        assert output == "True False\n"


def test_jobs_run_at_once(main):
    jobs = [start(main, WAITING) for _ in range(3)]
    assert len({job.stdout.readline() for job in jobs}) == 3
    for job in jobs:
        job.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_job_reaches_its_child(number, main):
    process = start(main, WAITING)
    child = int(process.stdout.readline())
    process.send_signal(number)
    _, errors = process.communicate()
    assert ends(child)
    # A keyboard interrupt is an exception in the child, with its traceback.
    assert process.returncode == (1 if number == signal.SIGINT else -number)
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)


def test_a_signal_to_a_job_whose_child_has_just_ended_harms_no_other(main):
    code = "import os; print(os.getppid(), flush=True); input()"
    other = start(main, f"exec, {code!r}", stdin=subprocess.PIPE)
    parent = int(other.stdout.readline())
    process = start(main, WAITING)
    child = int(process.stdout.readline())
    # The parent sees both at once.
    os.kill(parent, signal.SIGSTOP)
    os.kill(child, signal.SIGKILL)
    assert ends(child)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    os.kill(parent, signal.SIGCONT)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    _, errors = other.communicate("\n")
    assert other.returncode == 0, errors


def test_the_parent_ends_with_the_process_that_started_it_once_its_jobs_have_ended(main):
    process = start(
        main, """exec, "import os; print(os.getppid(), flush=True); input()" """, stdin=subprocess.PIPE
    )
    parent = int(process.stdout.readline())
    main.kill()
    main.wait()
    # A job that outlives Snakemake goes on, as every process of a job does.
    time.sleep(0.2)
    assert running(parent)
    _, errors = process.communicate("\n")
    assert process.returncode == 0, errors
    assert ends(parent)
    assert not Path(main.address).parent.exists()


def test_a_job_whose_parent_is_killed_is_killed(main):
    process = start(
        main, """exec, "import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(60)" """
    )
    parent, child = map(int, process.stdout.readline().split())
    os.kill(parent, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert ends(child)


def test_a_job_that_the_system_refuses_a_child_runs_in_its_own_process(main, monkeypatch, capfd):
    parent = int(start(main, "exec, 'import os; print(os.getppid())'").communicate()[0])
    # The job ends before the parent has closed its connection to it; one socket listens.
    for _ in range(500):
        if len(psutil.Process(parent).net_connections("unix")) == 1:
            break
        time.sleep(0.01)
    taken = {int(each.name) for each in Path(f"/proc/{parent}/fd").iterdir()}
    # Room for the connection and the three streams of a job, and not for its child's end.
    *_, last = itertools.islice((number for number in itertools.count() if number not in taken), 4)
    psutil.Process(parent).rlimit(psutil.RLIMIT_NOFILE, (last + 1, 1024))
    monkeypatch.setenv(ADDRESS, main.address)
    before = signal.getsignal(signal.SIGTERM)
    assert run_in_child(print, "a child", modules=[]) is None
    # The job that goes on here is stopped as ever.
    assert signal.getsignal(signal.SIGTERM) == before
    psutil.Process(parent).rlimit(psutil.RLIMIT_NOFILE, (1024, 1024))
    assert run_in_child(print, "a child", modules=[]) == 0


@pytest.mark.parametrize("size", [1, 10**7])
def test_a_job_whose_parent_dies_before_it_takes_it_runs_in_its_own_process(size, main, monkeypatch):
    parent = int(start(main, "exec, 'import os; print(os.getppid())'").communicate()[0])
    monkeypatch.setenv(ADDRESS, main.address)
    before = signal.getsignal(signal.SIGTERM)
    # The request waits in the socket's buffer, or is larger than that.
    os.kill(parent, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (parent, signal.SIGKILL)).start()
    assert run_in_child(print, size * b" ", modules=[]) is None
    assert signal.getsignal(signal.SIGTERM) == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGTERM, signal.SIGINT}


def test_a_job_that_was_stopped_while_its_parent_died_does_not_go_on(main):
    parent = int(start(main, "exec, 'import os; print(os.getppid())'").communicate()[0])
    os.kill(parent, signal.SIGSTOP)
    process = start(main, "print, 'done'")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    os.kill(parent, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_a_job_that_is_killed_while_it_asks_leaves_nothing_open(main):
    parent = int(start(main, "exec, 'import os; print(os.getppid())'").communicate()[0])
    files = Path(f"/proc/{parent}/fd")
    for _ in range(5):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(main.address)
            socket.send_fds(connection, [(100).to_bytes(8)], [0, 1, 2])
    assert start(main, "print, 'done'").wait() == 0
    # Those of the last job may still be there.
    assert len(list(files.iterdir())) < 5 * 3


def test_a_job_for_which_the_parent_has_no_file_waits_for_one(main, monkeypatch):
    parent = psutil.Process(int(start(main, "exec, 'import os; print(os.getppid())'").communicate()[0]))
    time.sleep(0.2)
    taken = {int(each.name) for each in Path(f"/proc/{parent.pid}/fd").iterdir()}
    free = next(number for number in itertools.count() if number not in taken)
    parent.rlimit(psutil.RLIMIT_NOFILE, (free, 1024))
    threading.Timer(1, parent.rlimit, (psutil.RLIMIT_NOFILE, (1024, 1024))).start()
    monkeypatch.setenv(ADDRESS, main.address)
    before = sum(parent.cpu_times()[:2])
    assert run_in_child(print, "a child", modules=[]) == 0
    assert sum(parent.cpu_times()[:2]) - before < 0.3


def test_a_long_temporary_folder_has_no_parent_and_no_error(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    script = MAIN.replace("print(os.environ[ADDRESS], flush=True)", "print(os.environ.get(ADDRESS))")
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | PATHS | {"TMPDIR": str(folder), ADDRESS: ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == ""
    assert not list(folder.iterdir())


@pytest.mark.parametrize("address", ["", "/nowhere/socket"])
def test_without_a_parent_the_job_runs_in_its_own_process(address, monkeypatch):
    monkeypatch.setenv(ADDRESS, address)
    assert run_in_child(print, modules=[]) is None
