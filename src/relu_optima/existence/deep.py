"""Recognise chains whose live neurons form trees or paths (rules and proofs: `proof.deep`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask


def is_forest(masks: Sequence[Mask]) -> bool:
    """Say whether the rule of trees applies."""
    live = _live(masks)
    if any(most > 1 for most in _most_fed(masks, live)):
        return False
    last = masks[-1].astype(np.int64)
    several = live[-1] * (last.sum(axis=0) > 1)
    return not ((last @ live[-1] > 1) & (last @ several > 0)).any()


def is_paths(masks: Sequence[Mask]) -> bool:
    """Say whether the rule of paths applies."""
    live = [*_live(masks), np.ones(masks[-1].shape[0], np.int64)]
    seen = [
        (mask.astype(np.int64) @ below) * above
        for mask, below, above in zip(masks[1:], live, live[1:], strict=False)
    ]
    fed_twice = any(most > 1 for most in _most_fed(masks, live[:-1]))
    return not fed_twice and all((line <= 1).all() for line in seen)


def _live(masks: Sequence[Mask]) -> list[np.ndarray]:
    """Mark, in each hidden layer, the neurons on a path from an input to an output."""
    forward = [np.ones(masks[0].shape[1], np.int64)]
    for mask in masks[:-1]:
        forward.append((mask.astype(np.int64) @ forward[-1] > 0).astype(np.int64))
    backward = [np.ones(masks[-1].shape[0], np.int64)]
    for mask in reversed(masks[1:]):
        backward.append((mask.T.astype(np.int64) @ backward[-1] > 0).astype(np.int64))
    return [a * b for a, b in zip(forward[1:], reversed(backward[1:]), strict=True)]


def _most_fed(masks: Sequence[Mask], live: list[np.ndarray]) -> list[int]:
    """Count, for each hidden layer but the last, the live neurons that one of its own feeds."""
    return [
        int(((mask.T.astype(np.int64) @ above) * below).max(initial=0))
        for mask, below, above in zip(masks[1:-1], live[:-1], live[1:], strict=True)
    ]
