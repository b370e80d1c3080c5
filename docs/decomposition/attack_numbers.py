"""What the attacks on the study's lead gave, as this folder's page says it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd
from study_numbers import Study, mean_of, row_of, said

from filterbench.analysis.leads import LEAD
from filterbench.analysis.leads_document import leads_document, leads_table

# By study of studies/attacks, what it changes.
CHANGES = {
    "rate_high": "fine-tuning at twice the learning rate (0.1)",
    "rate_low": "fine-tuning at a fifth of the learning rate (0.01)",
    "baseline_longer": "unpruned net trained three times as long (48 epochs)",
    "augmented": "shifted and mirrored training images",
    "other_images": "other training images (three of eight subsets that the study does not use)",
    "other_seeds": "other seeds (10 to 12)",
    "spared": "uniform net whose first two layers stay whole",
    "from_above": "uniform net with at least as many params, not at most",
}
# Of their studies' tables, the lead that the attacks are about.
ATTACKED = ("vgg16", "AutoCompressPruner")


class Attacks:
    """The lead with one setting changed at a time.

    Args:
        study: with nothing changed.
        folder: of the attacks' tables of leads; of some, `cells/` has the table of cells.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.tables = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}

    def said(self, name: str, component: str, budget: int) -> str:
        """A component of the lead with one setting changed."""
        return said(row_of(self.tables[name], *ATTACKED, component, budget))

    def unchanged(self, seeds: int, component: str, budget: int) -> str:
        """The same with nothing changed, over the first seeds."""
        return said(row_of(self._first[seeds], *ATTACKED, component, budget))

    def gain(self, name: str, control: str, uniform: str, budget: int) -> str:
        """By how many points an attack's control is above the study's, over the seeds of the attack."""
        cells = self._cells(name)
        column = f"performance_finetuned_{budget}"
        changed, unchanged = (
            100 * table[table["pruner"] == pruner].set_index("seed")[column]
            for table, pruner in ((cells, control), (self.study.cells[ATTACKED[0]], uniform))
        )
        return mean_of(changed - unchanged)

    def means(self, component: str, budget: int) -> str:
        """The lowest and the highest mean of a component over all attacks, with all seeds."""
        found = [row_of(table, *ATTACKED, component, budget)["mean_all"] for table in self.tables.values()]
        return f"{min(found):.1f} to {max(found):.1f}"

    def unpruned(self, name: str) -> str:
        """Mean test accuracy of an attack's unpruned nets, per cent."""
        return f"{100 * self._cells(name).groupby('seed')['performance_original'].first().mean():.1f}"

    @cached_property
    def seeds(self) -> dict[str, int]:
        """By attack how many seeds it has, those left out of a component included."""
        budget = self.study.budgets[0]
        rows = {name: row_of(table, *ATTACKED, LEAD, budget) for name, table in self.tables.items()}
        return {name: int(row["n"] + row["collapsed"]) for name, row in rows.items()}

    def _cells(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"cells/{name}.csv")

    @cached_property
    def _first(self) -> dict[int, pd.DataFrame]:
        """By number of seeds that an attack has, the leads over as many first seeds of the study."""
        cells = self.study.cells[ATTACKED[0]]
        return {
            seeds: leads_table(leads_document("", cells[cells["seed"] < seeds]))
            for seeds in set(self.seeds.values())
        }
