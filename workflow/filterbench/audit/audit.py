"""The audit of a table: recounts, arithmetic, comparisons between rows, and what rows do not say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from filterbench.analysis.claims import UNPRUNED
from filterbench.analysis.claims_table import Claim, read_rows
from filterbench.audit.between import between_rows
from filterbench.audit.checks import of_row
from filterbench.audit.findings import AuditDocument, Finding, Gap, Recount
from filterbench.audit.nets import forms_of
from filterbench.audit.recounting import recount
from filterbench.storage.errors import InputError

# What a reader needs, by column.
NEEDED = {
    "base_accuracy": "base accuracy",
    "layers": "layers or rates",
    "runs": "number of runs",
    "training": "training",
    "address": "address",
}
# The model of a row is not counted without it.
UNKNOWN = "a net and a dataset that can be counted here"


def audit(path: Path) -> AuditDocument:
    """The audit of a table of reported points (docs/claims.md).

    Raises:
        InputError: the table is faulty, or the layers of a row do not fit its net; the message names file,
            line and column.
    """
    claims = [claim for claim in read_rows(path) if claim.pruner != UNPRUNED]
    findings: list[Finding] = []
    recounts: list[Recount] = []
    for claim in claims:
        findings += of_row(claim)
        try:
            counted = recount(claim)
        except InputError as reason:
            raise InputError(f"{path}: {reason}") from reason
        if counted:
            recounts.append(counted[0])
            findings += filter(None, counted[1:])
    findings += between_rows(claims)
    findings.sort(key=lambda each: each["line"])
    return {
        "table": path.name,
        "rows": len(claims),
        "summary": dict(sorted(Counter(each["kind"] for each in findings).items())),
        "findings": findings,
        "recounts": recounts,
        "gaps": [gap for claim in claims if (gap := _gap(claim))["missing"]],
    }


def _gap(claim: Claim) -> Gap:
    """What a row does not say."""
    missing = [words for column, words in NEEDED.items() if not claim.texts[column]]
    if not forms_of(claim):
        missing.append(UNKNOWN)
    return {"line": claim.line, "source": claim.source, "model": claim.model, "missing": missing}
