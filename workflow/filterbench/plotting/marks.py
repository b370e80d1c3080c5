"""The marks of a figure: curves, the unpruned net, fronts, and what is behind them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from filterbench.analysis.blind import blind_cells
from filterbench.plotting.style import SCRATCH_STYLES, Style, style_of, styled
from filterbench.plotting.titles import as_written

STATISTICS = [f"performance_{name}" for name in ("mean", "std", "low", "high")]
CELL = ["pruner", "sparsity"]
# A paper's point that no pruner is named for.
CLAIM = Style("#1a1a1a", "X", "")


def draw_originals(axes: Axes, original: float, table: pd.DataFrame) -> None:
    """The unpruned net as a dashed line and a star, and as a hollow star after the cells' fine-tuning.

    `original` is its value on the x axis, and the table has the cells of one model.
    """
    accuracy = 100 * float(table["performance_original"].mean())
    axes.axhline(accuracy, color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    column = "performance_original_finetuned"
    if column in table and table[column].notna().any():
        draw_star(axes, original, 100 * float(table[column].mean()), "white", "original, fine-tuned")
    draw_star(axes, original, accuracy, "black", "original")


def draw_star(axes: Axes, spent: float, accuracy: float, fill: str, label: str) -> None:
    """A form of the unpruned net; accuracy in per cent."""
    axes.plot(spent, accuracy, "*", markersize=14, color="black", markerfacecolor=fill, label=label)


def draw_scratch(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """The compact shapes trained from scratch, behind the curves, at the budgets that the table has."""
    for budget, style in SCRATCH_STYLES.items():
        if (column := f"performance_scratch_{budget}") in table:
            cells = table.groupby(CELL)[[spent, column]].mean()
            _draw_hollow(axes, cells[spent], cells[column], style, style.label, fill="none", size=7, zorder=1)


def draw_front(axes: Axes, spent: str, front: pd.DataFrame) -> None:
    """A ring around each cell that no other beats."""
    cells = front.groupby(CELL)[[spent, "performance_finetuned"]].mean()
    ring, accuracy = Style("black", "o", "on the front"), cells["performance_finetuned"]
    _draw_hollow(axes, cells[spent], accuracy, ring, ring.label, fill="none", size=11, edge=0.8)


def draw_behind(axes: Axes, column: str, others: pd.DataFrame, label: str) -> None:
    """Cells of another study, hollow and behind; one entry in the legend for all."""
    entry: str | None = as_written(f"{label} (hollow)")
    for style, cells in styled(others):
        spent, accuracy = cells[f"{column}_compact"], cells["performance_finetuned"]
        _draw_hollow(axes, spent, accuracy, style, entry, fill="none", zorder=1, alpha=0.7)
        entry = None


def draw_claims(axes: Axes, column: str, claims: pd.DataFrame) -> None:
    """Points that papers report, in their pruners' colours; the legend says which are not like for like."""
    for (label, alike), points in claims.groupby(["label", "like_for_like"], sort=False):
        pruners = points["pruner"].unique()
        entry: str | None = as_written(str(label) if alike else f"{label} (not like for like)")
        if len(pruners) > 1:
            # One entry in the legend for points of several colours.
            _draw_hollow(axes, points[column][:0], points["accuracy"][:0], CLAIM, entry, size=10, edge=1.5)
            entry = None
        for pruner in pruners:
            own = points[points["pruner"] == pruner]
            style = replace(style_of(pruner) if pruner else CLAIM, marker=CLAIM.marker)
            _draw_hollow(axes, own[column], own["accuracy"], style, entry, size=10, edge=1.5)


def draw_curves(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """One curve per pruner: mean accuracy over seeds against the mean of a column, by sparsity."""
    for style, all_cells in styled(table):
        cells = all_cells[all_cells["infeasible"].isna()]
        curve = cells.groupby("sparsity")[[spent, *STATISTICS]].mean()
        _draw_spread(axes, curve[spent], 100 * curve[STATISTICS], style.color)
        label, mean = _label(style.label, all_cells), 100 * curve["performance_mean"]
        (line,) = axes.plot(curve[spent], mean, style.marker, color=style.color, markersize=6, label=label)
        line.set(linestyle=style.line, linewidth=1.4, markeredgecolor="white", markeredgewidth=0.6)
        blind = cells.merge(blind_cells(cells)[CELL].drop_duplicates(), on=CELL)
        hollow = blind.groupby("sparsity")[[spent, "performance_mean"]].mean()
        _draw_hollow(axes, hollow[spent], hollow["performance_mean"], style, edge=1.4)


def _draw_hollow(
    axes: Axes,
    spent: pd.Series,
    accuracy: pd.Series,
    style: Style,
    label: str | None = None,
    *,
    fill: str = "white",
    size: float = 6,
    edge: float = 1,
    zorder: float = 2,
    alpha: float | None = None,
) -> None:
    """Marks without a line, coloured at their edge; accuracy from 0 to 1."""
    (marks,) = axes.plot(spent, 100 * accuracy, style.marker, markersize=size, zorder=zorder, label=label)
    marks.set(markerfacecolor=fill, markeredgecolor=style.color, markeredgewidth=edge, alpha=alpha)


def _draw_spread(axes: Axes, spent: pd.Series, percent: pd.DataFrame, color: str) -> None:
    """A band of one standard deviation, and bars of the mean's interval where there is one."""
    if percent["performance_std"].isna().all():
        return
    mean, std = percent["performance_mean"], percent["performance_std"]
    axes.fill_between(spent, mean - std, mean + std, color=color, alpha=0.15, linewidth=0)
    known = percent["performance_low"].notna()
    if known.any():
        bars = [(mean - percent["performance_low"])[known], (percent["performance_high"] - mean)[known]]
        axes.errorbar(
            spent[known], mean[known], bars, color=color, linestyle="none", linewidth=0.9, capsize=2.5
        )


def _label(pruner: str, cells: pd.DataFrame) -> str:
    """The pruner's name, with the sparsities that are infeasible or whose search was blind."""
    asked = sorted(cells["sparsity"].unique())
    named = {"infeasible": cells[cells["infeasible"].notna()], "blind": blind_cells(cells)}
    some = {word: set(found["sparsity"]) for word, found in named.items() if len(found)}
    said = [f"{word}: {_listed(sparsities, asked)}" for word, sparsities in some.items()]
    return f"{pruner} ({'; '.join(said)})" if said else pruner


def _listed(some: set[float], asked: list[float]) -> str:
    """Some of the asked sparsities; three and more neighbours as `0.6 to 0.9`, which keeps legends short."""
    first, last = min(some), max(some)
    between = asked[asked.index(first) : asked.index(last) + 1]
    if len(some) > 2 and set(between) == some:
        return f"{first:g} to {last:g}"
    return ", ".join(f"{sparsity:g}" for sparsity in sorted(some))
