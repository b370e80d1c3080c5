"""Checkpoints and journals that are damaged in 42 ways: resumed from what is sound, or started again."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from filterbench.storage.checkpoint import Checkpoint
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
