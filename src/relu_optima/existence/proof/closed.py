"""Check that a product set is closed: one function per rule, each with its proof."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_closed(masks: list[np.ndarray], proof: dict[str, Any]) -> list[str]:
    """Check a proof of closedness.

    Parameters
    ----------
    masks : list of array of uint8
        The layers, first layer first.
    proof : dict
        ``rule`` and its data.

    Returns
    -------
    list of str
        Problems; empty if the set is proved closed.
    """
    rule = proof.get("rule")
    if rule == "one layer":
        return [] if len(masks) == 1 else ["there is more than one layer"]
    if len(masks) != 2:
        return [f"rule {rule!r} needs two layers"]
    if rule == "one line":
        return _check_one_line(masks)
    if rule == "equal or disjoint":
        return _check_equal_or_disjoint(masks)
    return [f"there is no rule {rule!r}"]


def _check_one_line(masks: list[np.ndarray]) -> list[str]:
    """All cells lie in one row or one column: the set is a coordinate space, hence closed."""
    live = masks[0].any(axis=1) & masks[1].any(axis=0)
    rows = int(masks[1][:, live].any(axis=1).sum())
    columns = int(masks[0][live].any(axis=0).sum())
    return [] if min(rows, columns) <= 1 else ["the cells are not in one row or column"]


def _check_equal_or_disjoint(masks: list[np.ndarray]) -> list[str]:
    """Any two rectangles are equal or disjoint: a product of sets {rank <= q}, each closed."""
    live = masks[0].any(axis=1) & masks[1].any(axis=0)
    both = np.concatenate([masks[1][:, live], masks[0][live].T])
    first = np.unique(both, axis=1)
    s, t = first[: masks[1].shape[0]], first[masks[1].shape[0] :]
    cover = s.astype(np.float32) @ t.T.astype(np.float32)
    return [] if cover.max(initial=0) <= 1 else ["two different rectangles meet"]
