"""Write a solution over listed patterns as a certificate that `certificates_check` re-checks."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError
from relu_optima.share.certificates_check import CONVEX, convex_values


def convex_certificate(solution: Solution) -> dict[str, Any]:
    """Write the certificate of a solution with one output over listed gates.

    Parameters
    ----------
    solution : relu_optima.convex.Solution
        The solved program.

    Returns
    -------
    dict
        Plain JSON: data, patterns, network, dual vector and its multipliers, and the numbers that
        follow from them in exact arithmetic, rounded outwards to double precision.

    Raises
    ------
    SolveInputError
        If the program has another loss, or an intercept.
    """
    if solution.loss is not None:
        raise SolveInputError(
            f"a solution with the loss {solution.loss.name}"
            + (" and an intercept" if solution.loss.intercept else ""),
            allowed="the squared loss without an intercept",
            where="solution",
        )
    program, lam = solution.problem, solution.lam
    patterns = (program.X @ program.gates > 0).T
    gated = program.formulation == "gated"
    blocks = [(1, solution.v - solution.w)] if gated else [(1, solution.v), (-1, solution.w)]
    document = {
        "format": CONVEX,
        "formulation": program.formulation,
        "X": program.X.tolist(),
        "y": program.y.tolist(),
        "lam": float(lam),
        "patterns": ["".join("01"[int(on)] for on in row) for row in patterns],
        "network": [
            [sign, int(q), block[q].tolist()]
            for sign, block in blocks
            for q in np.flatnonzero(np.any(block != 0, axis=1))
        ],
        "violation": float(np.nextafter(solution.violation * (1 + 1e-9) + 1e-15, 1)),
        "dual": solution.dual.tolist(),
        "multipliers": [] if gated else _multipliers(solution, patterns),
    }
    attained, bound = convex_values(document)
    return {
        **document,
        "objective": _outwards(attained, math.inf),
        "lower_bound": _outwards(bound, -math.inf),
    }


def _multipliers(solution: Solution, patterns: np.ndarray) -> list[list[Any]]:
    """List [sign, pattern, row, rho], rho of a row of X as it stands."""
    X = solution.problem.X
    found = solution.evidence
    if found is not None:
        lengths = np.linalg.norm(X, axis=1)
        member = np.repeat(found.blocks, np.diff(found.starts))
        return [
            [1 if b < len(patterns) else -1, int(b % len(patterns)), int(i), float(rho)]
            for b, i, rho in zip(member, found.rows, found.rho / lengths[found.rows], strict=True)
            if rho > 0
        ]
    from scipy.optimize import nnls

    out: list[list[Any]] = []
    for q, pattern in enumerate(patterns):
        g = X[pattern].T @ solution.dual[pattern]
        if np.linalg.norm(g) <= solution.lam * (1 - 1e-12):
            continue
        cone = np.where(pattern, 1.0, -1.0)[:, None] * X
        for sign in (1, -1):
            rho, _ = nnls(cone.T, -sign * g)
            out += [[sign, q, int(i), float(rho[i])] for i in np.flatnonzero(rho)]
    return out


def _outwards(exact: Fraction, towards: float) -> float:
    """Round to a double that is not on the wrong side."""
    near = float(exact)
    wrong = Fraction(near) < exact if towards > 0 else Fraction(near) > exact
    return math.nextafter(near, towards) if wrong else near
