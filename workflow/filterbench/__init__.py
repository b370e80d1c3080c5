"""FilterBench: a reproducible comparison of filter pruning algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filterbench.compaction.portable import PortableNet

__version__ = "0.2.0"

# Nets in the folders of a cell and of a baseline.
_NETS = ("finetune.safetensors", "model.safetensors")


def load(path: str | Path, code: Sequence[str] = ()) -> PortableNet:
    """A net that a study has trained, pruned or not, on the CPU and in evaluation mode.

    Args:
        path: the folder of a cell or of a baseline, such as `results/default/vgg16/seed-0/baseline`; or a
            file of weights alone, wherever it lies.
        code: the study's own code that defines the model, as in its `code`: modules or `.py` files.

    Returns:
        A module with `read(*files)`, `preprocess(pixels)`, `state_dict_like(file)`, `classes`, `metadata`
        and, as `net`, the plain net.

    Raises:
        filterbench.storage.errors.InputError: there is no net, or it cannot be rebuilt.
    """
    # Here, because importing the package must not cost the seconds that torch takes.
    from filterbench.compaction.portable import read_portable
    from filterbench.models import torchvision_nets
    from filterbench.own_code.registering import register
    from filterbench.storage.errors import InputError

    given = Path(path)
    found = [file for name in _NETS if (file := given / name).is_file()] if given.is_dir() else [given]
    if not found or not found[0].is_file():
        raise InputError(f"{path}: no net; allowed: a file, or a folder that contains {' or '.join(_NETS)}")
    register([torchvision_nets.__name__, *code], {}, "filterbench.load")
    return read_portable(found[0])
