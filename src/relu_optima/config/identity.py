"""Run ids: the same science, and nothing else, gives the same id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

ID_LENGTH = 12


def canonical_json(value: Any) -> str:
    """Write a JSON value in the one form that is hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """Hash a JSON value."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def run_id(
    stage: str,
    seed: int | None,
    groups: Mapping[str, Mapping[str, Any]],
    upstream: Mapping[str, str],
) -> str:
    """Name a run by its scientific configuration."""
    value = {"stage": stage, "seed": seed, "groups": groups, "upstream": upstream}
    return digest(value)[:ID_LENGTH]
