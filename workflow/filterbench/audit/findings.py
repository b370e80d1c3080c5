"""The audit's document as types; `schemas/audit.schema.json` explains the keys."""

from __future__ import annotations

from typing import TypedDict

from filterbench.analysis.claims_table import Claim


class Finding(TypedDict):
    """What is printed and does not follow from the other numbers, or cannot be."""

    line: int
    source: str
    model: str
    kind: str
    key: str
    printed: str
    recomputed: str
    explanation: str
    note: str


class Recounted(TypedDict):
    """A number that is printed of a pruned net, and the same counted from its stated layers."""

    key: str
    text: str
    printed: float
    recounted: float


class Recount(TypedDict):
    """A row whose net was counted from its stated layers."""

    line: int
    source: str
    model: str
    layers: str
    net: str
    agrees: bool
    numbers: list[Recounted]


class Gap(TypedDict):
    """What a row does not say."""

    line: int
    source: str
    model: str
    missing: list[str]


class AuditDocument(TypedDict):
    """`audit.json`."""

    table: str
    rows: int
    summary: dict[str, int]
    findings: list[Finding]
    recounts: list[Recount]
    gaps: list[Gap]


def finding(
    claim: Claim, kind: str, key: str, printed: str, recomputed: str, explanation: str = ""
) -> Finding:
    """A finding about a row."""
    return {
        "line": claim.line,
        "source": claim.source,
        "model": claim.model,
        "kind": kind,
        "key": key,
        "printed": printed,
        "recomputed": recomputed,
        "explanation": explanation,
        "note": claim.note,
    }


def with_unit(count: float) -> str:
    """A count with its unit, as papers print it."""
    for unit, scale in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if count >= scale:
            return f"{count / scale:.4g}{unit}"
    return f"{count:.0f}"
