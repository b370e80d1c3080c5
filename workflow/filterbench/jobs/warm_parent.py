"""A process that has torch and the stages loaded, and forks a child for each job.

Importing torch takes a process seconds; a fork of one that has it takes hundredths of a second. Snakemake
starts a process for each job all the same: that one asks the warm parent for a child, passes its standard
streams, directory and environment on, and ends as the child ends. Where there is no warm parent (on a
cluster, for jobs with a GPU, on other systems than Linux, with `--no-hooks`), it runs the job itself.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import pickle
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filterbench.jobs.processes import end_with_parent

ADDRESS = "FILTERBENCH_WARM_PARENT"
FORWARDED = (signal.SIGINT, signal.SIGTERM)
# One thread, since a fork keeps no other; jobs choose their own number.
SINGLE = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
# Standard input, output and error.
STREAMS = 3
# Seconds until a job is accepted again for which there was no file.
PAUSE = 0.1
_HEADER = struct.Struct("!Q")
_STATUS = struct.Struct("!i")
# In place of an exit code: there is no child, as the system refused one.
_NO_CHILD = -(2**31)
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
        command = [sys.executable, "-m", __name__, str(listener.fileno()), folder]
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
            socket.send_fds(connection, [_HEADER.pack(len(request))], [*range(STREAMS)])
            connection.sendall(request)
            handler = _forwarding_to(connection, passed_on)
            handlers = {number: signal.signal(number, handler) for number in FORWARDED}
        except ConnectionError:
            return None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
        try:
            status = connection.recv(_STATUS.size, socket.MSG_WAITALL)
        except ConnectionError:
            # The parent ended before it had read all: the request, so that there is no child, or a signal.
            return -passed_on[-1] if passed_on else None
        finally:
            for number, before in handlers.items():
                signal.signal(number, before)
    if len(status) < _STATUS.size:
        # The system's way to get memory back.
        return -signal.SIGKILL
    code = _STATUS.unpack(status)[0]
    return None if code == _NO_CHILD else code


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


class _Parent:
    """The warm parent: one thread that takes requests, forks, and passes signals and exit codes on."""

    def __init__(self, listener: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        self._children: dict[int, socket.socket] = {}
        self._accepting = True
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._stop)

    def serve(self) -> None:
        """Serve until the process that started this one has ended, and all jobs too."""
        while self._accepting or self._children:
            for key, _ in self._selector.select():
                # What was before it in this round may have ended it.
                if key in self._selector.get_map().values():
                    key.data()

    def _stop(self) -> None:
        self._accepting = False
        self._selector.unregister(sys.stdin.fileno())
        self._selector.unregister(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            # The job waits until another one has left it a file.
            time.sleep(PAUSE)
            return
        streams: list[int] = []
        try:
            header, streams, _, _ = socket.recv_fds(connection, _HEADER.size, STREAMS)
            request = _received(connection, _HEADER.unpack(header)[0])
            child, ended = self._fork(streams, request)
        except (OSError, struct.error):
            # There is no child; it may have been killed before it sent its request.
            with contextlib.suppress(OSError), connection:
                connection.sendall(_STATUS.pack(_NO_CHILD))
            return
        finally:
            for stream in streams:
                os.close(stream)
        self._children[child] = connection
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._pass_on(child))
        self._selector.register(ended, selectors.EVENT_READ, lambda: self._reap(child, ended))

    def _fork(self, streams: list[int], request: bytes) -> tuple[int, int]:
        """Fork a child for a request; its number, and a file that is ready when it has ended.

        Raises:
            OSError: the system has no process or no file left; then there is no child.
        """
        if len(streams) < STREAMS:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        function, arguments, modules, environment, folder = pickle.loads(request)
        for module in modules:
            # An import that fails here fails again in the child, which logs it.
            with contextlib.suppress(Exception):
                importlib.import_module(module)
        child = os.fork()
        if not child:
            self._run(function, arguments, lambda: _become_job(streams, environment, folder))
        try:
            return child, os.pidfd_open(child)
        except OSError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise

    def _run(
        self, function: Callable[..., None], arguments: tuple[Any, ...], begin: Callable[[], None]
    ) -> None:
        """Call the function in a child, and end the process with the exit code that Python would end with."""
        code: Any = 1
        try:
            self._close()
            begin()
            function(*arguments)
            code = 0
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            # Whoever read the output may be gone.
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code if isinstance(code, int) else int(code is not None))

    def _close(self) -> None:
        """Close, in a child, what is the parent's: the end of a process shows in its connection."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()

    def _pass_on(self, child: int) -> None:
        """Pass a signal on to a child; one whose asking process was killed is killed."""
        try:
            received = self._children[child].recv(1)
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(self._children[child])
        os.kill(child, received[0] if received else signal.SIGKILL)

    def _reap(self, child: int, ended: int) -> None:
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        connection = self._children.pop(child)
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection)
        with contextlib.suppress(OSError), connection:
            connection.sendall(_STATUS.pack(os.waitstatus_to_exitcode(status)))


def _received(connection: socket.socket, size: int) -> bytes:
    data = connection.recv(size, socket.MSG_WAITALL)
    if len(data) < size:
        raise ConnectionError
    return data


def _become_job(streams: list[int], environment: dict[str, str], folder: str) -> None:
    """Take on streams, environment and directory of the process that asked."""
    # The job ends with the warm parent, which could no longer pass its exit code on.
    end_with_parent()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for handled in FORWARDED:
        signal.signal(handled, signal.default_int_handler if handled == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _Parent(socket.socket(fileno=int(sys.argv[1]))).serve()
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
    # Python takes half a second to take torch down, for which whoever reads Snakemake's output would wait.
    sys.stdout.flush()
    os._exit(0)
