"""Every check of a study's documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from filterbench.documents import check, kind_of, parse
from filterbench.domain.targets import TRAJECTORY_NAME
from filterbench.integrity.agreement import disagreements, other_costs, other_rates
from filterbench.integrity.evidence import other_evidence
from filterbench.integrity.exports import other_exports
from filterbench.integrity.files import changed_files
from filterbench.integrity.findings import Document, Documents, Finding, Report
from filterbench.integrity.listed import other_files
from filterbench.integrity.nets import wrong_groups, wrong_shapes
from filterbench.integrity.places import misplaced
from filterbench.integrity.records import other_records
from filterbench.integrity.settings import other_settings
from filterbench.integrity.shapes import other_shapes
from filterbench.orchestration.plan import Plan
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest, files_below
from filterbench.study.cells import CELL_DOCUMENTS, baseline_documents
from filterbench.study.paths import MANIFEST, VERDICT, baseline_folder, trajectory_document, wildcards_at


def findings(plan: Plan, study: str, root: Path, report: Report) -> Iterator[Finding]:
    """Everything that is wrong with the documents of a study, cheap checks first.

    Args:
        plan: of the study.
        study: its name, or that of its twin.
        root: the folder that holds `results/`.
        report: is told what was checked and what could not be.
    """
    folder = root / "results" / study
    found: dict[Path, Document] = {}
    for path in documents_in(folder):
        faults = [*_own_faults(path, found)]
        yield from faults
        if not faults:
            report.checked[kind_of(path)] += 1
    yield from misplaced(plan, study, found)
    yield from _other_digests(found)
    yield from _missing(plan, study, root, report)
    yield from other_files(folder, found.get(folder / MANIFEST), _absent(plan, study, root, report), report)
    by_folder: dict[Path, Documents] = {}
    for path, document in found.items():
        by_folder.setdefault(path.parent, {})[path.stem] = document
    for path, document in found.items():
        yield from changed_files(path, kind_of(path), document, root, plan.images, report.unchecked)
    for place, documents in by_folder.items():
        yield from other_settings(plan, place, documents)
        yield from other_evidence(plan, place, documents, root)
        yield from other_records(place, documents)
        yield from wrong_groups(place, documents)
        yield from _cell(place, documents, by_folder, root, report)
    yield from other_shapes(plan, folder, root)


def documents_in(folder: Path) -> list[Path]:
    """Every JSON file of a study, in order, but for the verdict itself."""
    return [path for path in files_below(folder) if path.suffix == ".json" and path.name != VERDICT]


def _own_faults(path: Path, found: dict[Path, Document]) -> Iterator[Finding]:
    """What is wrong with a document by itself; a sound one joins those found."""
    try:
        kind = kind_of(path)
        document = parse(path)
    except InputError as reason:
        yield Finding(path, "", str(reason).removeprefix(f"{path}: "))
        return
    faults = check(kind, document)
    yield from (Finding(path, fault.path, fault.reason) for fault in faults)
    if not faults:
        found[path] = document


def _other_digests(found: Mapping[Path, Document]) -> Iterator[Finding]:
    """Documents that are not those that `digests.json` lists."""
    for path, document in found.items():
        if path.name != "digests.json":
            continue
        for name, digest in document["documents"].items():
            listed = path.parent / name
            if listed.exists():
                if file_digest(listed) != digest:
                    reason = f"not the document that {path} lists: changed after it was made"
                    yield Finding(listed, "", reason)
            elif (listed.parent / "result.json").exists():
                # Where the whole cell is missing, that is told once.
                yield Finding(path, f"$.documents.{name}", "there is no such file any more")


def _missing(plan: Plan, study: str, root: Path, report: Report) -> Iterator[Finding]:
    """What a result was made from and is not there; the report is told what the study still lacks."""
    shared: set[Path] = set()
    further: set[Path] = set()
    for place in plan.folders(study):
        folder = root / place
        if not (folder / "result.json").exists():
            report.missing.append(place)
            continue
        own = {folder / f"{name}.json" for name in CELL_DOCUMENTS}
        yield from (
            Finding(path, "", "missing beside result.json") for path in sorted(own) if not path.exists()
        )
        baseline = baseline_folder(folder)
        shared |= {
            baseline / "baseline.json",
            *(path / "sparse.json" for path in plan.sparse_folders(folder)),
        }
        further |= {root / path for path in plan.documents([place])} - own
        further |= {baseline / f"{name}.json" for name in baseline_documents(plan.config)} - shared
    for path in sorted(shared):
        if not path.exists():
            yield Finding(path, "", "missing: cells that begin with it are there")
    report.unfinished += [path for path in sorted(further) if not path.exists()]


def _absent(plan: Plan, study: str, root: Path, report: Report) -> set[Path]:
    """The folders of missing cells, and of what only these share."""

    def all_of(cells: Iterable[str]) -> set[Path]:
        folders = (root / cell for cell in cells)
        return {place for cell in folders for place in (cell, *plan.shared_folders(cell))}

    return all_of(report.missing) - all_of(set(plan.folders(study)) - set(report.missing))


def _cell(
    place: Path, documents: Documents, by_folder: Mapping[Path, Documents], root: Path, report: Report
) -> Iterator[Finding]:
    """What in a folder's documents contradicts each other or the study."""
    in_cell = "target" in wildcards_at(place)
    baseline = by_folder.get(baseline_folder(place) if in_cell else place, {}).get("baseline")
    if baseline:
        yield from other_rates(place, documents, baseline)
    if not in_cell:
        return
    if baseline:
        yield from disagreements(place, documents, baseline)
    path = by_folder.get(trajectory_document(place).parent, {}).get(TRAJECTORY_NAME)
    if path and "cost" in documents.get("prune", {}):
        yield from other_costs(place, documents["prune"], path)
    yield from wrong_shapes(place, documents, root, report.unchecked)
    yield from other_exports(place, documents)
