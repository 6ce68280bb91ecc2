r"""The closed form for orthonormal rows: soft-thresholding of the singular values of the targets.

*Theorem.* Let X X' = I and let the columns of Y be non-negative and orthogonal (one-hot targets
are). With sigma_k = ||y_k|| the optimum over ReLU networks of every width is

.. math:: \sum_k \tfrac12 \min(\sigma_k, \beta)^2 + \beta (\sigma_k - \beta)_+ .

*Proof.* For every u, |(Xu)_+| <= |Xu| <= |u|, so F = sum_j (X u_j)_+ v_j' has
||F||_* <= sum_j |u_j| |v_j|, and the objective is at least min_F 1/2 |F - Y|^2 + beta ||F||_*,
which is the sum above with minimiser SVT_beta(Y) (von Neumann's trace inequality). The columns
p_k = y_k / sigma_k are the left singular vectors of Y. Since p_k >= 0 and X X' = I, the unit
vector u_k = X'p_k has (X u_k)_+ = p_k: the network of the neurons (sigma_k - beta)_+ u_k e_k'
attains the bound. (Sahiner et al. 2021, section 5, whitened data.)
"""

from __future__ import annotations

import time

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.vector.problem import as_targets
from relu_optima.errors import SolveInputError

ORTHONORMAL = 1e-8  # entries of X X' - I, of Y'Y off its diagonal relative to it, and of min(Y, 0)


def solve_orthonormal(X: np.ndarray, Y: np.ndarray, lam: float) -> ShallowSolution:
    r"""Return the optimum for orthonormal rows and non-negative orthogonal target columns.

    .. math:: \min \tfrac12 \lVert \sum_j (X u_j)_+ v_j^\top - Y \rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert \lVert v_j \rVert

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs with X X' = I to 1e-8, so n <= d.
    Y : array, shape (n, K)
        Non-negative targets with orthogonal columns, e.g. one-hot classes; no column is zero.
    lam : float
        Canonical regularisation strength, positive.

    Returns
    -------
    ShallowSolution
        The network and its certificate over all activation patterns. The gap is at least of the
        size by which X X' differs from I.

    Raises
    ------
    SolveInputError
        If a condition of the theorem fails; the message says which and by how much.

    References
    ----------
    Sahiner, Ergen, Pauly, Pilanci 2021, "Vector-output ReLU neural network problems are copositive
    programs", section 5.
    """
    started = time.process_time()
    X, Y = as_targets(X, Y)
    lam = check_lambda(lam)
    sizes = _conditions(X, Y)
    P = Y / sizes
    scale = np.sqrt(np.maximum(sizes - lam, 0.0))
    used = scale > 0
    U = scale[used, None] * (P[:, used].T @ X)
    V = np.diag(scale)[used]
    network = ShallowNetwork(U, V)
    residual = Y - network.predict(X)
    objective = 0.5 * float(np.sum(residual**2)) + lam * float(network.weights().sum())
    # h(N) <= |N|_op |X|_op holds for every X: feasible after division
    height = float(np.linalg.norm(residual, 2) * np.linalg.norm(X, 2))
    dual = residual * min(1.0, lam / height)
    bound = float(np.sum(dual * Y)) - 0.5 * float(np.sum(dual * dual))
    gap = relative_gap(objective, bound, Y.ravel())
    return ShallowSolution(
        X=X,
        Y=Y,
        lam=lam,
        network=network,
        objective=objective,
        dual_objective=bound,
        gap=gap,
        kkt_residual=max(0.0, height / lam - 1.0),
        violation=0.0,
        dual=dual,
        status="optimal" if gap <= 10 * ORTHONORMAL else "inaccurate",
        exact=True,
        method="soft_threshold",
        seconds=time.process_time() - started,
    )


def orthonormal_value(sizes: np.ndarray, lam: float) -> float:
    """Return the optimal value from the norms of the target columns.

    Parameters
    ----------
    sizes : array, shape (K,)
        Norms of the columns of Y; square roots of the class sizes for one-hot targets.
    lam : float
        Canonical regularisation strength, positive.

    Returns
    -------
    float
        The sum of the module's theorem.

    Raises
    ------
    SolveInputError
        If a norm is not finite or not positive, or the strength is not.
    """
    lam = check_lambda(lam)
    sizes = np.asarray(sizes, dtype=np.float64)
    if sizes.ndim != 1 or not sizes.size or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise SolveInputError(
            f"norms {sizes}", allowed="finite numbers > 0, one for each class", where="sizes",
            fix="drop classes that have no row",
        )  # fmt: skip
    low = np.minimum(sizes, lam)
    return float(np.sum(0.5 * low**2 + lam * (sizes - low)))


def _conditions(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Check the theorem's conditions; return the norms of the target columns."""
    n, d = X.shape
    if n > d:
        raise SolveInputError(
            f"{n} rows in {d} dimensions cannot be orthonormal", allowed=f"at most {d} rows",
            where="X",
        )  # fmt: skip
    away = float(np.abs(X @ X.T - np.eye(n)).max())
    if away > ORTHONORMAL:
        raise SolveInputError(
            f"X X' differs from I by {away:.2g}", allowed=f"at most {ORTHONORMAL}", where="X",
            fix="whiten the rows, or solve the program (solve_vector_gated, solve_vector)",
        )  # fmt: skip
    if float(Y.min()) < 0.0:
        raise SolveInputError(
            f"its least entry is {Y.min():.3g}", allowed="targets >= 0", where="Y"
        )
    gram = Y.T @ Y
    sizes = np.sqrt(np.diag(gram))
    if (sizes == 0).any():
        raise SolveInputError(
            f"column {int(np.argmin(sizes))} is zero: a class without a row",
            allowed="a row for every class",
            where="Y",
        )
    cosines = gram / np.outer(sizes, sizes) - np.eye(len(sizes))
    if float(np.abs(cosines).max()) > ORTHONORMAL:
        raise SolveInputError(
            f"columns have a cosine of {np.abs(cosines).max():.2g}",
            allowed=f"orthogonal columns (at most {ORTHONORMAL})",
            where="Y",
        )
    return np.asarray(sizes)
