"""The entry point of the command `filterbench`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from filterbench import __version__
from filterbench.command.audit import NOT_AUDITED, audit
from filterbench.command.prune import DEFAULT_NAME, Request, prune
from filterbench.storage.errors import InputError


def main(arguments: list[str] | None = None) -> None:
    """Run the command, and end the process with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        asked = vars(_parser().parse_args(given))
        command = asked.pop("command")
        sys.exit(audit(**asked) if command == "audit" else prune(Request(**asked)))
    except (InputError, OSError) as reason:
        print(f"error: {reason}", file=sys.stderr)
        sys.exit(NOT_AUDITED if given[:1] == ["audit"] else 1)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments; argparse's exit code would be a number of findings."""
        raise InputError(f"{message}; `{self.prog} --help` lists the options")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "filterbench", description="Prune the filters of a trained net, or audit reported results of pruning."
    )
    parser.add_argument("--version", action="version", version=f"filterbench {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser(
        "audit",
        help="audit a table of reported results; the exit code is the number of findings",
        description="Recount a table of reported results, and check its numbers against each other. Nothing "
        "is trained. The exit code is the number of findings, at most 100; 101 means that there is no "
        "audit: the table cannot be read, the audit cannot be written, or an argument is wrong.",
    )
    table.add_argument("table", type=Path, metavar="FILE", help="a CSV file, or `literature`")
    table.add_argument(
        "--folder", type=Path, help="for audit.json, findings.csv and audit.md; default below results/audit"
    )
    one = commands.add_parser(
        "prune",
        help="prune one net, fine-tune it and print its file",
        description="Prune one net and fine-tune it. A study file for the workflow is written to the working "
        "directory; results go to results/. Repeated, the command resumes where it stopped.",
    )
    needed = one.add_argument_group("required arguments")
    needed.add_argument(
        "--weights", type=Path, required=True, metavar="FILE", help="a state dict, .pt or .safetensors"
    )
    needed.add_argument("--model", required=True, help="its model, such as resnet18 or torchvision:resnet18")
    needed.add_argument("--pruner", required=True, help="such as L1FilterPruner")
    needed.add_argument("--sparsity", type=float, required=True, help="share of the filters to prune")
    needed.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="one folder of images per class"
    )
    one.add_argument(
        "--width", type=float, default=1.0, help="the model's width multiplier (default: %(default)s)"
    )
    one.add_argument(
        "--image-size", type=int, default=32, help="pixels, a multiple of 32 (default: %(default)s)"
    )
    one.add_argument(
        "--mean",
        type=float,
        nargs="+",
        help="per channel, 0 to 1, as the net was trained with (default: that of the training images)",
    )
    one.add_argument("--std", type=float, nargs="+", help="likewise")
    one.add_argument("--epochs", type=int, default=10, help="epochs of fine-tuning (default: %(default)s)")
    one.add_argument(
        "--name",
        default=DEFAULT_NAME,
        help="name of the study, and of its folder in results/ (default: %(default)s)",
    )
    one.add_argument("--cores", default="all", help="number of cores to use (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
