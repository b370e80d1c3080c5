import gzip
import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from filterbench.data.cifar10 import CIFAR10
from filterbench.data.file import read_images
from filterbench.data.loading import load_splits
from filterbench.data.preparing import prepare_data
from filterbench.errors import InputError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CPU = torch.device("cpu")


def write_idx(path: Path, array: np.ndarray) -> None:
    """Yann LeCun's idx format: magic number with type and rank, sizes, bytes."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def fashion_folder(tmp_path) -> Path:
    """Fashion-MNIST's four files with 60 and 20 images; the training part zipped."""
    random = np.random.default_rng(0)
    folder = tmp_path / "fashion"
    folder.mkdir()
    for part, count, suffix in (("train", 60, ".gz"), ("t10k", 20, "")):
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", np.arange(count, dtype=np.uint8) % 3)
    return folder


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch) -> Path:
    """CIFAR-10's python files with 20 images each, and torchvision's table with their checksums."""
    random = np.random.default_rng(0)
    folder = tmp_path / "cifar"
    (folder / CIFAR10.base_folder).mkdir(parents=True)

    def write(name: str, content: dict) -> str:
        data = pickle.dumps(content)
        (folder / CIFAR10.base_folder / name).write_bytes(data)
        return hashlib.md5(data).hexdigest()

    def batch(name: str) -> list[str]:
        pixels = random.integers(0, 256, (20, 3072), dtype=np.uint8)
        return [name, write(name, {"data": pixels, "labels": [i % 4 for i in range(20)]})]

    monkeypatch.setattr(CIFAR10, "train_list", [batch(f"data_batch_{i}") for i in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch")])
    checksum = write("batches.meta", {"label_names": list("abcd")})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": checksum})
    return folder


def test_digits_are_split_in_proportion_without_overlap(digits_file):
    content = read_images(digits_file)
    assert content.images.shape == (1797, 1, 32, 32)
    sizes = {name: len(indices) for name, indices in content.splits.items()}
    assert sizes == {"train": 1293, "validation": 144, "test": 360}
    assert sorted(np.concatenate(list(content.splits.values()))) == list(range(1797))
    for indices in content.splits.values():
        shares = np.bincount(content.labels[indices]) / len(indices)
        assert np.abs(shares - 0.1).max() < 0.02


def test_the_same_dataset_gives_the_same_bytes(digits_file, tmp_path):
    prepare_data("digits", None, tmp_path, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == digits_file.read_bytes()


def test_fashion_mnist_from_a_folder_keeps_its_test_images(fashion_folder, tmp_path):
    content = prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")
    assert content.images.shape == (80, 1, 32, 32)
    assert sorted(content.splits["test"]) == list(range(60, 80))
    assert not content.images[:, :, :2].any()
    assert content.images[:, :, 2:30, 2:30].any()


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_as_debian_installs_it(tmp_path):
    content = prepare_data("fashion-mnist", DEBIAN, tmp_path, tmp_path / "fashion.npz")
    assert {name: len(indices) for name, indices in content.splits.items()} == {
        "train": 54_000,
        "validation": 6_000,
        "test": 10_000,
    }
    assert np.bincount(content.labels).tolist() == [7_000] * 10


def test_cifar10_from_a_folder_in_its_own_format(cifar_folder, tmp_path):
    content = prepare_data("cifar10", cifar_folder, tmp_path, tmp_path / "cifar.npz")
    assert content.images.shape == (120, 3, 32, 32)
    assert sorted(content.splits["test"]) == list(range(100, 120))
    first = pickle.loads((cifar_folder / CIFAR10.base_folder / "data_batch_1").read_bytes())
    assert np.array_equal(content.images[0].ravel(), first["data"][0])


def test_a_damaged_cifar10_file_is_refused(cifar_folder, tmp_path):
    with (cifar_folder / CIFAR10.base_folder / "data_batch_3").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="missing or have the wrong checksum"):
        prepare_data("cifar10", cifar_folder, tmp_path, tmp_path / "cifar.npz")


def test_a_missing_or_damaged_idx_file_is_named(fashion_folder, tmp_path):
    zipped = fashion_folder / "train-images-idx3-ubyte.gz"
    zipped.write_bytes(zipped.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz: not a readable idx file"):
        prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")
    zipped.unlink()
    with pytest.raises(InputError, match="train-images-idx3-ubyte .* is missing"):
        prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10"])
def test_without_network_the_error_says_what_to_put_where(name, tmp_path, monkeypatch):
    # Every name lookup goes to a port where nothing listens.
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"the download failed .* name that folder as dataset\.folder"):
        prepare_data(name, None, tmp_path / "downloads", tmp_path / "images.npz")


def test_a_folder_for_digits_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"dataset\.folder: digits .* set it to null"):
        prepare_data("digits", tmp_path, tmp_path, tmp_path / "digits.npz")


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign"])
def test_a_damaged_data_file_is_refused(digits_file, tmp_path, damage):
    path = tmp_path / "digits.npz"
    data = bytearray(digits_file.read_bytes())
    if damage == "altered":
        with np.load(digits_file) as stored:
            arrays = dict(stored)
        arrays["labels"] = arrays["labels"][::-1]
        np.savez(path, **arrays)
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"\x89PNG nonsense")
    with pytest.raises(InputError, match=r"digits\.npz: .*remove it, and the next run makes it again"):
        read_images(path)


def test_the_protocol_decides_which_images_choose(digits_file):
    held_out = load_splits(digits_file, "validation", {}, CPU)
    published = load_splits(digits_file, "test", {}, CPU)
    assert held_out.sizes() == {"train": 1293, "selection": 144, "test": 360}
    assert published.sizes() == {"train": 1437, "selection": 360, "test": 360}
    assert torch.equal(published.selection.pixels, published.test.pixels)


def test_limits_take_the_first_images(digits_file):
    limits = {"train": 100, "validation": 20, "test": 30}
    splits = load_splits(digits_file, "validation", limits, CPU)
    assert splits.sizes() == {"train": 100, "selection": 20, "test": 30}
    with pytest.raises(InputError, match=r"dataset\.test_images: 361 is more than the 360"):
        load_splits(digits_file, "validation", {"test": 361}, CPU)


def test_images_are_normalised_to_three_channels(digits_file):
    images = load_splits(digits_file, "validation", {}, CPU).train
    batch = images.normalised(images.pixels)
    assert batch.shape == (1293, 3, 32, 32)
    assert abs(batch.mean()) < 1e-4
    assert abs(batch.std() - 1) < 1e-3
