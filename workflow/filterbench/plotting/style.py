"""How each pruner looks, the same in every figure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Colour, marker, label and line style of a pruner's curve."""

    color: str
    marker: str
    label: str
    line: str = "-"


# Colours of Okabe & Ito 2008, "Color Universal Design", which colour-blind readers can tell apart.
LOOKS: dict[str, Look] = {
    "L1FilterPruner": Look("#0072B2", "o", "L1Filter"),
    "L2FilterPruner": Look("#56B4E9", "s", "L2Filter"),
    "FPGMPruner": Look("#009E73", "^", "FPGM"),
    "NetAdaptPruner": Look("#D55E00", "D", "NetAdapt"),
    "SimulatedAnnealingPruner": Look("#CC79A7", "v", "SimulatedAnnealing"),
    "AutoCompressPruner": Look("#E69F00", "P", "AutoCompress"),
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
OTHER_MARKERS = "X<>hpd"


def look_of(pruner: str, position: int) -> Look:
    """The look of a pruner; one without an entry gets grey and a marker by its position in the figure."""
    marker = OTHER_MARKERS[position % len(OTHER_MARKERS)]
    return LOOKS.get(pruner, Look("#666666", marker, pruner.removesuffix("Pruner")))
