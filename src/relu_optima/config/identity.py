"""Run ids: the same science, and nothing else, gives the same id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

ID_LENGTH = 12


def canonical_json(value: Any) -> str:
    """Write a JSON value in the one form that is hashed.

    Parameters
    ----------
    value : JSON value
        Mappings with string keys, lists, strings, finite numbers, booleans, None.

    Returns
    -------
    str
        Sorted keys, no white space, UTF-8 text; NaN and infinities raise ``ValueError``.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """Hash a JSON value.

    Parameters
    ----------
    value : JSON value
        What to hash.

    Returns
    -------
    str
        64 hexadecimal digits of SHA-256 over `canonical_json`.
    """
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def run_id(
    stage: str,
    seed: int | None,
    groups: Mapping[str, Mapping[str, Any]],
    upstream: Mapping[str, str],
) -> str:
    """Name a run by its scientific configuration.

    Parameters
    ----------
    stage : str
        Stage name.
    seed : int or None
        Seed of the run; None for a stage whose seed lives in its group (data sets).
    groups : mapping of str to mapping
        Scientific part of each config group, types already coerced by its model.
    upstream : mapping of str to str
        Run ids it builds on, by stage.

    Returns
    -------
    str
        First 12 hexadecimal digits of SHA-256 over the canonical JSON.
    """
    value = {"stage": stage, "seed": seed, "groups": groups, "upstream": upstream}
    return digest(value)[:ID_LENGTH]
