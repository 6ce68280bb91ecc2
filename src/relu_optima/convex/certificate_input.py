"""What a certificate refuses to look at."""

from __future__ import annotations

import numpy as np

from relu_optima.convex.loss import Loss
from relu_optima.errors import SolveInputError


def checked_intercept(intercept: float, loss: Loss | None) -> float:
    """Refuse an intercept of a program that has none."""
    if not np.isfinite(intercept) or (intercept and (loss is None or not loss.intercept)):
        raise SolveInputError(
            f"it is {intercept}",
            allowed="a finite number, and 0 where the program has no intercept",
            where="intercept",
        )
    return float(intercept)


def check_point(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    v: np.ndarray,
    w: np.ndarray,
    formulation: str,
    dual: np.ndarray | None,
) -> None:
    """Refuse a point or a dual vector that is none of the program."""
    n, d = X.shape
    expected = {"y": (n,), "v": (gates.shape[-1], d), "w": (gates.shape[-1], d)}
    found: dict[str, np.ndarray] = {"y": y, "v": v, "w": w}
    if dual is not None:
        expected["dual"], found["dual"] = (n,), np.asarray(dual)
    if gates.ndim != 2 or gates.shape[0] != d:
        raise SolveInputError(
            f"it has shape {gates.shape}", allowed=f"({d}, number of gates)", where="gates"
        )
    for name, array in found.items():
        if array.shape != expected[name]:
            raise SolveInputError(
                f"it has shape {array.shape}", allowed=str(expected[name]), where=name
            )
        if not np.isfinite(array).all():
            raise SolveInputError("it has NaN or infinite entries", where=name)
    if not np.isfinite(gates).all():
        raise SolveInputError("it has NaN or infinite entries", where="gates")
    if not (np.isfinite(lam) and lam > 0):
        raise SolveInputError(f"it is {lam}", allowed="a finite number > 0", where="convex.lam")
    if formulation not in ("relu", "gated"):
        raise SolveInputError(
            f"unknown program {formulation!r}",
            allowed="relu, gated",
            where="convex.formulation",
        )
