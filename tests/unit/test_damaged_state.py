"""What jobs go on from, damaged in 63 ways: resumed from what is sound, or started again."""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from settings import TRAINING

from filterbench.documents.search_table import read_search, write_search
from filterbench.jobs.job import Job
from filterbench.pruners.registry import arguments_of
from filterbench.stages.train_baseline import train_baseline
from filterbench.stages.trajectory import trajectory
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError
from filterbench.storage.journal import Journal
from filterbench.storage.stopwatch import Stopwatch

Damage = Callable[[bytes, random.Random], bytes]
STEPS = 6


def flip(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]


def zeros(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + bytes(len(content[place : place + 64])) + content[place + 64 :]


def cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def repeated(content: bytes, draw: random.Random) -> bytes:
    return content + content[draw.randrange(len(content)) :]


def garbage(content: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(len(content))


def shifted(content: bytes, draw: random.Random) -> bytes:
    return content[draw.randrange(1, len(content)) :]


def digit(content: bytes, draw: random.Random) -> bytes:
    """One digit of a number is another."""
    places = [place for place, byte in enumerate(content) if byte in b"0123456789"]
    place = draw.choice(places)
    other = draw.choice([each for each in b"0123456789" if each != content[place]])
    return content[:place] + bytes([other]) + content[place + 1 :]


DAMAGES: list[Damage] = [flip, zeros, cut, repeated, garbage, shifted, digit]
CASES = [(damage, number) for damage in DAMAGES for number in range(3)]
NAMES = [f"{damage.__name__} {number}" for damage, number in CASES]


def searched(path: Path) -> Journal:
    journal = Journal(path, "key", STEPS, Stopwatch())
    for step in range(STEPS):
        journal.score({"layer": 0.5}, f"candidate {step}".encode(), lambda step=step: step / 10)
    return journal


@pytest.mark.parametrize(("damage", "number"), CASES, ids=NAMES)
def test_a_damaged_journal_changes_no_score(damage, number, tmp_path, caplog):
    path = tmp_path / "journal"
    searched(path)
    sound = path.read_bytes()
    path.write_bytes(damage(sound, random.Random(f"{damage.__name__} {number}")))
    journal = searched(path)
    assert [step.score for step in journal.steps] == [step / 10 for step in range(STEPS)]
    # A cut between two lines leaves a sound journal, and one within a line is what a killed process leaves.
    if damage is not cut:
        assert "is damaged, or of another version" in caplog.text
    assert len(path.read_bytes().splitlines()) == STEPS + 1


@pytest.mark.parametrize(("damage", "number"), CASES, ids=NAMES)
def test_a_damaged_checkpoint_is_started_again(damage, number, tmp_path, caplog):
    checkpoint = Checkpoint(tmp_path / "checkpoint", "key", Stopwatch(), 0)
    checkpoint.save({"weight": torch.arange(30.0)}, {"epoch": 3, "accuracies": [0.25, 0.5]})
    path = tmp_path / "checkpoint"
    path.write_bytes(damage(path.read_bytes(), random.Random(f"{damage.__name__} {number}")))
    assert Checkpoint(path, "key", Stopwatch(), 0).load() is None
    assert f"{path} is damaged, or of another version: starting again" in caplog.text


@pytest.mark.parametrize(("damage", "number"), CASES, ids=NAMES)
def test_a_damaged_table_of_a_search_is_read_or_refused(damage, number, tmp_path):
    path = tmp_path / "search.csv"
    sparsities = {"features.0": 0.5, "features.3": 0.25}
    steps = [
        {"step": step, "choice": 0, "sparsities": sparsities, "score": 0.5, "accepted": True, "seconds": 1.5}
        for step in range(1, STEPS + 1)
    ]
    write_search(path, steps)
    path.write_bytes(damage(path.read_bytes(), random.Random(f"{damage.__name__} {number}")))
    with suppress(InputError):
        read = read_search(path)
        # Another digit is a sound number, too.
        assert damage in (digit, flip) or read == steps[: len(read)]


HEADER = "step,choice,sparsities,score,accepted,seconds\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a search's table; its first line must be step,choice,sparsities,score,accepted,seconds"),
        ("step,score\n1,0.5\n", "not a search's table; its first line"),
        (f"{HEADER}1,0,{{}},0.5,true,1.25", "the last line is incomplete"),
        (f"{HEADER}1,0,{{}},0.5,true\n", "line 2: 5 values; a step of a search has 6"),
        (f"{HEADER}1,0,{{}},0.5,true,1,2\n", "line 2: 7 values; a step of a search has 6"),
        (f"{HEADER}1,0,{{}},0.5,true,1\n2,0,{{}},NaN,true,1\n", "line 3: not a step of a search (NaN is"),
        (f"{HEADER}1,0,{{}},2,true,1\n", "line 2: $.score: 2 is greater than the maximum of 1"),
        (f'{HEADER}1,0,"{{', "not a search's table (unexpected end of data)"),
    ],
)
def test_a_faulty_table_of_a_search_is_told(text, said, tmp_path):
    path = tmp_path / "search.csv"
    path.write_text(text)
    with pytest.raises(InputError) as told:
        read_search(path)
    assert str(told.value).startswith(f"{path}: {said}")


