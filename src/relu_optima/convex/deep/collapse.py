r"""Neural collapse of the aligned network, predicted exactly.

The last hidden layer of the aligned network on one-hot targets is
H = Σ_k s_k^{(L-1)/L} (y_k/√n_k) e_kᵀ, so every row of class k is the class mean

.. math:: \mu_k = s_k^{(L-1)/L} / \sqrt{n_k} \; e_k ,

within-class scatter is 0 (NC1), class means are orthogonal, and the last layer is diagonal with
s_k^{1/L}. Less their mean, balanced classes form a simplex: equal norms, cosines -1/(K - 1) (NC2).
For unbalanced classes norms and angles follow from the n_k, and it is no simplex. With batch
normalisation the exponents are those of L = 2.

The metrics are those of Papyan, Han & Donoho (2020), with the mean of class means as centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import SolveInputError

if TYPE_CHECKING:
    from relu_optima.convex.deep.value import DeepValue


@dataclass(frozen=True)
class Collapse:
    """Geometry of the last hidden layer.

    Attributes
    ----------
    norms : array, shape (K,)
        Norms of the class means.
    cosines : array, shape (K, K)
        Between the class means; 1 on the diagonal, 0 for a class that is not fitted.
    centred_norms : array, shape (K,)
        Norms of the class means less their mean.
    centred_cosines : array, shape (K, K)
        Between these.
    nc1 : float
        Within-class scatter relative to that between classes: 0.
    nc2_norms : float
        Standard deviation of the centred norms, relative to their mean.
    nc2_angles : float
        Largest difference of a centred cosine from -1 / (K - 1).
    nc3 : float
        Distance of last layer and centred class means, each divided by its norm.
    nc4 : float
        Share of rows that network and nearest class mean put into different classes.
    """

    norms: np.ndarray
    cosines: np.ndarray
    centred_norms: np.ndarray
    centred_cosines: np.ndarray
    nc1: float
    nc2_norms: float
    nc2_angles: float
    nc3: float
    nc4: float


def predict_collapse(value: DeepValue) -> Collapse:
    """Predict it from class sizes and scales."""
    if not value.class_sizes:
        raise SolveInputError("a linear network has no classes", where="class_sizes")
    sizes = np.array(value.class_sizes, dtype=np.float64)
    depth = 2 if value.batch_norm else value.depth
    norms = value.scales ** ((depth - 1) / depth) / np.sqrt(sizes)
    means = np.diag(norms)
    last = np.diag(value.scales ** (1.0 / depth))
    centred = means - means.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1)
    angles = cosines(centred)
    k = len(sizes)
    outside = ~np.eye(k, dtype=bool)
    share = float(np.mean(lengths))
    nearest = np.argmin(((means[:, None] - means[None]) ** 2).sum(axis=2), axis=1)
    decided = np.argmax(means @ last.T, axis=1)
    return Collapse(
        norms=norms,
        cosines=cosines(means),
        centred_norms=lengths,
        centred_cosines=angles,
        nc1=0.0,
        nc2_norms=float(np.std(lengths)) / share if share > 0 else 0.0,
        nc2_angles=float(np.abs(angles[outside] + 1 / (k - 1)).max()) if k > 1 else 0.0,
        nc3=float(np.linalg.norm(_unit(last) - _unit(centred))),
        nc4=float(np.sum(sizes[nearest != decided]) / sizes.sum()),
    )


def cosines(rows: np.ndarray) -> np.ndarray:
    """Return the cosines between rows; 0 beside a zero row."""
    length = np.linalg.norm(rows, axis=1)
    unit = np.divide(rows, length[:, None], out=np.zeros_like(rows), where=length[:, None] > 0)
    out = unit @ unit.T
    np.fill_diagonal(out, 1.0)
    return np.asarray(out)


def _unit(matrix: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(matrix))
    return matrix / length if length > 0 else matrix
