"""A job as a child of the warm parent: starting the parent, asking it for a child, ending as the child ends.

Snakemake starts a process for each job. That process asks the warm parent for a child, passes its standard
streams, directory and environment on, and ends as the child ends. Where there is no warm parent (on a
cluster, for jobs with a GPU, on other systems than Linux, with `--no-hooks`), it runs the job itself.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filterbench.jobs import warm_parent
from filterbench.jobs.warm_parent import FORWARDED, HEADER, NO_CHILD, STATUS, STREAMS

ADDRESS = "FILTERBENCH_WARM_PARENT"
# One thread, since a fork keeps no other; jobs choose their own number.
SINGLE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
# The pipe on which the warm parent sees this process end.
_KEPT: list[subprocess.Popen] = []


def start() -> None:
    """Start a warm parent for the jobs that this process will start; it ends with this process.

    It imports nothing before a job asks for it. Only on Linux, and where the system allows what it needs;
    elsewhere each job imports for itself.
    """
    if sys.platform != "linux":
        return
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            os.close(os.pidfd_open(os.getpid()))
            folder = tempfile.mkdtemp(prefix="filterbench-")
        except OSError:
            return
        address = str(Path(folder) / "socket")
        try:
            listener.bind(address)
        except OSError:
            # Such an address has at most 107 bytes, and TMPDIR may be a long path.
            shutil.rmtree(folder, ignore_errors=True)
            return
        listener.listen(256)
        command = [sys.executable, "-m", warm_parent.__name__, str(listener.fileno()), folder]
        _KEPT.append(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                env=os.environ | SINGLE,
                # A key press in the terminal reaches a job through the process that Snakemake started for it.
                start_new_session=True,
            )
        )
    os.environ[ADDRESS] = address


def run_in_child(function: Callable[..., None], *arguments: Any, modules: list[str]) -> int | None:
    """Call a function in a child of the warm parent, and wait for its end.

    Args:
        function: to call; it and its arguments are pickled.
        arguments: of the function.
        modules: what the parent imports before it forks.

    Returns:
        The child's exit code, negative for the signal that ended it; None where there is no warm parent, it
        ends before it has a child, or the system refuses it one.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        return None
    request = pickle.dumps((function, arguments, modules, dict(os.environ), str(Path.cwd())))
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        passed_on: list[int] = []
        # A signal that comes before the handlers are there waits for them.
        allowed = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            socket.send_fds(connection, [HEADER.pack(len(request))], [*range(STREAMS)])
            connection.sendall(request)
            handler = _forwarding_to(connection, passed_on)
            handlers = {number: signal.signal(number, handler) for number in FORWARDED}
        except ConnectionError:
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
        try:
            status = connection.recv(STATUS.size, socket.MSG_WAITALL)
        except ConnectionError:
            # The parent ended before it had read all: the request, so that there is no child, or a signal.
            return -passed_on[-1] if passed_on else None
        finally:
            for number, before in handlers.items():
                signal.signal(number, before)
    if len(status) < STATUS.size:
        # The system's way to get memory back.
        return -signal.SIGKILL
    code = STATUS.unpack(status)[0]
    return None if code == NO_CHILD else code


def _forwarding_to(connection: socket.socket, passed_on: list[int]) -> Callable[[int, object], None]:
    def handler(received: int, _frame: object) -> None:
        passed_on.append(received)
        # The child may just have ended.
        with contextlib.suppress(OSError):
            connection.sendall(bytes([received]))

    return handler


def end_as(code: int) -> None:
    """End this process with an exit code of `run_in_child`."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