@pytest.fixture(scope="module")
def path_job(digits_file, tmp_path_factory) -> Job:
    """A search path that is finished."""
    folder = tmp_path_factory.mktemp("path")
    cell = {"study": "s", "dataset": "digits", "protocol": "validation", "seed": 0}
    cell |= {"model": "vgg16", "width": 1 / 16}
    common = {"cell": cell, "limits": {"train": 64, "validation": 50, "test": 50}, "device": "cpu"}
    images, weights = {"images": digits_file}, folder / "model.safetensors"
    outputs = {"weights": weights, "document": folder / "baseline.json"}
    train_baseline(Job(images, outputs, {**common, "training": TRAINING | {"epochs": 1}}))
    changes = {"sparsity_per_iteration": 0.2, "short_term_steps": 1}
    searching = {
        "arguments": arguments_of("NetAdaptPruner", changes),
        "search": {"net": "compact", "batch_size": 64, "augment": True},
        "kind": "sparsity",
        "targets": [0.4],
    }
    names = {"weights": "safetensors", "document": "json", "search": "csv"}
    outputs = {name: folder / f"trajectory.{suffix}" for name, suffix in names.items()}
    made = Job(images | {"weights": weights}, outputs, common | searching)
    trajectory(made)
    return made


@pytest.mark.parametrize("left", [5, 0], ids=["a part of its last line", "its last line"])
def test_a_search_path_whose_table_lost_its_end_is_searched_again(left, path_job):
    table = path_job.outputs["search"]
    sound = table.read_bytes()
    *lines, last = sound.splitlines(keepends=True)
    table.write_bytes(b"".join([*lines, last[:left]]))
    trajectory(path_job)
    assert table.read_bytes() == sound


def test_the_state_of_another_computation_is_not_used(tmp_path, caplog):
    for name in ("one", "other"):
        Checkpoint(tmp_path / name, name, Stopwatch(), 0).save({"weight": torch.ones(1)}, {"name": name})
    (tmp_path / "one").rename(tmp_path / "swapped")
    assert Checkpoint(tmp_path / "swapped", "other", Stopwatch(), 0).load() is None
    assert Journal(tmp_path / "other", "key", 1, Stopwatch()).recorded == 0
    searched(tmp_path / "journal")
    assert Journal(tmp_path / "journal", "another key", 1, Stopwatch()).recorded == 0
    (tmp_path / "again").write_bytes((tmp_path / "swapped").read_bytes())
    tensors, record = Checkpoint(tmp_path / "again", "one", Stopwatch(), 0).load()
    assert (tensors["weight"].item(), record) == (1, {"name": "one"})
