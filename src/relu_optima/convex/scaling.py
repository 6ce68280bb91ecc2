r"""The one place where conventions of the regularisation strength meet.

Canonical objective of this package, for squared loss and one output:

.. math:: \tfrac12 \lVert f(X) - y \rVert^2 + \lambda \sum_b \lVert u_b \rVert_2 .

======================  ====================================  =====================
convention              objective                             canonical lambda
======================  ====================================  =====================
``absolute``            as above                              lam
``per_sample``          loss / (2 n), penalty lam * sum       n * lam
``lambda_max``          as above                              lam * lambda_max
======================  ====================================  =====================
"""

from __future__ import annotations

from relu_optima.errors import SolveInputError

LAM_SCALES = ("absolute", "lambda_max", "per_sample")


def canonical_lambda(lam: float, scale: str, *, n: int, lam_max: float) -> float:
    """Convert a regularisation strength to the canonical convention.

    Parameters
    ----------
    lam : float
        Strength in the given convention, positive.
    scale : {"absolute", "lambda_max", "per_sample"}
        Convention of `lam`; ``per_sample`` is that of pyscnn for one output.
    n : int
        Number of training rows.
    lam_max : float
        Smallest canonical strength whose optimum is zero.

    Returns
    -------
    float
        Canonical strength.

    Raises
    ------
    SolveInputError
        If the convention is unknown, or a fraction of ``lambda_max`` is asked for and that is 0.
    """
    if scale == "absolute":
        return lam
    if scale == "per_sample":
        return n * lam
    if scale == "lambda_max":
        if lam_max <= 0:
            raise SolveInputError(
                "lambda_max is 0: every regularisation strength gives the zero network",
                where="convex.lam_scale",
                fix="use lam_scale=absolute, or targets that the inputs can explain",
            )
        return lam * lam_max
    raise SolveInputError(
        f"unknown convention {scale!r}", allowed=", ".join(LAM_SCALES), where="convex.lam_scale"
    )
