"""The marks of a figure: curves, the unpruned net, fronts, and what lies behind them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from filterbench.analysis.blind import blind_cells
from filterbench.plotting.style import SCRATCH_STYLES, style_of

STATISTICS = [f"performance_{name}" for name in ("mean", "std", "low", "high")]
CELL = ["pruner", "sparsity"]


def draw_originals(axes: Axes, original: float, table: pd.DataFrame) -> None:
    """The unpruned net as a dashed line and a star; a hollow star once fine-tuned as they were.

    Args:
        axes: where to draw.
        original: what the unpruned net spends.
        table: cells of one model.
    """
    accuracy = 100 * float(table["performance_original"].mean())
    axes.axhline(accuracy, color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    column = "performance_original_finetuned"
    if column in table and table[column].notna().any():
        draw_star(axes, original, 100 * float(table[column].mean()), "white", "original, fine-tuned")
    draw_star(axes, original, accuracy, "black", "original")


def draw_star(axes: Axes, spent: float, accuracy: float, fill: str, label: str) -> None:
    """A form of the unpruned net; accuracy in per cent."""
    axes.plot(
        spent,
        accuracy,
        "*",
        markersize=14,
        linestyle="none",
        color="black",
        markerfacecolor=fill,
        label=label,
    )


def draw_scratch(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """The compact shapes trained from scratch, behind the curves, at the budgets that the table has."""
    for budget, style in SCRATCH_STYLES.items():
        column = f"performance_scratch_{budget}"
        if column not in table:
            continue
        cells = table.groupby(CELL)[[spent, column]].mean()
        axes.plot(
            cells[spent],
            100 * cells[column],
            marker=style.marker,
            linestyle="none",
            markersize=7,
            markerfacecolor="none",
            markeredgecolor=style.color,
            zorder=1,
            label=style.label,
        )


def draw_front(axes: Axes, spent: str, front: pd.DataFrame) -> None:
    """A ring around each cell that no other beats."""
    cells = front.groupby(CELL)[[spent, "performance_finetuned"]].mean()
    axes.plot(
        cells[spent],
        100 * cells["performance_finetuned"],
        "o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor="black",
        markeredgewidth=0.8,
        label="on the front",
    )


def draw_behind(axes: Axes, column: str, others: pd.DataFrame, label: str) -> None:
    """Cells of another study, hollow and behind; one entry in the legend for all."""
    for position, (pruner, cells) in enumerate(others.groupby("pruner", sort=False)):
        style = style_of(str(pruner), position)
        axes.plot(
            cells[f"{column}_compact"],
            100 * cells["performance_finetuned"],
            marker=style.marker,
            linestyle="none",
            markerfacecolor="none",
            markeredgecolor=style.color,
            markersize=6,
            alpha=0.7,
            zorder=1,
            label=f"{label} (hollow)" if position == 0 else None,
        )


def draw_claims(axes: Axes, column: str, claims: pd.DataFrame) -> None:
    """Points that papers report; the legend says which were not measured in the same way."""
    for position, ((label, alike), points) in enumerate(
        claims.groupby(["label", "like_for_like"], sort=False)
    ):
        style = style_of(str(points["pruner"].iloc[0]), position)
        axes.plot(
            points[column],
            100 * points["accuracy"],
            marker="X",
            linestyle="none",
            markerfacecolor="white",
            markeredgecolor=style.color,
            markeredgewidth=1.5,
            markersize=10,
            label=str(label) if alike else f"{label} (not like for like)",
        )


def draw_curves(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """A curve a pruner: mean accuracy over seeds against the mean of a column, by sparsity."""
    for position, (pruner, all_cells) in enumerate(table.groupby("pruner", sort=False)):
        style = style_of(str(pruner), position)
        cells = all_cells[all_cells["infeasible"].isna()]
        curve = cells.groupby("sparsity")[[spent, *STATISTICS]].mean()
        _draw_spread(axes, curve[spent], 100 * curve[STATISTICS], style.color)
        axes.plot(
            curve[spent],
            100 * curve["performance_mean"],
            color=style.color,
            marker=style.marker,
            linestyle=style.line,
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.4,
            label=_label(style.label, all_cells),
        )
        blind = cells.merge(blind_cells(cells)[CELL].drop_duplicates(), on=CELL)
        hollow = blind.groupby("sparsity")[[spent, "performance_mean"]].mean()
        axes.plot(
            hollow[spent],
            100 * hollow["performance_mean"],
            marker=style.marker,
            linestyle="none",
            markersize=6,
            markerfacecolor="white",
            markeredgecolor=style.color,
            markeredgewidth=1.4,
        )


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
    """The pruner's name, with the sparsities that it could not reach, and where its search was blind."""
    asked = sorted(cells["sparsity"].unique())
    named = {"infeasible": cells[cells["infeasible"].notna()], "blind": blind_cells(cells)}
    said = [
        f"{word}: {_listed(set(found['sparsity']), asked)}" for word, found in named.items() if len(found)
    ]
    return f"{pruner} ({'; '.join(said)})" if said else pruner


def _listed(some: set[float], asked: list[float]) -> str:
    """Some of the asked sparsities; three and more neighbours as `0.6 to 0.9`, which keeps legends short."""
    first, last = min(some), max(some)
    between = asked[asked.index(first) : asked.index(last) + 1]
    if len(some) > 2 and set(between) == some:
        return f"{first:g} to {last:g}"
    return ", ".join(f"{sparsity:g}" for sparsity in sorted(some))
