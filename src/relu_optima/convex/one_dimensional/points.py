"""Checked one-dimensional data: sorted, repeated abscissae merged, weights positive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.errors import SolveInputError


@dataclass(frozen=True)
class Points:
    """Distinct abscissae in order, with the mass and the mean target of each.

    Attributes
    ----------
    x, mass, mean : array, shape (N,)
        Increasing abscissae, sum of the weights and weighted mean of the targets at each.
    spread : float
        Half the weighted squared distance of the targets from their means: what no function of x
        can explain.
    """

    x: np.ndarray
    mass: np.ndarray
    mean: np.ndarray
    spread: float


def as_vector(values: object, name: str, size: int | None = None) -> np.ndarray:
    """Return finite float64 numbers of shape (n,); a single column counts as a vector."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SolveInputError(
            "it does not hold numbers", allowed="an array of shape (n,)", where=name
        ) from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0 or (size is not None and array.size != size):
        wanted = "at least one number, shape (n,)" if size is None else f"shape ({size},), as x"
        raise SolveInputError(f"it has shape {array.shape}", allowed=wanted, where=name)
    if not np.isfinite(array).all():
        raise SolveInputError(
            f"{int((~np.isfinite(array)).sum())} entries are NaN or infinite",
            allowed="finite numbers",
            where=name,
            fix="remove these rows or fill them in",
        )
    return np.ascontiguousarray(array)


def as_weights(weights: object, size: int) -> np.ndarray:
    """Return non-negative weights, not all zero; ones if none are given."""
    if weights is None:
        return np.ones(size)
    array = as_vector(weights, "weights", size)
    if np.any(array < 0) or not np.any(array > 0):
        raise SolveInputError(
            f"the least is {array.min():g}, the largest {array.max():g}",
            allowed="weights >= 0, one of them positive",
            where="weights",
        )
    return array


def check_distances(x: np.ndarray) -> None:
    """Refuse increasing abscissae whose differences or their inverses are no finite numbers."""
    with np.errstate(over="ignore"):
        widths = np.diff(x)
        fits = np.all(widths > 1e-150) and float(x[-1]) - float(x[0]) < 1e150
    if not fits:
        raise SolveInputError(
            "two abscissae are closer than 1e-150 or further apart than 1e150",
            allowed="distances between 1e-150 and 1e150, so that slopes are finite numbers",
            where="x",
            fix="rescale x; the objective stays the same for a x with |a| beta",
        )


def sorting(x: np.ndarray) -> np.ndarray:
    """Return the order that sorts x, equal numbers as they come.

    The faster sort, which does not keep that order, is asked first: without equal numbers there is
    one order only.
    """
    order = np.argsort(x)
    ascending = x[order]
    repeated = bool(np.any(ascending[1:] == ascending[:-1]))
    return np.argsort(x, kind="stable") if repeated else order


def merge_points(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, order: np.ndarray | None
) -> Points:
    """Merge; `order` sorts x, none means that it is sorted. Rows of weight zero are left out."""
    if order is not None:
        x, y, weights = x[order], y[order], weights[order]
    if not np.all(weights > 0):
        kept = weights > 0
        x, y, weights = x[kept], y[kept], weights[kept]
    fresh = np.ones(x.size, dtype=bool)
    fresh[1:] = x[1:] != x[:-1]
    if fresh.all():
        check_distances(x)
        return Points(x, weights, y, 0.0)
    start = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    mass = np.add.reduceat(weights, start)
    middle = y[start]  # differences from one of them lose nothing
    mean = middle + np.add.reduceat(weights * (y - middle[group]), start) / mass
    spread = 0.5 * float(np.sum(weights * (y - mean[group]) ** 2))
    check_distances(x[start])
    return Points(x[start], mass, mean, spread)
