"""The nets that a row's model may stand for, and their counts in the conventions of papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import with_unit
from filterbench.models.paper_layers import paper_layers
from filterbench.models.shapes import ShapeCounts, Shapes, shapes_of

# What papers mean by one name: the registry's names of its forms, the usual one first.
FORMS: dict[str, tuple[str, ...]] = {
    "vgg16": ("vgg16", "vgg16_one_linear"),
    "vgg19": ("vgg19", "vgg19_one_linear"),
    **{f"resnet{layers}": (f"resnet{layers}_padded", f"resnet{layers}") for layers in (20, 32, 56, 110)},
}
# Between the unpruned counts of papers and of the form that comes closest.
BASE_PERCENT = 1.0
# Classes of the datasets whose images have 32 pixels.
SMALL = {"cifar10": 10, "cifar100": 100}
# Images of these datasets have 224 pixels in papers, and 1000 classes.
LARGE: dict[str, dict[str, tuple[str, ...]]] = {"imagenet": {"resnet50": ("torchvision:resnet50",)}}


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


@dataclass(frozen=True)
class Form:
    """A net that a row's model may stand for.

    Attributes:
        name: in the registry.
        classes: of the dataset.
    """

    name: str
    classes: int

    @property
    def shapes(self) -> Shapes:
        """Its layers."""
        return replace(shapes_of()[self.name], classes=self.classes)


def forms_of(claim: Claim) -> tuple[Form, ...]:
    """The forms of a row's net, the usual one first; none for an unknown net or dataset."""
    if claim.dataset in LARGE:
        names, classes = LARGE[claim.dataset].get(claim.model, ()), 1000
    else:
        names, classes = FORMS.get(claim.model, (claim.model,)), SMALL.get(claim.dataset, 0)
    return tuple(Form(name, classes) for name in names if classes and name in shapes_of())


@cache
def unpruned(form: Form) -> ShapeCounts:
    """The unpruned counts of a form."""
    return form.shapes.count()


# A table often states the same layers in many rows, and each is read in several conventions.
@lru_cache(maxsize=1000)
def pruned(form: Form, layers: str, inputs_kept: bool, up: bool) -> ShapeCounts:
    """The counts of a form that is pruned to stated layers.

    Args:
        form: of the net.
        layers: see `filterbench.models.paper_layers.paper_layers`.
        inputs_kept: see `Shapes.count`.
        up: see `filterbench.domain.rates.kept_of`.

    Raises:
        InputError: the layers are not readable, or do not fit the net.
    """
    shapes = form.shapes
    return shapes.count(paper_layers(layers, shapes, up), inputs_kept)


@cache
def smallest(form: Form) -> ShapeCounts:
    """The counts of a form with one filter in each layer."""
    shapes = form.shapes
    return shapes.count(dict.fromkeys(shapes.channels, 1))


def unpruned_counts(claim: Claim, cost: str) -> dict[str, float]:
    """The unpruned counts of a row's net by form and convention, the usual form first.

    Args:
        claim: the row; there are none for an unknown net or dataset.
        cost: `params` or `flops`.
    """
    named = {"params": {"": "params"}, "flops": {"": "macs", " with BatchNorm": "full"}}[cost]
    return {
        f"{form.name}{words}": float(getattr(unpruned(form), field))
        for form in forms_of(claim)
        for words, field in named.items()
    }


def wholes(claim: Claim, cost: str) -> list[Printed]:
    """The printed unpruned count or, if there is none, all that are known of the row's net."""
    if base := claim.numbers.get(f"base_{cost}"):
        return [base]
    known = unpruned_counts(claim, cost).values()
    return [Printed(count, BASE_PERCENT / 100 * count, with_unit(count)) for count in known]
