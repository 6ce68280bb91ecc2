r"""Clusters on which a limit of matrix products is out of reach, from the run's own masks.

One hidden layer with a 2 x 2 window (outputs i, i', inputs j, j') all of whose cells one neuron k
covers, while other neurons cover exactly the cell (i, j'). The matrix A = E_ij + E_i'j' is a limit
of products on that pattern and none: with ``u_k = e_i + ε e_i', v_k = e_j + e_j'/ε, u_l = -e_i,
v_l = e_j'/ε`` the product is ``A + ε E_i'j``. Inputs are 2r + 1 small triangles around points of a
parabola in the plane of j and j', r the number of live neurons that see it, targets A x (loader
`clusters` takes A and r from the config instead). No line meets three triangles, so some triangle
is met by no kink; there the network is affine with a slope in the product set, which cannot be A.
With equal, large hidden biases the curve is a network, its loss falls like ε² while its squared
norm grows like 1/ε.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.loaders.staircase import (
    pattern_masks,
    pattern_plugin_modules,
    pattern_source_files,
)
from relu_optima.datasets.raw import RawData
from relu_optima.errors import DataError
from relu_optima.patterns.clusters import separated_clusters


class Config(DatasetConfig):
    """The pattern (usually ``${pattern}``: that of the run)."""

    test_fraction: float = Field(default=0.0, ge=0, le=0, description="All points train.")
    standardise: Literal[False] = Field(default=False, description="Would move the points.")
    bias: Literal[False] = Field(default=False, description="Networks have biases of their own.")
    pattern: dict[str, Any] = Field(description="Values of a pattern group; ${pattern} as a rule.")
    start_epsilon: float = Field(
        default=0.5, gt=0, lt=1, description="Point of the curve stored as a start for training."
    )


def plugin_modules(values: Mapping[str, Any]) -> list[str]:
    """Name the modules of the pattern's family."""
    return pattern_plugin_modules(values["pattern"])


def source_files(config: Config) -> list[Path]:
    """List the files that the pattern's family reads."""
    return pattern_source_files(config.pattern)


def load(config: Config) -> RawData:
    """Build the triangles, the targets and the start."""
    W0, W1 = pattern_masks(config.pattern)
    window = find_window(W0, W1)
    if window is None:
        raise DataError(
            "no 2 x 2 window is covered by one neuron while others cover exactly one cell",
            where="dataset.pattern",
            fix="use data set staircase, which needs no such window",
        )
    rows, columns = window[:2]
    live = W1.any(axis=0) & W0[:, list(columns)].any(axis=1)
    points = separated_clusters(2, 2 * int(live.sum()) + 1).reshape(-1, 2)
    X = np.zeros((len(points), W0.shape[1]))
    X[:, list(columns)] = points
    Y = np.zeros((len(points), W1.shape[0]))
    Y[:, list(rows)] = points
    start = _start(W0, W1, X, window, config.start_epsilon)
    return RawData("window_clusters", X, Y, "regression", "A x", extra=start)


def find_window(
    W0: np.ndarray, W1: np.ndarray
) -> tuple[tuple[int, int], tuple[int, int], int, int] | None:
    """Find outputs (i, i'), inputs (j, j'), neuron k and another that covers (i, j')."""
    cover = W1.astype(int) @ W0.astype(int)
    for k in range(W0.shape[0]):
        for i, i2 in itertools.permutations(np.flatnonzero(W1[:, k]), 2):
            for j, j2 in itertools.permutations(np.flatnonzero(W0[k]), 2):
                if cover[i, j2] > 1 and cover[i, j] == cover[i2, j] == cover[i2, j2] == 1:
                    others = np.flatnonzero(W1[i] & W0[:, j2])
                    other = next(int(q) for q in others if q != k)
                    return (int(i), int(i2)), (int(j), int(j2)), k, other
    return None


def _start(
    W0: np.ndarray,
    W1: np.ndarray,
    X: np.ndarray,
    window: tuple[tuple[int, int], tuple[int, int], int, int],
    eps: float,
) -> dict[str, np.ndarray]:
    """Write the curve's two neurons, each with equal norms on both sides, always active."""
    (i, i2), (j, j2), k, other = window
    first, second = np.zeros(W0.shape), np.zeros(W1.shape)
    first[k, j], first[k, j2] = 1.0, 1 / eps
    first[other, j2] = 1 / eps
    second[i, k], second[i2, k] = 1.0, eps
    second[i, other] = -1.0
    # one bias for both, so that it cancels in row i; half as much again keeps kinks at a distance
    bias = np.zeros(W0.shape[0])
    bias[[k, other]] = 1.5 * float(np.abs(X @ first.T).max())
    out_bias = -second @ bias
    for q in (k, other):
        below = np.hypot(np.linalg.norm(first[q]), bias[q])
        scale = float(np.sqrt(np.linalg.norm(second[:, q]) / below))
        first[q] *= scale
        bias[q] *= scale
        second[:, q] /= scale
    return {"start_W0": first, "start_b0": bias, "start_W1": second, "start_b1": out_bias}
