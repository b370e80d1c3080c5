"""Digests of the code that a rule's numbers come from, so that a changed line reruns just what it can change.

A digest covers the definitions that a stage reaches, function by function, and of a registry the entries
that the job uses. It leaves out what changes no number: documents and their schemas, files and logs, error
messages, docstrings, comments, layout and type annotations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from filterbench.orchestration.definitions import PACKAGE, Definition, entry_of, module_of, part_of
from filterbench.own_code.registering import base_of, home_of

# Packages on which no number depends: how files and documents are written and checked, and how a job is run.
# What arguments are, a job's params say.
PLUMBING = tuple(
    f"filterbench.{name}" for name in ("documents", "jobs", "orchestration", "storage", "pruners.arguments")
)
# By registry: the name of its dictionary, what of a job chooses among its entries, and the function that
# loads the code which an entry points to (None: an entry is its own code).
REGISTRIES = {
    "filterbench.pruners.registry": ("PRUNERS", "pruner", "make_pruner"),
    "filterbench.models.registry": ("MODELS", "model", "build_model"),
    "filterbench.data.registry": ("DATASETS", "dataset", "fetch_images"),
    "filterbench.training.penalties": ("PENALTIES", "penalty", "gradients_of"),
    "filterbench.plotting.style": ("STYLES", "pruner", None),
}


def rule_digest(stage: str, **uses: str | Sequence[str]) -> str:
    """Digest of the code that a stage runs.

    Args:
        stage: name of a module in `filterbench.stages`.
        uses: the entries that the job uses, one or several, by kind: `pruner`, `model`, `dataset`, `penalty`.
            Of a registry no other entry counts.
    """
    named = {kind: (names,) if isinstance(names, str) else names for kind, names in uses.items()}
    chosen = {kind: tuple(map(base_of, names)) for kind, names in named.items()}
    return _digest(stage, tuple(sorted(chosen.items())))


@cache
def _digest(stage: str, uses: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    chosen = dict(uses)
    first = module_of(f"{PACKAGE}.stages.{stage}")
    todo = [Definition(first.name, name) for name in (None, *first.names)]
    reached: dict[Definition, str] = {}
    while todo:
        definition = todo.pop()
        module = definition.module
        if definition in reached or _is_plumbing(module):
            continue
        registry, kind, loader = REGISTRIES.get(module, ("", "", ""))
        if definition.name == registry:
            # What an entry says, a job's params say too.
            keys = chosen.get(kind, ()) if loader is None else ()
            reached[definition] = "\n".join(entry_of(module, registry, key)[0] for key in keys)
            continue
        reached[definition], references = part_of(definition)
        todo += references
        if definition.name == loader:
            for key in chosen.get(kind, ()):
                todo += entry_of(home_of(registry, key) or module, registry, key)[1]
    text = "\n".join(f"{key.module}:{key.name}\n{code}" for key, code in sorted(reached.items(), key=_place))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _place(item: tuple[Definition, str]) -> tuple[str, str]:
    return item[0].module, item[0].name or ""


@cache
def _is_plumbing(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in PLUMBING)
