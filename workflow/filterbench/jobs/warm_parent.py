"""A process that has torch and the stages loaded, and forks a child for each job (`filterbench.jobs.forked`).

Importing torch takes a process seconds; a fork of one that has it takes hundredths of a second.
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
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from filterbench.jobs.processes import end_with_parent

FORWARDED = (signal.SIGINT, signal.SIGTERM)
# Standard input, output and error.
STREAMS = 3
# Of a request: its size in bytes.
HEADER = struct.Struct("!Q")
# Of an answer: the child's exit code, or that there is no child, as the system refused one.
STATUS = struct.Struct("!i")
NO_CHILD = -(2**31)
# Seconds until a job is accepted again for which there was no file.
PAUSE = 0.1


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
            header, streams, _, _ = socket.recv_fds(connection, HEADER.size, STREAMS)
            request = _received(connection, HEADER.unpack(header)[0])
            child, ended = self._fork(streams, request)
        except (OSError, struct.error):
            # There is no child; it may have been killed before it sent its request.
            with contextlib.suppress(OSError), connection:
                connection.sendall(STATUS.pack(NO_CHILD))
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
            connection.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))


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
