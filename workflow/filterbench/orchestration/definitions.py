"""Python source as what it defines and what it refers to, without what changes no number.

The package's modules are taken apart. A user's module counts whole, with those of the user's modules that it
imports: it can register and import in any way that Python allows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

from filterbench.own_code.registering import folder_of

PACKAGE = "filterbench"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Definition:
    """A top-level name of a module; None means the statements that run when it is imported.

    Those of a user's module are all that is in it.
    """

    module: str
    name: str | None


class Module:
    """A module's top-level definitions, and what they refer to."""

    def __init__(self, name: str) -> None:
        self.name = name
        path = _source(name)
        self._package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        # As bytes: a file may name its encoding. A package needs none.
        tree = _Meaning().visit(ast.parse(path.read_bytes() if path.exists() else b""))
        self._imports: dict[str, tuple[str, str | None]] = {}
        self._parts: dict[str, ast.AST] = {}
        self._statements = ast.Module(body=[], type_ignores=[])
        for node in tree.body:
            self._take(node)
        if _is_users(name):
            self._statements = tree

    def _take(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._imports |= dict(self._imported(node))
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
        """The value of a key of a registry, all of a user's module; None without such a key."""
        if _is_users(self.name):
            return self._statements
        assigned = self._parts[registry]
        value = assigned.value if isinstance(assigned, ast.Assign | ast.AnnAssign) else None
        assert isinstance(value, ast.Dict)
        pairs = zip(value.keys, value.values, strict=True)
        return next((value for name, value in pairs if getattr(name, "value", None) == key), None)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str | None]]]:
        """What an import binds: by name the module and the name in it, None for a module itself."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, (alias.name, None)
            return
        source = node.module or ""
        if node.level:
            source = resolve_name("." * node.level + source, self._package)
        for alias in node.names:
            inner = f"{source}.{alias.name}"
            is_module = _is_own(inner) and _source(inner).exists()
            yield alias.asname or alias.name, (inner, None) if is_module else (source, alias.name)

    def references(self, node: ast.AST) -> Iterator[Definition]:
        """The definitions of the package and of the user that a piece of this module's code refers to."""
        yield Definition(self.name, None)
        for module, name in self._named(node):
            if not _is_users(module):
                yield Definition(module, name)
                continue
            # The packages that a module is in run when it is imported.
            parts = module.split(".")
            yield from (Definition(".".join(parts[:length]), None) for length in range(1, len(parts) + 1))

    def _named(self, node: ast.AST) -> Iterator[tuple[str, str | None]]:
        for child in ast.walk(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                # An import within a function, or anywhere in a user's module.
                yield from (target for _, target in self._imported(child) if _is_own(target[0]))
            elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
                # `module.name` of an imported module.
                module, name = self._imports.get(child.value.id, ("", ""))
                if _is_own(module) and name is None:
                    yield module, child.attr
            elif isinstance(child, ast.Name) and child.id in self._imports:
                module, name = self._imports[child.id]
                if _is_own(module):
                    yield module, name
            elif isinstance(child, ast.Name) and child.id in self._parts:
                yield self.name, child.id
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                # A registry's lazy "module:Name".
                module, colon, name = child.value.partition(":")
                if colon and _is_own(module):
                    yield module, name


@cache
def module_of(name: str) -> Module:
    """The definitions of a module of the package or of the user's own."""
    return Module(name)


@cache
def part_of(definition: Definition) -> tuple[str, list[Definition]]:
    """The code of a definition, and what it refers to."""
    source = module_of(definition.module)
    node = source.part(definition.name)
    return ("", []) if node is None else (ast.unparse(node), list(source.references(node)))


@cache
def entry_of(module: str, registry: str, key: str) -> tuple[str, list[Definition]]:
    """The same of an entry."""
    source = module_of(module)
    node = source.entry(registry, key)
    return ("", []) if node is None else (ast.unparse(node), list(source.references(node)))


def _is_own(module: str) -> bool:
    """Whether it is a module of this package or the user's own code."""
    return _is_packages(module) or _is_users(module)


def _is_packages(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _is_users(module: str) -> bool:
    # This package has modules that are registered as a user's are.
    return not _is_packages(module) and folder_of(module) is not None


def _source(module: str) -> Path:
    folder = ROOT.parent if _is_packages(module) else folder_of(module)
    assert folder
    path = folder.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


class _Meaning(ast.NodeTransformer):
    """Takes out what changes no number: docstrings, annotations, messages of errors and of the log."""

    def visit(self, node: ast.AST) -> Any:
        # All of it is in statements and arguments; most nodes are parts of expressions.
        return node if isinstance(node, ast.expr) else super().visit(node)

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

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if _is_name(node.test, "TYPE_CHECKING") else node

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
        if isinstance(called, ast.Attribute) and _is_name(called.value, "logger"):
            return ast.Pass()
        return self.generic_visit(node)
