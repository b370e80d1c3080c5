"""The nets that a row's model may stand for, and their counts in the conventions of papers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from filterbench.analysis.claims_table import Claim
from filterbench.models.shapes import ShapeCounts, Shapes, shapes_of

# What papers mean by one name: the registry's names of its forms, the usual one first.
FORMS: dict[str, tuple[str, ...]] = {
    "vgg16": ("vgg16", "vgg16_one_linear"),
    "vgg19": ("vgg19", "vgg19_one_linear"),
    **{f"resnet{layers}": (f"resnet{layers}_padded", f"resnet{layers}") for layers in (20, 32, 56, 110)},
}
# Images of these datasets have 224 pixels in papers, and 1000 classes.
LARGE: dict[str, dict[str, tuple[str, ...]]] = {"imagenet": {"resnet50": ("torchvision:resnet50",)}}
SMALL = ("cifar10",)
# The fields of `ShapeCounts` that a printed cost may be.
FIELDS = {"params": ("params",), "flops": ("macs", "full")}


@dataclass(frozen=True)
class Convention:
    """A way to count multiply-accumulates.

    Attributes:
        words: what it counts.
        pruned: the field of `ShapeCounts` for the pruned net.
        unpruned: for the unpruned net.
    """

    words: str
    pruned: str
    unpruned: str


CONVENTIONS = (
    Convention("convolutions and linear layers", "macs", "macs"),
    Convention("with BatchNorm", "full", "full"),
    Convention("with BatchNorm in the pruned net only", "full", "macs"),
)


def forms_of(claim: Claim) -> dict[str, Shapes]:
    """The forms of a row's net by name; none for a net or a dataset that is not known here."""
    names: tuple[str, ...] = ()
    if claim.dataset in LARGE:
        names = LARGE[claim.dataset].get(claim.model, ())
    elif claim.dataset in SMALL:
        names = FORMS.get(claim.model, (claim.model,))
    known = shapes_of()
    return {name: known[name] for name in names if name in known}


def unpruned_counts(claim: Claim) -> Iterator[tuple[str, ShapeCounts]]:
    """The unpruned counts of each form."""
    for name, shapes in forms_of(claim).items():
        yield name, shapes.count()


def smallest(claim: Claim) -> tuple[int, int] | None:
    """Params and multiply-accumulates of the net with one filter in each layer; None for an unknown net."""
    least = [shapes.count(dict.fromkeys(shapes.channels, 1)) for shapes in forms_of(claim).values()]
    return (min(each.params for each in least), min(each.macs for each in least)) if least else None
