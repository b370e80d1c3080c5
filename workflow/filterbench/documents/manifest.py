"""What a manifest says twice: digests of settings, and its files as `sha256sum` lists them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def settings_digest(settings: Mapping[str, object]) -> str:
    """SHA-256 of a job's settings, under which a manifest has them."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def sums_of(manifest: Mapping[str, Any]) -> str:
    """The digests of a manifest as `sha256sum` writes them."""
    return "".join(f"{entry['sha256']}  {name}\n" for name, entry in manifest["files"].items())
