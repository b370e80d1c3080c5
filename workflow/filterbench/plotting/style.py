"""How pruners look, the same in all figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from zlib import crc32

import matplotlib
import pandas as pd

from filterbench.domain.controls import LAYERS, UNIFORM, UNIFORM_ABOVE, UNIFORM_FLOPS, UNIFORM_SPARING
from filterbench.domain.names import short
from filterbench.domain.targets import BUDGETS, curve_suffix
from filterbench.plotting.titles import as_written

# Fixed ids make the same figure the same bytes.
matplotlib.rcParams["svg.hashsalt"] = "filterbench"
matplotlib.rcParams["axes.formatter.use_mathtext"] = True
# Type 42, because some journals refuse PDFs with type 3.
matplotlib.rcParams["pdf.fonttype"] = 42


@dataclass(frozen=True)
class Style:
    """Colour, marker, label and line of a pruner's curve, and the kind of its cells' targets."""

    color: str
    marker: str
    label: str
    line: str | tuple[int, tuple[int, ...]] = "-"
    asked: str = "sparsity"


# Colours that colour-blind readers can distinguish: from Okabe & Ito 2008, "Color Universal Design", and the
# last ones from Tol 2021, "Colour Schemes" (muted).
STYLES: dict[str, Style] = {
    "L1FilterPruner": Style("#0072B2", "o", "L1Filter"),
    "L2FilterPruner": Style("#56B4E9", "s", "L2Filter"),
    "FPGMPruner": Style("#009E73", "^", "FPGM"),
    "NetAdaptPruner": Style("#D55E00", "D", "NetAdapt"),
    "SimulatedAnnealingPruner": Style("#CC79A7", "v", "SimulatedAnnealing"),
    "AutoCompressPruner": Style("#E69F00", "P", "AutoCompress"),
    "TunedAnnealingPruner": Style("#AA4499", "d", "TunedAnnealing"),
    "GroupNormPruner": Style("#000000", "X", "GroupNorm"),
    "BNScalePruner": Style("#882255", "<", "BNScale"),
    "TaylorPruner": Style("#999933", ">", "Taylor"),
    "LAMPPruner": Style("#332288", "p", "LAMP"),
    "GivenLayersPruner": Style("#44AA99", "H", "GivenLayers"),
    # Controls are grey.
    "RandomFilterPruner": Style("#4D4D4D", "<", "random filters", ":"),
    "GroupRandomPruner": Style("#707070", "^", "random channels", (0, (3, 1, 1, 1))),
    "RandomAllocationPruner": Style("#7F7F7F", ">", "random allocation", "--"),
    "UniformAllocationPruner": Style("#A6A6A6", "h", "uniform, as annealing", "-."),
    "UniformAsNetAdaptPruner": Style("#8F8F8F", "H", "uniform, as NetAdapt", (0, (1, 1))),
    "UniformAsAutoCompressPruner": Style("#5F5F5F", "p", "uniform, as AutoCompress", (0, (5, 1))),
}
# Compact shapes trained from scratch, by training budget: hollow, and grey like all controls.
SCRATCH_STYLES = {
    "finetune": Style("#8C8C8C", "d", "from scratch, as fine-tuned"),
    "baseline": Style("#4D4D4D", "p", "from scratch, as baseline"),
    "total": Style("#6B6B6B", "s", "from scratch, as both"),
}
# Controls that every pruner can have, by the prefix of their names: a grey, a line and a label.
CONTROLS: dict[str, tuple[str, tuple[int, tuple[int, int]], str]] = {
    LAYERS: ("#7F7F7F", (0, (3, 1)), "layers of {}, cut plainly"),
    UNIFORM: ("#5F5F5F", (0, (5, 1)), "uniform, as {}"),
    UNIFORM_ABOVE: ("#6E6E6E", (0, (4, 2)), "uniform, from above as {}"),
    UNIFORM_SPARING: ("#828282", (0, (6, 2)), "uniform but for the first two layers, as {}"),
    UNIFORM_FLOPS: ("#A6A6A6", (0, (1, 2)), "uniform, FLOPs as {}"),
}
# Lines of the curves under each kind of budget.
LINES = {"flops": "--", "latency": ":"}
# Of pruners without an entry, such as a user's own.
OTHER_COLORS = ("#CC6677", "#117733", "#DDCC77", "#44AA99", "#661100")
# The numbers of colours and markers have no common divisor, so each pair is used.
OTHER_MARKERS = "X<>hpdH"


def style_of(pruner: str) -> Style:
    """The style of a pruner; one without an entry has a colour and a marker that follow from its name.

    Its cells under a budget (see `filterbench.domain.targets.Target.curve`) are dashed or dotted.
    """
    for kind, label in BUDGETS.items():
        if (name := pruner.removesuffix(curve_suffix(kind))) != pruner:
            style = style_of(name)
            name = f"{style.label}{curve_suffix(kind)}"
            return replace(style, label=name, line=LINES[kind], asked=f"{label} budget")
    if pruner in STYLES:
        return STYLES[pruner]
    for prefix, (color, line, label) in CONTROLS.items():
        # A control of another pruner has that pruner's marker.
        if (controlled := pruner.removeprefix(prefix)) != pruner:
            style = style_of(controlled)
            return replace(style, color=color, line=line, label=label.format(style.label))
    number = crc32(pruner.encode())
    color, marker = (of[number % len(of)] for of in (OTHER_COLORS, OTHER_MARKERS))
    return Style(color, marker, short(pruner))


def styled(table: pd.DataFrame) -> Iterator[tuple[Style, pd.DataFrame]]:
    """The rows of each pruner of a table with its style, in the table's order."""
    for pruner, rows in table.groupby("pruner", sort=False):
        style = style_of(str(pruner))
        # Imported results have any pruner that somebody named.
        yield replace(style, label=as_written(style.label)), rows
