"""Verdicts on every small pattern up to symmetry: the complete atlas in one call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from relu_optima.existence.decision import decide_layers
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.classes import atlas_sizes, class_masks, pattern_classes
from relu_optima.patterns.layers import mask_layers


@dataclass(frozen=True)
class AtlasEntry:
    """One pattern class with its verdict.

    Attributes
    ----------
    n_out, n_in, n_hidden, index : int
        Size and number of the class.
    masks : list of array of uint8
        Its representative, first layer first.
    verdict : Verdict
        The three answers.
    """

    n_out: int
    n_in: int
    n_hidden: int
    index: int
    masks: list[np.ndarray]
    verdict: Verdict


def atlas(r: int, side: int = 3, *, only_largest: bool = False) -> Iterator[AtlasEntry]:
    """Decide every class of width r with outer sizes m <= n <= side.

    Parameters
    ----------
    r : int
        Hidden neurons.
    side : int, optional
        Largest outer size.
    only_largest : bool, optional
        Only the size side x side.

    Yields
    ------
    AtlasEntry
        Classes in order of size and number.
    """
    sizes = [(side, side)] if only_largest else atlas_sizes(side)
    for m, n in sizes:
        for index, code in enumerate(pattern_classes(m, n, r)):
            masks = class_masks(code, m, n)
            yield AtlasEntry(m, n, r, index, masks, decide_layers(mask_layers(masks), 3600.0))
