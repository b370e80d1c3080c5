"""Snakemake in a process forked from one that has imported it, which takes more CPU time than a dry run.

As a script: reads requests from standard input, a line of JSON each, and answers with exit codes.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """What `snakemake` with these arguments does and says in a folder.

    Args:
        arguments: of the command line.
        folder: where it runs; its workflow's package is imported there.
        environment: all variables of the process.
    """
    server = _server()
    with TemporaryFile("w+") as said:
        path = f"/proc/{os.getpid()}/fd/{said.fileno()}"
        print(json.dumps([arguments, str(folder), environment, path]), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        said.seek(0)
        return subprocess.CompletedProcess(["snakemake", *arguments], code, said.read())


@cache
def _server() -> subprocess.Popen:
    """The process that has Snakemake; it ends with this one, whose end closes its standard input."""
    # Without the tests' own modules, and without any package of the name that the workflow's has.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-P", __file__], text=True, env=environment, **pipes)


def _serve() -> None:
    from snakemake import cli

    # It imports the plugins.
    cli.get_argument_parser()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(*json.loads(line))
            cli.main()
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(arguments: list[str], folder: str, environment: dict[str, str], said: str) -> None:
    """Take on arguments, directory, environment and streams of a process that was just started."""
    sys.argv = ["snakemake", *arguments]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, flags, streams in ((os.devnull, os.O_RDONLY, [0]), (said, os.O_WRONLY | os.O_APPEND, [1, 2])):
        opened = os.open(path, flags)
        for stream in streams:
            os.dup2(opened, stream)
        os.close(opened)


if __name__ == "__main__":
    _serve()
