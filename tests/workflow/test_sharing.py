"""What another study has made is taken."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
import torch
from checkout import Checkout

from filterbench.documents import parse, read, write
from filterbench.jobs.job import Job
from filterbench.making.context import Context
from filterbench.making.sharing import take
from filterbench.storage.files import file_digest


@pytest.fixture
def other(finished, tmp_path) -> Checkout:
    """The finished smoke study beside a copy of its file by another name and with one sparsity more."""
    checkout = finished.copy(tmp_path / "other")
    shutil.copy(checkout.folder / "studies/smoke.yaml", checkout.folder / "studies/other.yaml")
    checkout.edit("studies/other.yaml", "study: smoke", "study: other")
    return checkout


def made(checkout: Checkout, study: str) -> dict[str, bytes]:
    folder = checkout.folder / "results" / study
    suffixes = (".json", ".safetensors", ".correct")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in suffixes and "seed-0" in path.parts
    }


def own_part(content: bytes) -> bytes | dict:
    """Weights as they are; of a document what does not say whose study it is of."""
    if not content.startswith(b"{\n"):
        return content
    document = json.loads(content)
    document.get("cell", {}).pop("study", None)
    document.get("provenance", {}).pop("inputs", None)
    return document


# With a search path, with a search, and without.
PRUNERS = ("NetAdaptPruner", "SimulatedAnnealingPruner", "L1FilterPruner")
CELLS = [f"results/other/vgg16/seed-0/{pruner}/0.5" for pruner in PRUNERS]
RESULTS = [f"{cell}/result.json" for cell in CELLS]


def test_a_study_takes_what_another_one_has_and_makes_what_differs(other):
    run = other.snakemake(*RESULTS, study="studies/other.yaml")
    assert run.returncode == 0, run.stdout
    taken = made(other, "other")
    # One baseline, one search path, and four stages of each cell; results are gathered from these.
    assert run.stdout.count("made by the same inputs, settings and code") == 2 + 4 * len(CELLS)
    assert parse(other.folder / CELLS[0] / "prune.json")["cell"]["study"] == "other"

    # The same as that of the study that had nothing to take.
    first = made(other, "smoke")
    assert {name: own_part(data) for name, data in taken.items()} == {
        name: own_part(first[name]) for name in taken
    }

    # Other settings of a stage make that stage, and what is after it, anew.
    shutil.rmtree(other.folder / "results/other")
    other.edit("studies/other.yaml", "finetune:\n  epochs: 1", "finetune:\n  epochs: 2")
    run = other.snakemake(RESULTS[1], study="studies/other.yaml")
    assert run.returncode == 0, run.stdout
    said = [line for line in run.stdout.splitlines() if "made by the same" in line]
    assert [line.split()[0] for line in said] == ["[train_baseline", "[prune", "[speedup", "[count"]


def test_a_file_that_was_changed_is_not_taken(other):
    cell = "vgg16/seed-0/L1FilterPruner/0.5"
    weights = other.folder / "results/smoke" / cell / "speedup.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    count = weights.with_name("count.json")
    count.write_text(count.read_text() + "\n")
    run = other.snakemake(f"results/other/{cell}/result.json", study="studies/other.yaml")
    assert run.returncode == 0, run.stdout
    said = [line.split()[0] for line in run.stdout.splitlines() if "made by the same" in line]
    # What is made anew is the same as before, so that what comes after it is taken again.
    assert said == ["[train_baseline", "[prune", "[finetune"]


FORGED = {
    "no JSON": lambda noted: "{",
    "a list": lambda noted: "[]",
    "a number": lambda noted: json.dumps(noted | {"document": 5}),
    "two numbers": lambda noted: json.dumps(noted | {"document": [5, 6]}),
    "nothing": lambda noted: "{}",
    "another output": lambda noted: json.dumps(noted | {"more": noted["document"]}),
    "a file elsewhere": lambda noted: json.dumps(noted | {"document": ["/etc/passwd", noted["document"][1]]}),
    "above": lambda noted: json.dumps(noted | {"document": [f"results/../{noted['document'][0]}", "0"]}),
    "NaN": lambda noted: "NaN",
}


def test_a_forged_record_is_not_taken_and_ends_nothing(other):
    """Every record is forged, each in the next of these ways."""
    cell = "vgg16/seed-0/L1FilterPruner/0.5"
    records = sorted((other.folder / "results/.shared").iterdir())
    for record, forge in zip(records, itertools.cycle(FORGED.values())):
        record.write_text(forge(json.loads(record.read_text())))
    run = other.snakemake(f"results/other/{cell}/result.json", study="studies/other.yaml")
    assert run.returncode == 0, run.stdout
    assert "Traceback" not in run.stdout
    assert "made by the same inputs" not in run.stdout


def test_a_sound_document_of_another_cell_or_code_is_not_taken(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.copy(tmp_path / "again").folder)
    source = Path("results/smoke/vgg16/seed-0/L1FilterPruner/0.5/count.json")
    record, target = Path("record"), Path("results/other") / source.relative_to("results/smoke")
    record.write_text(json.dumps({"document": [str(source), file_digest(source)]}))
    document = read(source)

    def is_taken(code: str, **changes: str) -> bool:
        cell = document["cell"] | {"study": "other"} | changes
        job = Job({}, {"document": target}, {"cell": cell, "code": code})
        return take(record, Context(job, cell, torch.device("cpu"), document["provenance"]["threads"]))

    code = document["provenance"]["code"]["digest"]
    assert not is_taken(code, pruner="FPGMPruner")
    assert not is_taken("of a changed line")
    assert is_taken(code)
    assert read(target)["cell"]["study"] == "other"


def test_a_forged_cell_with_matching_digests_is_not_taken(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.copy(tmp_path / "forged").folder)
    source = Path("results/smoke/vgg16/seed-0/L1FilterPruner/0.5")
    names = {"document": "finetune.json", "weights": "finetune.safetensors", "correct": "finetune.correct"}
    document, record = read(source / "finetune.json"), Path("record")

    def is_taken(**changes: object) -> bool:
        write(source / "finetune.json", document | changes)
        files = {name: source / file for name, file in names.items()}
        record.write_text(json.dumps({name: [str(path), file_digest(path)] for name, path in files.items()}))
        cell = document["cell"] | {"study": "other"}
        code = document["provenance"]["code"]["digest"]
        limits = {"train": 256, "validation": 100, "test": 100}
        outputs = {
            name: Path("results/other") / path.relative_to("results/smoke") for name, path in files.items()
        }
        job = Job(
            {"images": Path("data/digits.npz")}, outputs, {"cell": cell, "code": code, "limits": limits}
        )
        return take(record, Context(job, cell, torch.device("cpu"), document["provenance"]["threads"]))

    accuracy, images = document["performance"]["finetuned"], document["images"]
    assert not is_taken(performance={"finetuned": round(abs(accuracy - 0.01), 2)})
    assert not is_taken(images={**images, "train": images["train"] + 1})
    assert is_taken()
