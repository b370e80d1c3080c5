"""Digests of the code that a rule's numbers come from, so that a changed line reruns just what it can change.

A digest covers the definitions that a stage reaches, function by function, and of a registry the entries
that the job uses. It leaves out what changes no number: documents and their schemas, files and logs, error
messages, docstrings, comments, layout and type annotations.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "filterbench"
ROOT = Path(__file__).parents[1]
# What no number depends on: how files are read, written and checked, and how a job is run.
_DOCUMENTS = ("checking", "parts", "reference", "rules", "schemas", "search_table", "types")
_RUNNING = (
    "code",
    "devices",
    "job",
    "processes",
    "resources",
    "runs",
    "sharing",
    "targets",
    "version",
    "warm_parent",
    "workers",
)
PLUMBING = (
    "filterbench.documents",
    *(f"filterbench.documents.{name}" for name in _DOCUMENTS),
    *(f"filterbench.running.{name}" for name in _RUNNING),
    # A job's params say what its arguments are.
    "filterbench.pruners.arguments",
)
FILES = "filterbench.storage."
# By registry: the name of its dictionary, what of a job chooses among its entries, and the function that
# loads the code which an entry points to (None: an entry is its own code).
REGISTRIES = {
    "filterbench.pruners.registry": ("PRUNERS", "pruner", "make_pruner"),
    "filterbench.models.registry": ("MODELS", "model", "build_model"),
    "filterbench.data.registry": ("DATASETS", "dataset", "fetch_images"),
    "filterbench.plotting.style": ("STYLES", "pruner", None),
}


def rule_digest(stage: str, **uses: str | Sequence[str]) -> str:
    """Digest of the code that a stage runs.

    Args:
        stage: name of a module in `filterbench.stages`.
        uses: the entries that the job uses, one or several, by kind: `pruner`, `model`, `dataset`. Of a
            registry no other entry counts.
    """
    chosen = {kind: (names,) if isinstance(names, str) else tuple(names) for kind, names in uses.items()}
    return _digest(stage, tuple(sorted(chosen.items())))


@cache
def _digest(stage: str, uses: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    chosen = dict(uses)
    first = _module(f"{PACKAGE}.stages.{stage}")
    todo = [Definition(first.name, name) for name in (None, *first.names)]
    reached: dict[Definition, str] = {}
    while todo:
        definition = todo.pop()
        module = definition.module
        if definition in reached or module in PLUMBING or module.startswith(FILES):
            continue
        registry, kind, loader = REGISTRIES.get(module, ("", "", ""))
        if definition.name == registry:
            # What an entry says, a job's params say too.
            keys = chosen.get(kind, ()) if loader is None else ()
            reached[definition] = "\n".join(_entry(module, registry, key)[0] for key in keys)
            continue
        reached[definition], references = _part(definition)
        todo += references
        if definition.name == loader:
            for key in chosen.get(kind, ()):
                todo += _entry(module, registry, key)[1]
    text = "\n".join(f"{key.module}:{key.name}\n{code}" for key, code in sorted(reached.items(), key=_place))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Definition:
    """A top-level name of a module; None stands for the statements that run when it is imported."""

    module: str
    name: str | None


def _place(item: tuple[Definition, str]) -> tuple[str, str]:
    return item[0].module, item[0].name or ""


class _Module:
    """A module's top-level definitions, and what they refer to."""

    def __init__(self, name: str) -> None:
        self.name = name
        tree = _Meaning().visit(ast.parse(_source(name).read_text(encoding="utf-8")))
        self._imports: dict[str, tuple[str, str | None]] = {}
        self._parts: dict[str, ast.AST] = {}
        self._statements = ast.Module(body=[], type_ignores=[])
        for node in tree.body:
            self._take(node)

    def _take(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._imports |= dict(_imported(node))
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self._parts[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                self._parts[name] = node
            case _:
                self._statements.body.append(node)

    @property
    def names(self) -> list[str]:
        """The names that it defines."""
        return list(self._parts)

    def part(self, name: str | None) -> ast.AST | None:
        """A definition, or the module's statements; None where it has no such name."""
        return self._statements if name is None else self._parts.get(name)

    def entry(self, registry: str, key: str) -> ast.AST | None:
        """The value of a key of a dictionary that is written out; None where there is no such key."""
        assigned = self._parts[registry]
        assert isinstance(assigned, ast.Assign | ast.AnnAssign)
        assert isinstance(assigned.value, ast.Dict)
        pairs = zip(assigned.value.keys, assigned.value.values, strict=True)
        return next((value for name, value in pairs if getattr(name, "value", None) == key), None)

    def references(self, node: ast.AST) -> Iterator[Definition]:
        """The definitions of the package that a piece of this module's code refers to."""
        yield Definition(self.name, None)
        for child in ast.walk(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                # An import within a function.
                yield from (Definition(*target) for _, target in _imported(child) if _is_own(target[0]))
            elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
                # `module.name` of an imported module.
                module, name = self._imports.get(child.value.id, ("", ""))
                if _is_own(module) and name is None:
                    yield Definition(module, child.attr)
            elif isinstance(child, ast.Name) and child.id in self._imports:
                module, name = self._imports[child.id]
                if _is_own(module):
                    yield Definition(module, name)
            elif isinstance(child, ast.Name) and child.id in self._parts:
                yield Definition(self.name, child.id)
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                # A registry's lazy "module:Name".
                module, colon, name = child.value.partition(":")
                if colon and module.startswith(f"{PACKAGE}."):
                    yield Definition(module, name)


@cache
def _module(name: str) -> _Module:
    return _Module(name)


@cache
def _part(definition: Definition) -> tuple[str, list[Definition]]:
    """The code of a definition, and what it refers to."""
    source = _module(definition.module)
    node = source.part(definition.name)
    return ("", []) if node is None else (ast.unparse(node), list(source.references(node)))


@cache
def _entry(module: str, registry: str, key: str) -> tuple[str, list[Definition]]:
    """The same of an entry."""
    source = _module(module)
    node = source.entry(registry, key)
    return ("", []) if node is None else (ast.unparse(node), list(source.references(node)))


def _is_own(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """What an import binds: by name the module and the name in it, None for a module itself."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name, (alias.name, None)
        return
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        is_module = _is_own(inner) and _source(inner).exists()
        target = (inner, None) if is_module else (node.module or "", alias.name)
        yield alias.asname or alias.name, target


def _source(module: str) -> Path:
    path = ROOT.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class _Meaning(ast.NodeTransformer):
    """Takes out what changes no number: docstrings, annotations, messages of errors and of the log."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._without_docstring(node)

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(called, ast.Attribute) and ast.unparse(called.value) == "logger":
            return ast.Pass()
        return self.generic_visit(node)
