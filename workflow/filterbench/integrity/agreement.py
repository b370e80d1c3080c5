"""Numbers that stand in several documents of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from filterbench.domain.targets import target_of
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.study.cells import CELL_DOCUMENTS

# Where each accuracy of a result comes from.
ACCURACIES = {"original": "baseline", "pruned": "prune", "speedup": "speedup", "finetuned": "finetune"}


def other_costs(folder: Path, prune: Document, path: Document) -> Iterator[Finding]:
    """The cost of a cell's search, where its search path gives another.

    Args:
        folder: of the cell.
        prune: its `prune.json`.
        path: the `trajectory.json` that its net is from.
    """
    for entry in path["targets"]:
        if target_of(entry) == target_of(prune["cell"]) and entry["cost"] != prune["cost"]:
            reason = f"{prune['cost']}, but {entry['cost']} in trajectory.json"
            yield Finding(folder / "prune.json", "$.cost", reason)


def other_rates(folder: Path, documents: Documents, baseline: Document) -> Iterator[Finding]:
    """Learning rates of rewound trainings that are not those of the baseline's last epochs.

    Args:
        folder: of a cell or of its baseline.
        documents: the folder's, by name.
        baseline: the document of the baseline.
    """
    rates = [epoch["learning_rate"] for epoch in baseline["training"]["epochs"]]
    for name, document in documents.items():
        training = document.get("training", {})
        if "schedule_epochs" not in training.get("settings", {}):
            continue
        last = rates[-len(training["epochs"]) :]
        for index, (epoch, expected) in enumerate(zip(training["epochs"], last, strict=False)):
            if epoch["learning_rate"] != expected:
                reason = f"{epoch['learning_rate']}, but {expected} in the baseline's last epochs"
                place = f"$.training.epochs[{index}].learning_rate"
                yield Finding(folder / f"{name}.json", place, reason)


def disagreements(folder: Path, documents: Documents, baseline: Document) -> Iterator[Finding]:
    """What in a cell's documents contradicts another one of its documents.

    Args:
        folder: of the cell.
        documents: of the cell.
        baseline: its baseline's document.
    """
    stages = {name: documents[name] for name in CELL_DOCUMENTS if name in documents}
    reasons = {name: document.get("infeasible") for name, document in stages.items()}
    if any(reasons.values()):
        expected = reasons.get("prune")
        for name, reason in reasons.items():
            if reason != expected:
                said = f"{reason!r}, but {expected!r} in prune.json"
                yield Finding(folder / f"{name}.json", "$.infeasible", said)
        return
    yield from _images(folder, documents, baseline)
    if "speedup" in stages and "prune" in stages:
        yield from _layers(folder, stages["prune"], stages["speedup"])
    if "result" in stages:
        yield from _result(folder, stages, baseline)


def _images(folder: Path, documents: Documents, baseline: Document) -> Iterator[Finding]:
    """All documents of a study are about the same images."""
    for name, document in documents.items():
        for key, number in document.get("images", {}).items():
            if number != (other := baseline["images"][key]):
                reason = f"{number}, but {other} in baseline.json"
                yield Finding(folder / f"{name}.json", f"$.images.{key}", reason)


def _layers(folder: Path, prune: Document, speedup: Document) -> Iterator[Finding]:
    """The compact net has the pruned net's layers; what a sum keeps can only be more."""
    before, after = (
        [(layer["name"], layer["channels"]) for layer in document["layers"]] for document in (prune, speedup)
    )
    if before != after:
        yield Finding(folder / "speedup.json", "$.layers", "other layers than in prune.json")
        return
    for index, (masked, compact) in enumerate(zip(prune["layers"], speedup["layers"], strict=True)):
        if compact["kept"] < masked["kept"]:
            reason = f"{compact['kept']}, but {masked['kept']} channels stay in prune.json"
            yield Finding(folder / "speedup.json", f"$.layers[{index}].kept", reason)


def _result(folder: Path, stages: Documents, baseline: Document) -> Iterator[Finding]:
    """A result holds what its stages say."""
    path, result = folder / "result.json", stages["result"]
    for key, source in ACCURACIES.items():
        document = baseline if source == "baseline" else stages.get(source)
        if document and result["performance"][key] != (other := document["performance"][key]):
            reason = f"{result['performance'][key]}, but {other} in {source}.json"
            yield Finding(path, f"$.performance.{key}", reason)
    for metric in ("params", "flops"):
        for key, number in result[metric].items():
            if "count" in stages and number != (other := stages["count"][metric][key]):
                yield Finding(path, f"$.{metric}.{key}", f"{number}, but {other} in count.json")
