"""The manifest of a study: every file that its jobs made, by which rule and with which settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from filterbench.documents import read, write
from filterbench.documents.manifest import settings_digest, sums_of
from filterbench.storage.errors import InputError
from filterbench.storage.files import LOCKS, entries_below, known_digest, remove, without_link, write_text
from filterbench.storage.stopwatch import BENCHMARK, benchmark_file
from filterbench.study.paths import MANIFEST, SUMS, wildcards_at

if TYPE_CHECKING:
    from snakemake.jobs import Job
    from snakemake.workflow import Workflow

    from filterbench.orchestration.plan import Plan

# Params that change no result, and a cell, which documents record themselves.
NO_SETTINGS = ("stage", "code", "device", "cell")
Manifest = dict[str, Any]


def list_files(workflow: Workflow, plan: Plan, folders: Iterable[Path]) -> None:
    """Bring the manifests of some studies up to date with a run, as far as it got.

    A file of a job that this run has finished gets a new entry, and one of a job that is still to run has
    none: so a run that is killed leaves no entry of a file that it made again. A file of any other job keeps
    its entry, so that a later change is found, and gets one where it has none.

    Args:
        workflow: Snakemake's, at work on its jobs; before, nothing is done.
        plan: of the study.
        folders: of the study and its twin; one without files gets no manifest.
    """
    if workflow.scheduler is None or workflow.dryrun or workflow.touch:
        return
    for folder in folders:
        try:
            with _locked(folder):
                _bring_up_to_date(workflow, _places(plan, folder), folder)
        except (InputError, OSError, NotImplementedError) as reason:
            print(f"note: {folder / MANIFEST} is not up to date: {reason}", file=sys.stderr)


def list_unlisted(workflow: Workflow, plan: Plan, folders: Iterable[Path]) -> dict[str, int]:
    """Give an entry to each file of some studies that has none and that a rule makes, whichever run made it.

    Entries that are there stay, so that what was changed since is still found.

    Args:
        workflow: Snakemake's, at work on its jobs; before, nothing is done.
        plan: of the study.
        folders: of the study and its twin.

    Returns:
        By manifest, the number of new entries.

    Raises:
        InputError: a manifest is faulty.
    """
    if workflow.scheduler is None or workflow.dryrun or workflow.touch:
        return {}
    added = {}
    for folder in filter(Path.is_dir, folders):
        with _locked(folder):
            before, places = _read(folder), _places(plan, folder)
            files, settings = dict(before["files"]), dict(before["settings"])
            for path, _ in entries_below(folder, hidden=lambda name: name.startswith(".")):
                name = path.relative_to(folder).as_posix()
                if name not in files and (made := _producer(workflow, places, path)):
                    rule, used = made
                    files[name] = _entry(path, rule, used, settings)
            _write(folder, before, files, settings, set(before["left_out"]))
            added[str(folder / MANIFEST)] = len(files) - len(before["files"])
    return added


def outdated(workflow: Workflow, plan: Plan, folders: Iterable[Path]) -> dict[str, str]:
    """Listed files that the study does not ask for, or asks for with other settings.

    Args:
        workflow: Snakemake's.
        plan: of the study.
        folders: of the study and its twin.

    Returns:
        Why, by path; of a job with several files the first stands for all.
    """
    found: dict[tuple[Path, str], tuple[str, str]] = {}
    for folder in folders:
        try:
            manifest = _read(folder)
        except InputError:
            # `validate` names what is wrong with it.
            continue
        places = _places(plan, folder)
        for name, entry in manifest["files"].items():
            path = folder / name
            asked = _settings_asked(workflow, places, entry["rule"], path)
            if reason := _reason(asked, manifest["settings"][entry["settings"]]):
                found.setdefault((path.parent, f"{entry['rule']} {reason}"), (str(path), reason))
    return dict(found.values())


def _reason(asked: Manifest | None, used: Manifest) -> str:
    """Why a listed file is not what the study asks for; empty if it is."""
    if asked is None:
        return "the study does not ask for it; remove it, or ask for it again"
    return "; ".join(
        f"made with {name} {used.get(name)}, but the study asks for {asked.get(name)}"
        for name in {**asked, **used}
        if used.get(name) != asked.get(name)
    )


def _bring_up_to_date(workflow: Workflow, places: Collection[Path], folder: Path) -> None:
    before = _read(folder)
    files, settings, left_out = dict(before["files"]), dict(before["settings"]), set(before["left_out"])
    for job, outputs in _jobs(workflow, folder):
        used = _settings(job.params)
        to_run = not workflow.dag.noneedrun_finished(job)
        for path, passing in outputs:
            name = path.relative_to(folder).as_posix()
            if passing or to_run:
                files.pop(name, None)
            elif path.is_file() and (name not in files or workflow.dag.needrun(job)):
                files[name] = _entry(path, job.rule.name, used, settings)
            if passing:
                left_out.add(name)
    for name, entry in list(files.items()):
        path = folder / name
        if not path.exists() and _settings_asked(workflow, places, entry["rule"], path) is None:
            del files[name]
    _write(folder, before, files, settings, left_out)


def _entry(path: Path, rule: str, used: Manifest, settings: Manifest) -> Manifest:
    """The entry of a file; the settings of its job join all settings."""
    key = settings_digest(used)
    settings[key] = used
    return {"sha256": known_digest(path), "bytes": path.stat().st_size, "rule": rule, "settings": key}


def _write(folder: Path, before: Manifest, files: Manifest, settings: Manifest, left_out: set[str]) -> None:
    """Write a manifest where it differs from the one before, and none for a study without files."""
    kept = {entry["settings"] for entry in files.values()}
    document = {
        "study": folder.name,
        "files": dict(sorted(files.items())),
        "settings": {key: value for key, value in sorted(settings.items()) if key in kept},
        "left_out": sorted(left_out - files.keys()),
    }
    if not files:
        remove(folder / MANIFEST)
        remove(folder / SUMS)
    elif document != before:
        write(folder / MANIFEST, document)
        write_text(folder / SUMS, sums_of(document))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """While this run alone writes a study's manifest."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with FileLock(without_link(LOCKS / f"{folder.name}.manifest.lock")):
        yield


