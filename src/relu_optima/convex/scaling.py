r"""The one place where conventions of the regularisation strength meet.

Canonical objective of this package, for squared loss and one output:

.. math:: \tfrac12 \lVert f(X) - y \rVert^2 + \lambda \sum_b \lVert u_b \rVert_2 .

======================  ====================================  =====================
convention              objective                             canonical lambda
======================  ====================================  =====================
``absolute``            as above                              lam
``per_sample``          loss / (2 n), penalty lam * sum       n * lam
``lambda_max``          as above                              lam * lambda_max
``data_norm``           as above                              lam * ||X||_2 ||y||
======================  ====================================  =====================

``lambda_max`` depends on the program and on its gates, so equal fractions of it are different
strengths for different programs. ``data_norm`` depends on the data alone and is never below
``lambda_max``, whatever the gates are, because for every pattern and every unit vector u

.. math:: y^T D X u \le \lVert y \rVert \, \lVert X \rVert_2 .
"""

from __future__ import annotations

import numpy as np

from relu_optima.errors import SolveInputError

LAM_SCALES = ("absolute", "lambda_max", "data_norm", "per_sample")


def data_norm(X: np.ndarray, y: np.ndarray) -> float:
    """Return a strength at which the optimum is zero, whatever the program and its gates."""
    return float(np.linalg.norm(X, 2) * np.linalg.norm(y))


def canonical_lambda(lam: float, scale: str, *, n: int, lam_max: float, data_norm: float) -> float:
    """Convert a regularisation strength to the canonical convention.

    Parameters
    ----------
    lam : float
        Strength in the given convention, positive.
    scale : {"absolute", "lambda_max", "data_norm", "per_sample"}
        Convention of `lam`; ``per_sample`` is that of pyscnn for one output.
    n : int
        Number of training rows.
    lam_max : float
        Smallest canonical strength whose optimum is zero.
    data_norm : float
        See `data_norm`.

    Returns
    -------
    float
        Canonical strength.

    Raises
    ------
    SolveInputError
        If the convention is unknown, or a fraction of a strength is asked for and that is 0.
    """
    if scale == "absolute":
        return lam
    if scale == "per_sample":
        return n * lam
    if scale in ("lambda_max", "data_norm"):
        whole = lam_max if scale == "lambda_max" else data_norm
        if whole <= 0:
            raise SolveInputError(
                f"{scale} is 0: every regularisation strength gives the zero network",
                where="convex.lam_scale",
                fix="use lam_scale=absolute, or targets that the inputs can explain",
            )
        return lam * whole
    raise SolveInputError(
        f"unknown convention {scale!r}", allowed=", ".join(LAM_SCALES), where="convex.lam_scale"
    )
