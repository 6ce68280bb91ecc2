r"""Losses: values, derivatives and conjugates.

With f = f(X) and theta = -l'(f), Fenchel duality turns

.. math:: \min_u \sum_i c_i\, l(y_i, f_i) + \lambda \sum_b \lVert u_b \rVert_2
          \quad\text{into}\quad
          \max_\theta -\sum_i c_i\, l^*(y_i, -\theta_i / c_i)
          \quad\text{s.t.}\quad h(\theta) \le \lambda

with the same dual norm h, the largest projected correlation over all blocks, as for the squared
loss. With a = y theta / c:

==================  =================================  ================================
loss                l(y, f)                            -l*(-theta)
==================  =================================  ================================
``squared``         (y - f)^2 / 2                      y theta/c - (theta/c)^2 / 2
``logistic``        log(1 + exp(-y f)), y = +-1        -a log a - (1-a) log(1-a)
``squared_hinge``   max(0, 1 - y f)^2 / 2, y = +-1     a - a^2 / 2,  a >= 0
``hinge``           max(0, 1 - y f), y = +-1           a,  0 <= a <= 1
``huber``           (y - f)^2 / 2 up to delta, linear  y theta/c - (theta/c)^2 / 2,
                    beyond                             |theta| <= c delta
==================  =================================  ================================

An output intercept b without penalty, f + b in the place of f, adds sum_i theta_i = 0 to the dual:
the Lagrangian is linear in b.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from relu_optima.convex.gates import as_finite
from relu_optima.errors import SolveInputError

LossName = Literal["squared", "logistic", "squared_hinge", "hinge", "huber"]
LOSSES = ("squared", "logistic", "squared_hinge", "hinge", "huber")
FOR_LABELS = ("logistic", "squared_hinge", "hinge")
LEAST_SHARE = 1e-18  # outputs beyond 41, its log-odds, change a logistic loss by less than 1e-17
MULTIPLES = 8  # Newton steps for the best multiple of a dual vector; two or three are usual
SHARES = (LEAST_SHARE, 1 - 2.0**-53)  # where the derivative of that conjugate is taken


# Formulas row by row, for any type of float: certificates of splines take them in extended
# precision.


def loss_value(loss: str, f: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the loss of every row; (1 - y f)_+ for ``hinge``, half a square for ``squared``."""
    if loss == "hinge":
        return np.asarray(np.maximum(1 - y * f, 0))
    if loss == "squared_hinge":
        return np.asarray(0.5 * np.maximum(1 - y * f, 0) ** 2)
    if loss == "logistic":
        return np.asarray(np.logaddexp(0, -y * f))
    distance = np.abs(f - y)
    if loss == "squared":
        return np.asarray(0.5 * distance**2)
    near = np.minimum(distance, delta)
    return np.asarray(near * (distance - near / 2))


