"""Folders with a study's results from other machines, as `merge` takes them.

Such a folder holds `results/{study}/` and, where its seeds, targets, models or pruners are not those of the
configured study, `study.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filterbench.data.registry import DATASETS
from filterbench.storage.errors import InputError
from filterbench.study.cells import Config
from filterbench.study.extending import study_in
from filterbench.study.given_layers import read_layers
from filterbench.study.locating import expanded, is_there, located
from filterbench.study.paths import MANIFEST

KEY = "from"
STUDY_FILE = "study.yaml"
# With these keys a study runs code: its own, or Python in its texts, which Snakemake evaluates.
RUNNING_CODE = ("code", "__use_yte__")
# What the command line asks of this run, and results that are no part of the study.
NOT_OF_THE_STUDY = (KEY, "partial", "drop", "nni_results")


@dataclass(frozen=True)
class Submission:
    """A folder with a study's results.

    Attributes:
        folder: as the user names it.
        config: the study, not checked yet.
    """

    folder: Path
    config: Config

    @property
    def results(self) -> Path:
        """The study's results in the folder."""
        return self.folder / "results" / self.config["study"]


def folders_named(config: Config) -> list[Path]:
    """The folders that the key `from` of a configuration names, with `~` expanded."""
    return [Path(expanded(name.strip())) for name in str(config.get(KEY, "")).split(",") if name.strip()]


def check_folders(config: Config, source: str) -> None:
    """Refuse folders under `from` that do not exist, and a folder that is named twice.

    Raises:
        InputError: one line with the source, the key and the folder.
    """
    seen: set[Path] = set()
    for folder in folders_named(config):
        if not is_there(str(folder), Path.is_dir):
            raise InputError(f"{source}: {KEY}: there is no folder {folder}; separate folders by commas")
        if (real := folder.resolve()) in seen:
            raise InputError(f"{source}: {KEY}: {folder} is named twice; name each folder once")
        seen.add(real)


def submission_in(folder: Path, configured: Config) -> Submission:
    """The study in a folder.

    Args:
        folder: of results.
        configured: the checked study of this run; that of a folder without a `study.yaml`.

    Raises:
        InputError: the study file is faulty, has another study's name or would run code, or there are no
            results of the study or no manifest of them.
    """
    file = folder / STUDY_FILE
    own = file.exists()
    # With absolute paths, so that it can be read in another folder, too.
    config = located(study_in(file) if own else configured, [Path.cwd()])
    if own and (running := [key for key in RUNNING_CODE if config.get(key)]):
        raise InputError(f"{file}: {running[0]}: a submission must run no code of its own; remove the key")
    results, name = folder / "results", configured["study"]
    if config.get("study") != name:
        raise InputError(f"{file}: study: {config.get('study')!r}; allowed: {name!r}, the configured study")
    if isinstance(pruners := config.get("pruners"), dict):
        read_layers(pruners, str(file))
    if not (results / name).is_dir():
        there = sorted(path.name for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
        found = ", ".join(there) or "none"
        raise InputError(f"{results}: there is no folder {name!r}, the configured study; there: {found}")
    if not (results / name / MANIFEST).is_file():
        raise InputError(
            f"{results / name}: no {MANIFEST}, with which its files are checked; where they were made, "
            "`snakemake --cores 1 manifest` writes it"
        )
    return Submission(folder, _without_the_machine(config))


def _without_the_machine(config: Config) -> Config:
    """A study without what is about the machine or the command, such as where a known dataset lies."""
    kept = {key: value for key, value in config.items() if key not in NOT_OF_THE_STUDY}
    dataset = kept.get("dataset")
    if (
        isinstance(dataset, dict)
        and (known := DATASETS.get(str(dataset.get("name"))))
        and not known.own_folder
    ):
        kept["dataset"] = {key: value for key, value in dataset.items() if key != "folder"}
    return kept
