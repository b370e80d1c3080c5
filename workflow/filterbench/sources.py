"""Digests of source code, so that a changed line reruns the rules that depend on it, and no others."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

import grimp

PACKAGE = "filterbench"
WORKFLOW = Path(__file__).parents[1]


def rule_digest(rule: str) -> str:
    """Digest of the code that a rule's script runs: the script, its stage and all that they import.

    Comments, docstrings, layout and modification times do not count.

    Args:
        rule: name of the rule, of its script and of its module in `filterbench.stages`.
    """
    stage = f"{PACKAGE}.stages.{rule}"
    modules = {f"{PACKAGE}.jobs", stage}
    graph = _import_graph()
    modules |= {upstream for module in modules for upstream in graph.find_upstream_modules(module)}
    paths = [WORKFLOW / "scripts" / f"{rule}.py", *map(_source, sorted(modules))]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_meaning(path).encode())
    return digest.hexdigest()[:16]


@cache
def _import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)


def _source(module: str) -> Path:
    path = WORKFLOW.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _meaning(path: Path) -> str:
    """The code without comments, docstrings and layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node) is not None:
                    node.body[0] = ast.Pass()
    return ast.unparse(tree)
