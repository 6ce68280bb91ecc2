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
``logistic``        log(1 + exp(-y f)), y = +-1        -a log a - (1-a) log(1-a)
``squared_hinge``   max(0, 1 - y f)^2 / 2, y = +-1     a - a^2 / 2,  a >= 0
``huber``           (y - f)^2 / 2 up to delta, linear  y theta/c - (theta/c)^2 / 2,
                    beyond                             |theta| <= c delta
==================  =================================  ================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from relu_optima.convex.gates import as_finite
from relu_optima.errors import SolveInputError

LossName = Literal["squared", "logistic", "squared_hinge", "huber"]
LOSSES = ("squared", "logistic", "squared_hinge", "huber")
FOR_LABELS = ("logistic", "squared_hinge")


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
    """Return the derivative of a smooth loss by the output, for every row."""
    if loss == "huber":
        return np.asarray(np.clip(f - y, -delta, delta))
    margin = y * f
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
    """Return -l*(-t) for every row of a smooth loss; -inf outside the domain."""
    a = y * t
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
    name : {"logistic", "squared_hinge", "huber"}
        Which loss.
    y : array, shape (n,)
        Targets; labels -1 and +1 for the first two.
    weights : array, shape (n,)
        Weights c_i > 0 of the rows.
    delta : float
        Residual from which on the Huber loss is linear.
    """

    name: str
    y: np.ndarray
    weights: np.ndarray
    delta: float = 1.0

    def value(self, f: np.ndarray) -> float:
        """Return the sum over the rows at outputs f, shape (n,)."""
        return float(self.weights @ loss_value(self.name, f, self.y, self.delta))

    def gradient(self, f: np.ndarray) -> np.ndarray:
        """Return the derivative by each output, shape (n,)."""
        return np.asarray(self.weights * loss_slope(self.name, f, self.y, self.delta))

    def curvature(self, f: np.ndarray) -> np.ndarray:
        """Return the (generalised) second derivative by each output, shape (n,)."""
        return np.asarray(self.weights * loss_curvature(self.name, f, self.y, self.delta))

    @cached_property
    def at_zero(self) -> float:
        """Value of the zero network."""
        return self.value(np.zeros_like(self.y))

    def reach(self, theta: np.ndarray) -> float:
        """Return the largest b such that b theta is in the domain of the conjugate."""
        a = self.y * theta / self.weights
        if self.name == "huber":
            top = float(np.abs(theta / self.weights).max())
            return self.delta / top if top > 0 else np.inf
        if a.min() < 0:
            return 0.0
        return 1.0 / float(a.max()) if self.name == "logistic" and a.max() > 0 else np.inf

    def into_domain(self, theta: np.ndarray) -> np.ndarray:
        """Return the nearest vector whose conjugate is finite."""
        t = theta / self.weights
        if self.name == "huber":
            return np.asarray(self.weights * np.clip(t, -self.delta, self.delta))
        a = np.clip(self.y * t, 0.0, 1.0 if self.name == "logistic" else None)
        return np.asarray(self.weights * self.y * a)

    def dual_value(self, theta: np.ndarray) -> float:
        """Return -sum c l*(-theta / c), which is -inf outside the domain."""
        t = theta / self.weights
        return float(self.weights @ dual_value(self.name, t, self.y, self.delta))

    def best_multiple(self, theta: np.ndarray, most: float) -> tuple[float, np.ndarray]:
        """Return the largest dual value over b theta, 0 <= b <= most, and its vector.

        Every b gives a valid bound, so the accuracy of the search over b decides nothing else.
        """
        from scipy.optimize import minimize_scalar

        top = min(most, self.reach(theta))
        if not top > 0:
            return self.dual_value(np.zeros_like(theta)), np.zeros_like(theta)
        if np.isinf(top):
            top = max(2.0, most if np.isfinite(most) else 2.0)
        found = minimize_scalar(
            lambda b: -self.dual_value(b * theta),
            bounds=(0.0, top),
            method="bounded",
            options={"xatol": 1e-10 * top},
        )
        b = max((min(1.0, top), top, float(found.x)), key=lambda b: self.dual_value(b * theta))
        return self.dual_value(b * theta), b * theta


def make_loss(
    y: np.ndarray, *, loss: str, delta: float = 1.0, class_weight: str | None = None
) -> Loss | None:
    """Check a loss and its targets; None stands for the squared loss, which has code of its own."""
    if loss not in LOSSES:
        raise SolveInputError(f"it is {loss!r}", allowed=", ".join(LOSSES), where="loss")
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
    if loss == "squared":
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
        if class_weight:
            if len(np.unique(y)) < 2:
                raise SolveInputError(
                    "all rows have one label", allowed="rows of both classes", where="y"
                )
            weights = np.where(y > 0, 0.5 / np.mean(y > 0), 0.5 / np.mean(y < 0))
    return Loss(loss, y, weights, float(delta))
