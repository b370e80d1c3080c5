import gzip
import logging
import os
import pickle
import re
import shutil
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from cifar_files import write_cifar
from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from filterbench.data.cifar import CIFAR10, CIFAR100
from filterbench.data.contents import KNOWN
from filterbench.data.file import read_images
from filterbench.data.loading import load_splits
from filterbench.data.preparing import prepare_data
from filterbench.data.registry import IMAGES, content_digest, data_file
from filterbench.data.splitting import RawImages, faults_of
from filterbench.storage.errors import InputError

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


def small_cifar(root: Path, dataset: type[CIFAR10], monkeypatch) -> Path:
    """A dataset's python files with 40 images each, and torchvision's table with their checksums."""
    digests = write_cifar(root, dataset, classes=4, images=40)
    for part in ("train_list", "test_list"):
        monkeypatch.setattr(dataset, part, [[name, digests[name]] for name, _ in getattr(dataset, part)])
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": digests[dataset.meta["filename"]]})
    return root


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch) -> Path:
    return small_cifar(tmp_path / "cifar", CIFAR10, monkeypatch)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Class folders of 20 PNG and JPEG images each, of one colour and several sizes, half of them deeper."""
    folder = tmp_path / "photos"
    for name, color in (("bird", (250, 10, 10)), ("cat", (10, 10, 250)), ("ant", (10, 250, 10))):
        (folder / name / "more").mkdir(parents=True)
        for number in range(20):
            image = Image.new("RGB", (40 + number, 64 - number), color)
            path = (
                folder
                / name
                / ("more" if number % 2 else ".")
                / f"{number:02}.{'png' if number % 3 else 'jpg'}"
            )
            image.save(path)
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
    assert content.images.shape == (240, 3, 32, 32)
    assert sorted(content.splits["test"]) == list(range(200, 240))
    first = pickle.loads((cifar_folder / CIFAR10.base_folder / "data_batch_1").read_bytes())
    assert np.array_equal(content.images[0].ravel(), first["data"][0])


def test_a_damaged_cifar10_file_is_refused(cifar_folder, tmp_path):
    with (cifar_folder / CIFAR10.base_folder / "data_batch_3").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="missing or have the wrong checksum"):
        prepare_data("cifar10", cifar_folder, tmp_path, tmp_path / "cifar.npz")


def test_cifar100_from_a_folder_in_its_own_format_has_its_fine_classes(tmp_path, monkeypatch):
    folder = small_cifar(tmp_path / "cifar", CIFAR100, monkeypatch)
    content = prepare_data("cifar100", folder, tmp_path, tmp_path / "cifar.npz")
    assert content.classes == 4
    assert sorted(content.splits["test"]) == list(range(40, 80))
    first = pickle.loads((folder / CIFAR100.base_folder / "train").read_bytes())
    assert np.array_equal(content.images[0].ravel(), first["data"][0])
    assert content.labels[:5].tolist() == first["fine_labels"][:5]
    (folder / CIFAR100.base_folder / "test").unlink()
    with pytest.raises(InputError, match=r"folder that contains cifar-100-python"):
        prepare_data("cifar100", folder, tmp_path, tmp_path / "cifar.npz")


def test_a_folder_of_images_has_its_class_folders_in_alphabetical_order(photos, tmp_path):
    content = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    assert content.images.shape == (60, 3, 32, 32)
    names = load_splits(tmp_path / "photos.npz", "validation", {}, CPU).names
    assert names == ["ant", "bird", "cat"]
    brightest = content.images.mean(axis=(2, 3)).argmax(axis=1)
    # ant is green, bird red, cat blue.
    assert np.array_equal(brightest, np.array([1, 0, 2])[content.labels])
    counts = {name: np.bincount(content.labels[indices]).tolist() for name, indices in content.splits.items()}
    assert counts["test"] == [4, 4, 4]
    assert min(counts["validation"]) >= 1


def test_an_image_is_cut_to_its_centre_square_and_keeps_its_orientation(photos, tmp_path):
    pixels = np.zeros((32, 96, 3), dtype=np.uint8)
    pixels[:, 32:64, 0] = 200
    pixels[:16, 32:64, 1] = 200
    exif = Image.Exif()
    exif[0x0112] = 3  # Upside down.
    Image.fromarray(pixels).save(photos / "ant" / "00.png", exif=exif)
    content = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    (turned,) = [image for image in content.images if (image[0] == 200).all()]
    assert (turned[1] == 200).mean() == 0.5
    assert (turned[1, 16:] == 200).all()


def test_train_and_test_folders_are_the_splits(photos, tmp_path):
    for name in ("ant", "bird"):
        shutil.copytree(photos / name, tmp_path / "parts" / "train" / name)
        shutil.copytree(photos / name / "more", tmp_path / "parts" / "test" / name)
    content = prepare_data("image-folder", tmp_path / "parts", tmp_path, tmp_path / "photos.npz")
    assert sorted(content.splits["test"]) == list(range(40, 60))
    assert np.bincount(content.labels[content.splits["test"]]).tolist() == [10, 10]
    (tmp_path / "parts/test/bird").rename(tmp_path / "parts/test/birds")
    with pytest.raises(InputError, match="must have the same classes; one has no 'bird', 'birds'"):
        prepare_data("image-folder", tmp_path / "parts", tmp_path, tmp_path / "photos.npz")


def spoil(photos: Path, damage: str) -> Path | None:
    """Damage the folder, and say which one to read."""
    image = photos / "bird" / "02.png"
    if damage == "truncated":
        image.write_bytes(image.read_bytes()[:60])
    elif damage == "foreign":
        image.write_text("a note")
    elif damage == "deep":
        Image.fromarray(np.full((40, 40), 40_000, dtype=np.uint16)).save(image)
    elif damage == "few":
        for path in (photos / "cat" / "more").iterdir():
            path.unlink()
    elif damage == "empty class":
        (photos / "dog").mkdir()
    return {"none": None, "absent": photos / "nothing", "alone": photos / "bird"}.get(damage, photos)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("none", r"^dataset\.folder: image-folder needs a folder"),
        ("absent", r"^dataset\.folder: .*/photos/nothing must contain one folder of images per class"),
        ("alone", r"^dataset\.folder: .*/photos/bird has only the class 'more'; at least 2$"),
        (
            "empty class",
            r"^dataset\.folder: .*/photos/dog has 0 images; at least 15; images are files .*\.webp$",
        ),
        ("few", r"^dataset\.folder: .*/photos/cat has 10 images; at least 15; images are files .*\.webp$"),
        ("truncated", r"/bird/02\.png: not a readable image"),
        ("foreign", r"/bird/02\.png: not a readable image"),
        ("deep", r"/bird/02\.png: I;16 pixels; an image needs 8 bits per channel$"),
    ],
)
def test_a_faulty_folder_of_images_is_named(photos, tmp_path, damage, expected):
    with pytest.raises(InputError, match=expected):
        prepare_data("image-folder", spoil(photos, damage), tmp_path, tmp_path / "photos.npz")
    assert not (tmp_path / "photos.npz").exists()


def test_what_a_folder_holds_decides_not_where_it_lies(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = data_file("image-folder", str(photos))
    assert re.fullmatch(r"data/image-folder-[0-9a-f]{12}\.npz", file)
    (photos / "Thumbs.db").write_text("a system's own")
    (photos / "__MACOSX").mkdir()
    (photos / "__MACOSX/ant.png").write_text("no image")
    image = photos / "ant/00.jpg"
    os.utime(image, (0, 0))
    elsewhere = tmp_path / "a copy"
    shutil.copytree(photos, elsewhere)
    for same in (f"{photos}/", f"{photos}/ant/..", str(elsewhere)):
        assert data_file("image-folder", same) == file
    # Another image of the same size, under the same name and time.
    content = bytearray(image.read_bytes())
    content[-20] ^= 1
    image.write_bytes(content)
    assert data_file("image-folder", str(photos)) != file
    assert data_file("image-folder", str(elsewhere)) == file
    # A folder that is gone, such as on a disk that is not mounted, keeps its file.
    shutil.rmtree(elsewhere)
    assert data_file("image-folder", str(elsewhere)) == file
    # A named dataset has one file, and notices other files in its folder.
    assert data_file("cifar10", str(photos)) == data_file("cifar10", None) == "data/cifar10.npz"
    others = shutil.copytree(photos / "ant", tmp_path / "others")
    assert content_digest("cifar10", str(photos)) != content_digest("cifar10", str(others))
    assert content_digest("cifar10", None) == ""
    assert IMAGES == IMG_EXTENSIONS


def test_a_file_of_a_folder_that_cannot_be_read_is_named(photos):
    # Its reader gets an error of input and output.
    (photos / "ant/99.png").symlink_to("/proc/self/mem")
    with pytest.raises(InputError, match=r"photos/ant/99\.png: cannot be read \(Input/output error\)"):
        data_file("image-folder", str(photos))


@pytest.mark.parametrize("name", ["not there", "no\0name"])
def test_a_folder_that_is_not_there_has_no_digest(name, tmp_path):
    assert content_digest("image-folder", str(tmp_path / name)) == ""


def test_prepared_images_outlive_their_folder(checkout, fashion_folder, tmp_path):
    file = "data/fashion-mnist.npz"
    checkout.edit("studies/smoke.yaml", "name: digits", f"name: fashion-mnist\n  folder: {fashion_folder}")
    run = checkout.snakemake(file)
    assert run.returncode == 0, run.stdout
    fashion_folder.rename(tmp_path / "away")
    assert checkout.planned(file) == {}
    fashion_folder.mkdir()
    assert checkout.planned(file) == {}
    fashion_folder.rmdir()
    (checkout.folder / KNOWN).unlink()
    run = checkout.snakemake("--dry-run", file)
    assert run.returncode == 1
    assert f"studies/smoke.yaml: dataset.folder: there is no folder {fashion_folder}" in run.stdout


def test_a_link_that_leads_back_into_its_folder_is_followed_once(photos):
    before = content_digest("image-folder", str(photos))
    (photos / "ant/round").symlink_to(photos, target_is_directory=True)
    assert content_digest("image-folder", str(photos)) == before


def test_links_in_a_circle_and_within_the_folder_give_no_image_twice(photos, tmp_path, caplog):
    before = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    (photos / "ant/round").symlink_to(photos, target_is_directory=True)
    (photos / "ant/up").symlink_to(tmp_path, target_is_directory=True)
    (photos / "ant/a bird").symlink_to(photos / "bird", target_is_directory=True)
    with caplog.at_level(logging.INFO):
        after = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    assert np.array_equal(before.images, after.images)
    assert np.array_equal(before.labels, after.labels)
    assert "skipped: 3 links to folders that are read anyway: a bird, round, up" in caplog.text


def test_a_class_can_be_a_link_to_a_folder_elsewhere(photos, tmp_path):
    before = content_digest("image-folder", str(photos))
    (photos / "bird").rename(tmp_path / "elsewhere")
    (photos / "bird").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz").labels) == 60
    assert content_digest("image-folder", str(photos)) == before


def test_digest_reading_and_report_are_about_the_same_files(photos, tmp_path, caplog):
    digest = content_digest("image-folder", str(photos))
    for folder in (".ipynb_checkpoints", "@eaDir", "more/__MACOSX"):
        shutil.copytree(photos / "cat/more", photos / "ant" / folder)
    os.mkfifo(photos / "ant/pipe.png")
    with caplog.at_level(logging.INFO):
        content = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    assert len(content.labels) == 60
    assert content_digest("image-folder", str(photos)) == digest
    assert "3 of systems and tools: .ipynb_checkpoints, @eaDir, __MACOSX" in caplog.text
    assert "1 pipes, devices or broken links: pipe.png" in caplog.text


def test_a_class_may_have_a_name_with_underscores(photos, tmp_path):
    before = content_digest("image-folder", str(photos))
    shutil.copytree(photos / "cat", photos / "__background__")
    assert prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz").classes == 4
    assert content_digest("image-folder", str(photos)) != before


def test_no_other_program_is_started_for_an_image(photos, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given, **_: started.append(given))
    text = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n(file) run\n%%EOF\n"
    (photos / "ant/00.png").write_text(text)
    (photos / "ant/00.jpg").unlink()
    with pytest.raises(InputError, match=r"ant/00\.png: not a readable image, as JPEG, PNG, "):
        prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    assert not started


def test_copies_of_training_images_among_the_test_images_are_told(photos, tmp_path, caplog):
    prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    # The images of a class are of one colour, but for what JPEG makes of it.
    assert "12 of 12 test images have an exact copy among the training" in caplog.text


def test_a_constant_channel_is_named(tmp_path, caplog):
    draw = np.random.default_rng(0)
    for name in ("ant", "cat"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(15):
            pixels = np.full((8, 8, 3), 7, dtype=np.uint8)
            pixels[:, :, :2] = draw.integers(0, 256, (8, 8, 2))
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    content = prepare_data("image-folder", tmp_path / "images", tmp_path, tmp_path / "images.npz")
    assert "channel 3 of 3 has the value 7 in all training images" in caplog.text
    assert content.std[2] == 1


def test_an_image_in_two_classes_is_told(photos, tmp_path, caplog):
    first, second = sorted(path for path in photos.iterdir() if path.is_dir())[:2]
    shutil.copy(next(each for each in sorted(first.iterdir()) if each.suffix == ".jpg"), second / "copy.jpg")
    prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    assert "images have an exact copy in another class" in caplog.text


@pytest.mark.parametrize(("train", "test"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_class_is_the_same_however_its_accents_are_composed(train, test, tmp_path):
    draw = np.random.default_rng(0)
    for split, form in (("train", train), ("test", test)):
        for name in ("café", "cafz"):
            folder = tmp_path / "given" / split / unicodedata.normalize(form, name)
            folder.mkdir(parents=True)
            for number in range(15):
                pixels = draw.integers(0, 128, (32, 32, 3), dtype=np.uint8) + 128 * (name == "cafz")
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    content = prepare_data("image-folder", tmp_path / "given", tmp_path, tmp_path / "out.npz")
    assert content.classes == 2
    assert len(content.splits["test"]) == 30
    # torchvision's order, which is that of the training folder's names as they are stored.
    stored = sorted(path.name for path in (tmp_path / "given/train").iterdir())
    names = content.names.tolist()
    assert names == [unicodedata.normalize("NFC", name) for name in stored]
    bright = content.images.reshape(len(content.images), -1).mean(axis=1) > 128
    assert (content.labels == names.index("cafz"))[bright].all()
    assert (content.labels == names.index("café"))[~bright].all()


def test_a_channel_that_is_the_same_everywhere_is_divided_by_1(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    images[:, 1] = 77
    raw = RawImages(images, np.arange(40) % 2)
    monkeypatch.setattr("filterbench.data.preparing.fetch_images", lambda *_: raw)
    content = prepare_data("own", None, tmp_path, tmp_path / "own.npz")
    assert content.std[1] == 1
    assert 0.2 < content.std[0] < 0.4


def splits_of(photos: Path, folder: Path, *names: str) -> Path:
    """A folder of splits, each with ten or twenty images of two classes."""
    for name in names:
        for label in ("ant", "bird"):
            source = photos / label if name.lower().startswith("train") else photos / label / "more"
            shutil.copytree(source, folder / name / label)
    return folder


@pytest.mark.parametrize(
    ("names", "test_images", "images"),
    [
        (("train", "val"), 20, 60),
        (("Training", "Test"), 20, 60),
        (("training_set", "testset"), 20, 60),
        (("train-images", "val_data", "Test Split"), 20, 80),
        (("train", "valid", "testing"), 20, 80),
    ],
)
def test_folders_that_are_splits_are_never_classes(names, test_images, images, photos, tmp_path):
    folder = splits_of(photos, tmp_path / "parts", *names)
    content = prepare_data("image-folder", folder, tmp_path, tmp_path / "photos.npz")
    assert (content.classes, len(content.labels)) == (2, images)
    assert len(content.splits["test"]) == test_images


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train",), "contains the split 'train' without a test split"),
        (("val", "test"), "contains the split 'test' without train"),
        (("train", "training", "test"), "contains 'train', 'training', 'test'; allowed: splits"),
        (("train", "test", "cat"), "contains 'train', 'test', 'cat'; allowed: splits .* or classes"),
    ],
)
def test_folders_that_are_half_splits_are_refused(names, expected, photos, tmp_path):
    folder = splits_of(photos, tmp_path / "parts", *names)
    with pytest.raises(InputError, match=expected):
        prepare_data("image-folder", folder, tmp_path, tmp_path / "photos.npz")


def test_transparency_shows_white_and_files_left_out_are_told(photos, tmp_path, caplog):
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[8:24, 8:24, 3] = 255
    Image.fromarray(pixels).save(photos / "ant/00.png")
    for name in ("a.gif", "b.heic", "c.heic"):
        (photos / "ant" / name).write_text("another format")
    (photos / ".DS_Store").write_text("a system's own")
    (photos / "__MACOSX").mkdir()
    (photos / "__MACOSX/d.gif").write_text("a system's own")
    with caplog.at_level(logging.INFO):
        content = prepare_data("image-folder", photos, tmp_path, tmp_path / "photos.npz")
    shapes = [image for image in content.images if (image[:, 0, 0] == 255).all()]
    assert len(shapes) == 1
    assert (shapes[0][:, 10:22, 10:22] == 0).all()
    assert "skipped: 1 .gif; 2 .heic; 2 of systems and tools: .DS_Store, __MACOSX; " in caplog.text


def test_a_missing_or_damaged_idx_file_is_named(fashion_folder, tmp_path):
    zipped = fashion_folder / "train-images-idx3-ubyte.gz"
    zipped.write_bytes(zipped.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz: not a readable idx file"):
        prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")
    with gzip.open(zipped, "wb") as file:
        file.write(bytes(60_000 * 28 * 28 + 17))
    with pytest.raises(InputError, match=r"ubyte\.gz: not a readable idx file \(more than 47040016 bytes"):
        prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")
    zipped.unlink()
    os.mkfifo(zipped)
    with pytest.raises(InputError, match="train-images-idx3-ubyte .* is missing"):
        prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10", "cifar100"])
def test_without_network_the_error_says_what_to_put_where(name, tmp_path, monkeypatch):
    # Every name lookup goes to a port where nothing listens.
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"the download failed .* set dataset\.folder to that folder"):
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
    with pytest.raises(InputError, match=r"digits\.npz: .*remove it, and the next run rebuilds it"):
        read_images(path)


def test_the_protocol_decides_which_images_choose(digits_file):
    held_out = load_splits(digits_file, "validation", {}, CPU)
    published = load_splits(digits_file, "test", {}, CPU)
    assert held_out.document() == {"train": 1293, "selection": 144, "test": 360, "chance": 37 / 360}
    assert published.document() == {"train": 1437, "selection": 360, "test": 360, "chance": 37 / 360}
    assert torch.equal(published.selection.pixels, published.test.pixels)


def test_limits_take_the_first_images(digits_file):
    limits = {"train": 100, "validation": 20, "test": 30}
    splits = load_splits(digits_file, "validation", limits, CPU)
    sizes = splits.document()
    del sizes["chance"]
    assert sizes == {"train": 100, "selection": 20, "test": 30}
    with pytest.raises(InputError, match=r"dataset\.test_images: 361 is more than the 360"):
        load_splits(digits_file, "validation", {"test": 361}, CPU)


def test_images_are_normalised_to_three_channels(digits_file):
    images = load_splits(digits_file, "validation", {}, CPU).train
    batch = images.normalised(images.pixels)
    assert batch.shape == (1293, 3, 32, 32)
    assert abs(batch.mean()) < 1e-4
    assert abs(batch.std() - 1) < 1e-3


def test_classes_without_names_are_numbers_and_a_model_can_have_its_own_normalisation(digits_file):
    own = {"mean": [0.5, 0.5, 0.25], "std": [0.5]}
    splits = load_splits(digits_file, "validation", {}, CPU, normalisation=own)
    assert (splits.names, splits.classes) == (list("0123456789"), 10)
    assert load_splits(digits_file, "validation", {}, CPU, list("abcdefghij")).names == list("abcdefghij")
    assert splits.test.normalisation == own
    pixels = splits.test.pixels[:2].float() / 255
    assert torch.allclose(splits.test.first(2)[:, 2:], (pixels - 0.25) / 0.5)


@pytest.mark.parametrize(
    "classes", [["a", "b"], ["a", "b", "c", "c"], ["a", "b", "c", ""], "abcd", [1, 2, 3, 4]]
)
def test_names_that_are_not_one_for_each_class_are_refused(classes, monkeypatch, tmp_path):
    raw = RawImages(np.zeros((600, 1, 32, 32), np.uint8), np.arange(600) % 4, classes=classes)
    monkeypatch.setattr("filterbench.data.preparing.fetch_images", lambda *_: raw)
    with pytest.raises(
        InputError, match="^dataset own: classes are .*; allowed: a list of 4 different names"
    ):
        prepare_data("own", None, tmp_path, tmp_path / "own.npz")


def test_a_dataset_of_no_arrays_or_with_too_few_images_of_a_class_is_refused(monkeypatch, tmp_path):
    zeros = np.zeros((600, 1, 32, 32), np.uint8)
    many = r"600 images of 150 classes \(4 of class 0\) cannot be divided so that"
    for raw, fault in (
        (RawImages([[0]], np.zeros(1, int)), "images are list; allowed: a numpy array"),
        ((zeros, zeros), "images are NoneType; allowed: a numpy array"),
        (RawImages(zeros, np.arange(600) % 150), many),
    ):
        monkeypatch.setattr("filterbench.data.preparing.fetch_images", lambda *_, raw=raw: raw)
        with pytest.raises(InputError, match=f"^dataset own: {fault}"):
            prepare_data("own", None, tmp_path, tmp_path / "own.npz")


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (np.arange(600) >= 500, "test is bool"),
        (np.arange(-100, 0), "test has 100 indices, 100 different ones"),
        (np.array([1, 1, 2, 3] * 25), "test has 100 indices, 3 different ones"),
        (np.array([], dtype=int), "test has 0 indices"),
        (np.arange(590, 610), "test has 20 indices, 20 different ones"),
        (np.arange(590, 601), "test has 11 indices, 11 different ones"),
        (np.arange(600), "test has 600 indices, 600 different ones"),
    ],
)
def test_test_images_are_different_indices_of_some_images(test, said):
    raw = RawImages(np.zeros((600, 1, 32, 32), np.uint8), np.arange(600) % 4, test)
    (fault,) = faults_of(raw, 32)
    assert fault.startswith(said)
    assert fault.endswith("allowed: different indices from 0 to 599, at least one and not all")


@pytest.mark.parametrize(
    ("images", "labels", "fault"),
    [
        (np.zeros((4, 1, 28, 28), np.uint8), [0, 0, 1, 1], r"images are uint8 \(4, 1, 28, 28\); allowed"),
        (np.zeros((4, 3, 32, 32)), [0, 0, 1, 1], "images are float64"),
        (np.zeros((4, 1, 32, 32), np.uint8), [0.0, 0.0, 1.0, 1.0], "labels are float64"),
        (
            np.zeros((4, 1, 32, 32), np.uint8),
            [0, 0, 1],
            r"labels are int64 \(3,\); allowed: one integer per image",
        ),
        (np.zeros((4, 1, 32, 32), np.uint8), [1, 1, 2, 2], "labels are 1 to 2, 2 classes; count them from 0"),
        (np.zeros((4, 1, 32, 32), np.uint8), [0, 1, 1, 1], "class 0 has 1 images; at least 2"),
        (np.zeros((4, 1, 32, 32), np.uint8), [0, 0, 0, 0], "the number of classes is 1; at least 2"),
        (np.zeros((0, 1, 32, 32), np.uint8), np.zeros(0, int), "the number of classes is 0; at least 2"),
    ],
)
def test_a_dataset_that_no_stage_could_use_is_refused(images, labels, fault, monkeypatch, tmp_path):
    raw = RawImages(images, np.array(labels))
    monkeypatch.setattr("filterbench.data.preparing.fetch_images", lambda *_: raw)
    with pytest.raises(InputError, match=f"dataset own: {fault}"):
        prepare_data("own", None, tmp_path, tmp_path / "own.npz")
    assert not (tmp_path / "own.npz").exists()


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_damaged_data_file_is_named_whatever_is_damaged(digits_file, tmp_path):
    sound, reference = digits_file.read_bytes(), read_images(digits_file)
    # Of the archive's first header and directory: version, compression, and the header of an array.
    directory = sound.index(b"PK\x01\x02")
    places = [*range(4, 12), *range(directory, directory + 12), *range(60, 200)]
    damaged = [flipped(sound, place, bit) for place in places for bit in (0, 6)]
    damaged += [sound[:length] for length in (0, 3, 1000, len(sound) // 2, len(sound) - 1)]
    path = tmp_path / "damaged.npz"
    for content in damaged:
        path.write_bytes(content)
        try:
            assert np.array_equal(read_images(path).images, reference.images)
        except InputError as reason:
            assert f"{path}: " in str(reason)
            assert "remove it, and the next run rebuilds it" in str(reason)


def test_a_damaged_zipped_file_of_fashion_mnist_is_named(fashion_folder, tmp_path):
    path = next(fashion_folder.glob("train-images*.gz"))
    sound = path.read_bytes()
    for content in (*(flipped(sound, place, 2) for place in range(10, 60)), sound[: len(sound) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{path.name}: not a readable idx file"):
            prepare_data("fashion-mnist", fashion_folder, tmp_path, tmp_path / "fashion.npz")