def _jobs(workflow: Workflow, folder: Path) -> Iterator[tuple[Job, list[tuple[Path, bool]]]]:
    """The jobs of a run with their files in a folder, and which of these the workflow removes."""
    for job in workflow.dag.jobs:
        outputs = [(Path(file), file.is_temp) for file in job.output]
        times = [(benchmark_file(path), False) for path, _ in outputs if path.suffix == ".json"]
        own = [entry for entry in (*outputs, *times) if folder in entry[0].parents]
        if own:
            yield job, own


def _settings(params: Any) -> Manifest:
    """The params that decide a job's outcome beside its code and inputs, as JSON has them."""
    kept = {name: value for name, value in params.items() if name not in NO_SETTINGS}
    return json.loads(json.dumps(kept, default=str))


def _places(plan: Plan, folder: Path) -> set[Path]:
    """The folders below those of a study's seeds for whose files it asks, where the study's folder lies."""
    cells = map(Path, plan.folders(folder.name))
    return {folder.parents[1] / place for cell in cells for place in (cell, *plan.shared_folders(cell))}


def _settings_asked(
    workflow: Workflow, places: Collection[Path], rule_name: str, path: Path
) -> Manifest | None:
    """The settings of the job that makes a file now; None where no job does, or the study has no such cell.

    Of a rule's wildcards any combination matches: of all models, seeds, pruners and targets.
    """
    outside = "seed" in wildcards_at(path.parent) and path.parent not in places
    if outside or not workflow.is_rule(rule_name):
        return None
    rule = workflow.get_rule(rule_name)
    made = str(path).replace(BENCHMARK, ".json")
    if not rule.is_producer(made):
        return None
    wildcards = rule.get_wildcards(made)
    # No setting depends on the paths of a job.
    params, _ = rule.expand_params(wildcards, type(rule.input)(), type(rule.output)(), None)
    return _settings(params)


def _producer(workflow: Workflow, places: Collection[Path], path: Path) -> tuple[str, Manifest] | None:
    """The rule that makes a file, and the settings of its job; None where none does."""
    asked = ((rule.name, _settings_asked(workflow, places, rule.name, path)) for rule in workflow.rules)
    return next(((name, used) for name, used in asked if used is not None), None)


def _read(folder: Path) -> Manifest:
    """A study's manifest, or an empty one."""
    path = folder / MANIFEST
    return read(path) if path.exists() else {"files": {}, "settings": {}, "left_out": []}
