"""What rules give to the stages that make tables, figures and verdicts of a whole study.

`validate` makes them again from the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from filterbench.analysis.published_tables import published_names
from filterbench.orchestration.plan import Plan
from filterbench.study.cells import variants
from filterbench.study.paths import BASELINE, MODEL_FOLDER

if TYPE_CHECKING:
    from snakemake.io import Wildcards


@dataclass(frozen=True)
class TableParams:
    """The params of those stages, by name.

    Attributes:
        of: the plan.
        study: name of the study or of its twin.
        model: name of the model; empty of a stage for all models.
        place: where a path of the workflow lies: below the prefix of a module, or in another folder.
    """

    of: Plan
    study: str
    model: str = ""
    place: Callable[[str], str] = str

    @property
    def cells(self) -> list[str]:
        """The folders of the model's cells, or of all."""
        of = self.of
        folders = of.cells_of(self.model, self.study) if self.model else of.folders(self.study)
        return list(map(self.place, folders))

    @property
    def tables(self) -> list[str]:
        """The tables of all models."""
        return self._of_all_models("comparison.csv")

    @property
    def latencies(self) -> list[str]:
        """The latencies of all models' shapes."""
        return self._of_all_models("shape_latency.csv")

    @property
    def sensitivities(self) -> list[str]:
        """The documents of the model's sensitivity, by seed."""
        seeds = self.of.config["seeds"]
        folders = (BASELINE.format(study=self.study, model=self.model, seed=seed) for seed in seeds)
        return [self.place(f"{folder}/sensitivity.json") for folder in folders]

    @property
    def protocols(self) -> dict[str, str]:
        """By protocol, the model's table."""
        tables = {
            protocol: f"{MODEL_FOLDER.format(study=study, model=self.model)}/comparison.csv"
            for study, protocol in self.of.protocols.items()
        }
        return {protocol: self.place(path) for protocol, path in tables.items()}

    @property
    def again(self) -> dict[str, list[str]]:
        """By pruner, the trainings of its cells beyond their fine-tuning."""
        return self.of.again

    @property
    def unpruned(self) -> bool:
        """Whether the unpruned nets are fine-tuned, too."""
        return bool(self.of.config.get("finetune_unpruned"))

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return str(self.of.config["dataset"]["name"])

    @property
    def source(self) -> str:
        """What verdicts are said to be about."""
        return f"study {self.study}"

    @property
    def titled(self) -> bool:
        """Whether figures have a title."""
        return "title" not in self.of.config

    @property
    def claims(self) -> str:
        """Digest of the user's table of reported points."""
        return self.of.claims_digest()

    @property
    def questions(self) -> str:
        """Digest of the user's plan of primary questions."""
        return self.of.questions_digest()

    @property
    def variants(self) -> dict[str, str]:
        """By name of each variant, its pruner."""
        return variants(self.of.config)

    @property
    def published(self) -> bool:
        """Whether accuracies compare with the published ones."""
        return self.of.comparable

    @property
    def published_cells(self) -> dict[str, list[str]]:
        """By model of the published study, the folders of its cells."""
        names = [name for name in self.of.config["models"] if name in published_names("model")]
        return {model: list(map(self.place, self.of.cells_of(model))) for model in names}

    def _of_all_models(self, name: str) -> list[str]:
        folders = (MODEL_FOLDER.format(study=self.study, model=model) for model in self.of.config["models"])
        return [self.place(f"{folder}/{name}") for folder in folders]


PARAMS: dict[str, Sequence[str]] = {
    "compare": ("cells", "again", "unpruned"),
    "compare_latency": ("model", "dataset", "titled", "cells"),
    "compare_int8": ("model", "dataset", "titled", "cells"),
    "plot_sensitivity": ("model", "study", "dataset", "titled", "sensitivities"),
    "optimism": ("model", "study", "dataset", "titled", "protocols"),
    "differences": ("tables", "cells"),
    "verdicts": ("tables", "source"),
    "latency_verdicts": ("tables", "latencies", "source"),
    "leads": ("tables", "source", "questions"),
    "ranking": ("tables", "source", "variants"),
    "claims": ("tables", "dataset", "claims"),
    "page": ("tables", "study", "dataset", "published", "claims"),
    "reproduction": ("study", "published_cells", "published"),
    "plot": ("model", "dataset", "titled", "published", "claims"),
    "plot_ranking": ("study", "dataset", "titled"),
    "plot_leads": ("model", "study", "dataset", "titled"),
}


def params_of(stage: str, asked: TableParams) -> dict[str, Any]:
    """A stage's params."""
    return {name: getattr(asked, name) for name in PARAMS[stage]}


def params_by_wildcards(stage: str, plan: Plan, place: Callable[[str], str]) -> dict[str, Any]:
    """The same for a rule: each from the wildcards of its job."""

    def param(wildcards: Wildcards, name: str) -> Any:
        asked = TableParams(plan, wildcards.get("study", plan.study), wildcards.get("model", ""), place)
        return getattr(asked, name)

    return {name: partial(param, name=name) for name in PARAMS[stage]}
