"""The scripts of docs/."""

import importlib.util
from types import ModuleType

from checkout import REPOSITORY


def load(path: str) -> ModuleType:
    """A script as a module of its own.

    Args:
        path: in docs/, without its ending.
    """
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), REPOSITORY / f"docs/{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