def loss_slope(loss: str, f: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the derivative by the output, for every row; at the kink of ``hinge`` it is 0."""
    if loss == "squared":
        return np.asarray(f - y)
    if loss == "huber":
        return np.asarray(np.clip(f - y, -delta, delta))
    margin = y * f
    if loss == "hinge":
        return np.asarray(-y * (margin < 1))
    if loss == "squared_hinge":
        return np.asarray(-y * np.maximum(1 - margin, 0))
    small = np.exp(-np.abs(margin))  # 1 / (1 + exp(margin)) without overflow
    return np.asarray(-y * np.where(margin > 0, small, 1) / (1 + small))


def loss_curvature(loss: str, f: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return the (generalised) second derivative of a smooth loss, for every row."""
    if loss == "huber":
        return np.asarray((np.abs(f - y) <= delta).astype(float))
    if loss == "squared_hinge":
        return np.asarray((y * f < 1).astype(float))
    small = np.exp(-np.abs(y * f))
    return np.asarray(small / (1 + small) ** 2)


def dual_value(loss: str, t: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    """Return -l*(-t) for every row; -inf outside the domain."""
    a = y * t
    if loss == "squared":
        return np.asarray(a - t**2 / 2)
    if loss == "hinge":
        return np.where((a < 0) | (a > 1), -np.inf, a)
    if loss == "huber":
        outside = np.abs(t) > delta * (1 + 1e-15)  # one rounding of the bound itself
        return np.where(outside, -np.inf, a - t * t / 2)
    if loss == "squared_hinge":
        return np.where(a < 0, -np.inf, a - a * a / 2)
    rest = 1 - a
    entropy = a * np.log(np.where(a > 0, a, 1)) + rest * np.log(np.where(rest > 0, rest, 1))
    return np.where((a < 0) | (rest < 0), -np.inf, -entropy)


@dataclass(frozen=True)
class Loss:
    """A convex loss of one output at given targets.

    Attributes
    ----------
    name : {"squared", "logistic", "squared_hinge", "hinge", "huber"}
        Which loss.
    y : array, shape (n,)
        Targets; labels -1 and +1 for the second to fourth.
    weights : array, shape (n,)
        Weights c_i > 0 of the rows.
    delta : float
        Residual from which on the Huber loss is linear.
    intercept : bool
        Whether the output has an intercept without penalty.
    """

    name: str
    y: np.ndarray
    weights: np.ndarray
    delta: float = 1.0
    intercept: bool = False

    def value(self, f: np.ndarray) -> float:
        """Return the sum over the rows at outputs f, shape (n,)."""
        return float(self.weights @ loss_value(self.name, f, self.y, self.delta))

    def gradient(self, f: np.ndarray) -> np.ndarray:
        """Return the derivative by each output, shape (n,)."""
        return np.asarray(self.weights * loss_slope(self.name, f, self.y, self.delta))

    @cached_property
    def at_zero(self) -> float:
        """Value of the zero network."""
        return self.value(np.zeros_like(self.y))

    @cached_property
    def constant(self) -> tuple[float, np.ndarray]:
        """The best constant output, 0 without an intercept, and the dual vector of the network.

        For the hinge loss the dual vector is one of many where there is an intercept.
        """
        best = 0.0
        if self.intercept:
            c, y = self.weights, self.y
            plus, minus = float(c[y > 0].sum()), float(c[y < 0].sum())
            if self.name == "logistic":
                best = float(np.log(plus / minus))
            elif self.name == "squared_hinge":
                best = (plus - minus) / (plus + minus)
            elif self.name == "hinge":
                best = float(np.sign(plus - minus))
            else:
                best = float(c @ y / c.sum()) if self.name == "squared" else self._location()
        theta = -self.gradient(np.full_like(self.y, best))
        if self.name == "hinge":
            theta = self.weights * self.y
        return best, self.balanced(theta)

    def _location(self) -> float:
        """Find the constant of the least Huber loss."""
        from scipy.optimize import brentq

        low, high = float(self.y.min()), float(self.y.max())
        if low == high:
            return low
        return float(brentq(lambda b: self.gradient(np.full_like(self.y, b)).sum(), low, high))

    # -- the conjugate ------------------------------------------------------------------------

    def balanced(self, theta: np.ndarray) -> np.ndarray:
        """Return theta, or with an intercept a vector near it whose entries sum to zero.

        Of labels, the class that is heavier is scaled down, which keeps the domain.
        """
        if not self.intercept:
            return theta
        if self.name not in FOR_LABELS:
            return np.asarray(theta - self.weights * (theta.sum() / self.weights.sum()))
        up = self.y > 0
        plus, minus = float(theta[up].sum()), -float(theta[~up].sum())
        if not (plus > 0 and minus > 0):
            return np.zeros_like(theta)
        least = min(plus, minus)
        return np.asarray(theta * np.where(up, least / plus, least / minus))

    @cached_property
    def domain(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest entries of vectors whose conjugate is finite."""
        c, up = self.weights, self.y > 0
        if self.name == "huber":
            return -self.delta * c, self.delta * c
        if self.name == "squared":
            return np.full_like(c, -np.inf), np.full_like(c, np.inf)
        top = np.inf if self.name == "squared_hinge" else c
        return np.where(up, 0.0, -top), np.where(up, top, 0.0)

    def into_domain(self, theta: np.ndarray) -> np.ndarray:
        """Return the nearest vector whose conjugate is finite."""
        return np.asarray(np.clip(theta, *self.domain))

    def dual_value(self, theta: np.ndarray) -> float:
        """Return -sum c l*(-theta / c), which is -inf outside the domain."""
        t = theta / self.weights
        return float(self.weights @ dual_value(self.name, t, self.y, self.delta))

    def dual_slope(self, theta: np.ndarray) -> np.ndarray:
        """Return the derivative of sum c l*(-theta / c) by each entry, inside the domain."""
        t = theta / self.weights
        if self.name == "logistic":
            a = np.clip(self.y * t, *SHARES)
            return np.asarray(self.y * (np.log(a) - np.log1p(-a)))
        return np.asarray((0.0 if self.name == "hinge" else t) - self.y)

    def dual_bend(self, theta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the same by each entry."""
        if self.name == "hinge":
            return np.zeros_like(theta)
        if self.name == "logistic":
            a = np.clip(self.y * theta / self.weights, *SHARES)
            return np.asarray(1 / (self.weights * a * (1 - a)))
        return np.asarray(1 / self.weights)

    def _logistic_multiple(self, theta: np.ndarray, top: float) -> float:
        """Find the best multiple for the logistic loss: near one by Newton steps."""
        from scipy.optimize import brentq

        def rise(b: float) -> float:
            return -float(self.dual_slope(b * theta) @ theta)

        if rise(top) >= 0:
            return top
        b = min(1.0, 0.9 * top)
        for _ in range(MULTIPLES):
            step = rise(b) / float(theta @ (theta * self.dual_bend(b * theta)))
            last, b = b, min(0.5 * (b + top), max(0.1 * b, b + step))
            if abs(b - last) <= 1e-9 * last:
                return b
        low = 1e-12 * top
        return float(brentq(rise, low, top, rtol=1e-12)) if rise(low) > 0 else low

    def mismatch(self, f: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Return l(f) + l*(-theta) + theta f of every row, 0 where theta is a slope at f."""
        values = loss_value(self.name, f, self.y, self.delta)
        conjugates = dual_value(self.name, theta / self.weights, self.y, self.delta)
        return np.asarray(self.weights * (values - conjugates) + theta * f)

    def reach(self, theta: np.ndarray) -> float:
        """Return the largest b such that b theta is in the domain of the conjugate."""
        low, high = self.domain
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.where(theta > 0, high / theta, np.where(theta < 0, low / theta, np.inf))
        return float(most.min(initial=np.inf))

    def best_multiple(self, theta: np.ndarray, most: float) -> tuple[float, np.ndarray]:
        """Return the largest dual value over b theta, 0 <= b <= most, and its vector.

        Every b gives a valid bound, so the accuracy of the search over b decides nothing else.
        """
        top = min(most, self.reach(theta))
        if not (top > 0 and theta.any()):
            return self.dual_value(np.zeros_like(theta)), np.zeros_like(theta)
        if self.name == "logistic":
            b = self._logistic_multiple(theta, top)
        else:
            along = float(self.y @ theta)
            square = 0.0 if self.name == "hinge" else float(theta @ (theta / self.weights))
            b = min(top, max(0.0, along / square if square > 0 else top if along > 0 else 0.0))
        if b == top and b > 0:  # a rounding error of the bound itself
            b = b if np.isfinite(self.dual_value(b * theta)) else b * (1 - 1e-15)
        return self.dual_value(b * theta), np.asarray(b * theta)


def make_loss(
    y: np.ndarray,
    *,
    loss: str,
    delta: float = 1.0,
    class_weight: str | None = None,
    intercept: bool = False,
) -> Loss | None:
    """Check a loss and its targets.

    None stands for the squared loss without an intercept, which has code of its own.
    """
    if loss not in LOSSES:
        raise SolveInputError(f"it is {loss!r}", allowed=", ".join(LOSSES), where="loss")
    if not isinstance(intercept, bool | np.bool_):
        raise SolveInputError(f"it is {intercept!r}", allowed="True, False", where="intercept")
    if class_weight not in (None, "balanced"):
        raise SolveInputError(
            f"it is {class_weight!r}", allowed="None, 'balanced'", where="class_weight"
        )
    if class_weight and loss not in FOR_LABELS:
        raise SolveInputError(
            f"class weights with loss {loss!r}",
            allowed=f"losses of labels: {', '.join(FOR_LABELS)}",
            where="class_weight",
        )
    if loss == "squared" and not intercept:
        return None
    y = as_finite(np.asarray(y, dtype=np.float64).reshape(-1), "y", 1, "finite numbers")
    if not delta > 0 or not np.isfinite(delta):
        raise SolveInputError(f"it is {delta!r}", allowed="a finite number > 0", where="delta")
    weights = np.ones_like(y)
    if loss in FOR_LABELS:
        if not np.isin(y, (-1.0, 1.0)).all():
            raise SolveInputError(
                f"loss {loss!r} with targets such as {y[~np.isin(y, (-1.0, 1.0))][0]:g}",
                allowed="labels -1 and +1",
                where="y",
                fix="code the two classes as -1 and +1, or take loss='squared' or 'huber'",
            )
        if (class_weight or intercept) and len(np.unique(y)) < 2:
            raise SolveInputError(
                "all rows have one label", allowed="rows of both classes", where="y"
            )
        if class_weight:
            weights = np.where(y > 0, 0.5 / np.mean(y > 0), 0.5 / np.mean(y < 0))
    return Loss(loss, y, weights, float(delta), bool(intercept))
