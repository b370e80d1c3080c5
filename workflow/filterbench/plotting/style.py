"""How each pruner looks, the same in every figure."""

from dataclasses import dataclass, replace

from filterbench.documents.targets import BUDGETS, curve_suffix


@dataclass(frozen=True)
class Look:
    """Colour, marker, label and line of a pruner's curve, and what its cells were asked for."""

    color: str
    marker: str
    label: str
    line: str = "-"
    asked: str = "sparsity"


# Colours that colour-blind readers can tell apart: of Okabe & Ito 2008, "Color Universal Design", and the
# last three of Tol 2021, "Colour Schemes" (muted).
LOOKS: dict[str, Look] = {
    "L1FilterPruner": Look("#0072B2", "o", "L1Filter"),
    "L2FilterPruner": Look("#56B4E9", "s", "L2Filter"),
    "FPGMPruner": Look("#009E73", "^", "FPGM"),
    "NetAdaptPruner": Look("#D55E00", "D", "NetAdapt"),
    "SimulatedAnnealingPruner": Look("#CC79A7", "v", "SimulatedAnnealing"),
    "AutoCompressPruner": Look("#E69F00", "P", "AutoCompress"),
    "GroupNormPruner": Look("#000000", "X", "GroupNorm"),
    "BNScalePruner": Look("#882255", "<", "BNScale"),
    "TaylorPruner": Look("#999933", ">", "Taylor"),
    "LAMPPruner": Look("#332288", "p", "LAMP"),
    # Controls are grey.
    "RandomFilterPruner": Look("#4D4D4D", "<", "random filters", ":"),
    "RandomAllocationPruner": Look("#7F7F7F", ">", "random allocation", "--"),
    "UniformAllocationPruner": Look("#A6A6A6", "h", "uniform allocation", "-."),
}
# Compact shapes trained from scratch, by budget: hollow, and grey like all controls.
SCRATCH_LOOKS = {
    "finetune": Look("#8C8C8C", "d", "from scratch, as fine-tuned"),
    "baseline": Look("#4D4D4D", "p", "from scratch, as baseline"),
}
# Lines of the curves under each kind of budget.
LINES = {"flops": "--", "latency": ":"}
OTHER_MARKERS = "X<>hpd"


def look_of(pruner: str, position: int) -> Look:
    """The look of a pruner; one without an entry gets grey and a marker by its position in the figure.

    Its cells under a budget (see `filterbench.documents.targets.Target.curve`) are dashed or dotted.
    """
    for kind, label in BUDGETS.items():
        if (name := pruner.removesuffix(curve_suffix(kind))) != pruner:
            look = look_of(name, position)
            name = f"{look.label}{curve_suffix(kind)}"
            return replace(look, label=name, line=LINES[kind], asked=f"{label} budget")
    marker = OTHER_MARKERS[position % len(OTHER_MARKERS)]
    return LOOKS.get(pruner, Look("#666666", marker, pruner.removesuffix("Pruner")))
