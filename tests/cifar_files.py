"""CIFAR's own python files with few images."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10


def write_cifar(root: Path, dataset: type[CIFAR10], classes: int, images: int) -> dict[str, str]:
    """Write a dataset's files, each with random images of some classes in turn.

    Args:
        root: the folder that `dataset.folder` of a study names.
        dataset: torchvision's `CIFAR10` or `CIFAR100`.
        classes: how many.
        images: per file.

    Returns:
        By name, the MD5 of each file, which torchvision compares with its own.
    """
    dice = np.random.default_rng(0)
    folder = root / dataset.base_folder
    folder.mkdir(parents=True)
    names = dataset.meta["key"]
    labels = {names.replace("label_names", "labels"): [i % classes for i in range(images)]}
    contents: dict[str, dict] = {dataset.meta["filename"]: {names: [f"class {i}" for i in range(classes)]}}
    for name, _ in (*dataset.train_list, *dataset.test_list):
        contents[name] = {"data": dice.integers(0, 256, (images, 3072), dtype=np.uint8), **labels}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
    return {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in contents}
