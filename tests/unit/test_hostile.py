"""Files of strangers are read without starting a process or writing outside the working directory."""

import csv
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from filterbench.analysis.claims import claims_about
from filterbench.data.preparing import prepare_data
from filterbench.models.adopting import adopt_weights
from filterbench.models.registry import build_model
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError
from filterbench.storage.journal import Journal
from filterbench.storage.stopwatch import Stopwatch
from filterbench.storage.tables import write_table
from filterbench.study.imports import imports_of
from filterbench.study.reading import read_study

# Python's events of what no data file may cause.
FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
WATCHED: dict[str, list | Path] = {}


def watch(event: str, arguments: tuple) -> None:
    if "seen" not in WATCHED:
        return
    if event in FORBIDDEN:
        WATCHED["seen"].append(event)
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes and not Path(os.fsdecode(arguments[0])).resolve().is_relative_to(WATCHED["folder"]):
        WATCHED["seen"].append(f"{event} {arguments[0]}")


# A hook stays for the process's life.
sys.addaudithook(watch)


class Command:
    """A pickle of it runs a command when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch started",)


def hostile_study(folder: Path) -> None:
    text = "study: a\nclaims: !!python/object/apply:os.system ['touch started']"
    (folder / "study.yaml").write_text(text)
    with pytest.raises((yaml.YAMLError, InputError)):
        read_study({"extends": "study.yaml"}, ["study.yaml"], {})


def hostile_extension(folder: Path) -> None:
    (folder / "study.yaml").write_text("extends: /dev/stdin\nstudy: $(touch started)")
    with pytest.raises(InputError):
        read_study({"study": "$(touch started)"}, ["study.yaml"], {})


def hostile_images(folder: Path) -> None:
    for name in ("a", "b;touch started"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(15):
            Image.new("RGB", (8, 8), (number, len(name), 0)).save(folder / "images" / name / f"{number}.png")
    script = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(touch started) run\n"
    (folder / "images" / "a" / "script.png").write_text(script)
    with pytest.raises(InputError, match="script.png: not a readable image"):
        prepare_data("image-folder", folder / "images", folder, folder / "out.npz")


def hostile_weights(folder: Path) -> None:
    for name in ("net.pt", "net.bin", "net.safetensors"):
        for write in (torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))):
            write({"state_dict": Command()}, folder / name)
            with pytest.raises(InputError):
                adopt_weights(build_model("vgg16", 1 / 16), folder / name)


def hostile_state(folder: Path) -> None:
    for name in ("journal", "checkpoint"):
        (folder / name).write_bytes(pickle.dumps(Command()))
    assert Journal(folder / "journal", "key", 1, Stopwatch()).recorded == 0
    assert Checkpoint(folder / "checkpoint", "key", Stopwatch()).load() is None


def hostile_claims(folder: Path) -> None:
    header = "source,label,model,accuracy,params_factor,convention\n"
    row = "=cmd|'/c calc'!A0,@SUM(1),vgg16,93,10,macs\n"
    (folder / "claims.csv").write_text(header + row)
    write_table(folder / "out.csv", claims_about(folder / "claims.csv", ["vgg16"]))
    with (folder / "out.csv").open(newline="", encoding="utf-8") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert {"'=cmd|'/c calc'!A0", "'@SUM(1)"} <= cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def hostile_results(folder: Path) -> None:
    (folder / "nni" / "resnet18; touch started" / "L1" / "0.5").mkdir(parents=True)
    (folder / "nni" / "resnet18; touch started" / "L1" / "0.5" / "result.json").write_text("{}")
    found = imports_of(str(folder / "nni"))
    assert not found.sources
    assert "names that are not valid" in found.summary()


@pytest.mark.parametrize(
    "read",
    [
        *(hostile_study, hostile_extension, hostile_images, hostile_weights, hostile_state, hostile_claims),
        hostile_results,
    ],
)
def test_a_strangers_file_starts_no_process_and_writes_nothing_outside(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    WATCHED.update(seen=[], folder=tmp_path)
    try:
        read(tmp_path)
        assert WATCHED["seen"] == []
    finally:
        WATCHED.clear()
    assert not (tmp_path / "started").exists()


def test_the_watch_sees_a_process_and_a_file_outside(tmp_path):
    (tmp_path / "inside").mkdir()
    WATCHED.update(seen=[], folder=tmp_path / "inside")
    try:
        (tmp_path / "outside").write_text("")
        subprocess.run(["true"], check=True)
        assert len(WATCHED["seen"]) == 2
    finally:
        WATCHED.clear()
