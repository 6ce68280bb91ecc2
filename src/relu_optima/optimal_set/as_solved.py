"""A solver's network as it stands: every block with any weight, neither refined nor merged.

The published experiments prune and tune such networks. On an interior-point solution every block
has some weight, and a neuron on a data hyperplane may be split over several blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relu_optima.optimal_set.blocks import Blocks
from relu_optima.optimal_set.directions import Directions


@dataclass(frozen=True)
class AsSolved(Directions):
    """The blocks of a solution that are not exactly zero.

    Attributes
    ----------
    problem : Blocks
        The program.
    positions : array of int, shape (k,)
        Blocks with weight.
    directions : array, shape (k, d)
        Their unit weights.
    signs : array, shape (k,)
        Their output signs.
    start : array, shape (k,)
        Their norms.
    """

    problem: Blocks
    positions: np.ndarray
    directions: np.ndarray
    signs: np.ndarray
    start: np.ndarray

    @property
    def blocks(self) -> np.ndarray:
        """Block of the program that each direction belongs to, shape (k,)."""
        return self.positions

    @cached_property
    def columns(self) -> np.ndarray:
        """Contribution of each unit direction to the convex model's fit, shape (n, k)."""
        pairs = zip(self.positions, self.directions, strict=True)
        rows = [self.problem.apply(int(b), u) for b, u in pairs]
        return np.array(rows).reshape(len(rows), self.problem.X.shape[0]).T

    @property
    def negligible(self) -> float:
        """Coefficient up to which a neuron counts as absent: as published, exactly zero."""
        return 0.0


def as_solved(problem: Blocks, weights: np.ndarray) -> AsSolved:
    """Take a solver's block weights literally."""
    norms = np.linalg.norm(weights, axis=1)
    positions = np.flatnonzero(norms > 0)
    return AsSolved(
        problem=problem,
        positions=positions,
        directions=weights[positions] / norms[positions, None],
        signs=problem.signs[positions],
        start=norms[positions],
    )
