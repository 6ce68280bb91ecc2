r"""The convex function of theta that the dual solver minimises, for each loss.

The dual of a program with loss l is min_theta g(theta) subject to h(theta) <= lambda, with
g(theta) = sum_i c_i l*(-theta_i / c_i) on the box where that is finite (`convex.loss`). For half
the squared error g is |theta|^2 / 2 - y'theta. What the others add to the steps for it:

- the Hessian of g is a diagonal W in the place of the identity. With S = W^(-1/2),
  W + Z Z' = S^-1 (I + (S Z)(S Z)') S^-1: patterns whose rows are scaled by S leave the solvers of
  the systems as they are;
- the box of the Huber and hinge losses is one more constraint of the augmented Lagrangian, with a
  multiplier for each row; steps for the logistic loss, whose g is steep at the border, are cut for
  each row on its own;
- the hinge loss has W = 0 and gets a proximal term |theta - theta_k|^2 / (2 c tau) whose centre and
  weight follow the outer iterations (Rockafellar 1976, the proximal method of multipliers);
- an intercept is the multiplier beta of sum_i theta_i = 0, with the same penalty sigma as the
  blocks, of which it is one without strength and cone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relu_optima.convex.loss import SHARES, Loss

BORDER = 1e-14  # distance from the border of its box, in weights of a row, at which it is on it
BACK = 0.1  # share of the model's decrease that a step into the box must keep
HALVINGS = 30
# First penalty of the box, in curvatures of the squared loss: near that of the blocks in those of
# their columns. Ten times as much doubles the steps for the hinge loss.
STIFFNESS = 10.0
# First tau of the hinge loss. It grows like the root of sigma: as fast as sigma, the systems become
# so ill-conditioned that steps take two to three times as many.
PROXIMAL = 3.0

State = tuple[float, np.ndarray]


class SquaredConjugate:
    """The function of half the squared error."""

    shifts = False  # whether there is an intercept
    plain = True
    intercept = 0.0
    state: State = (0.0, np.zeros(0))  # multipliers beside those of the blocks

    def __init__(self, y: np.ndarray) -> None:
        self.y = y
        self.start = y
        self.at_zero = 0.5 * float(y @ y)
        self.size = float(np.linalg.norm(y))

    def resume(self, f: np.ndarray) -> np.ndarray:
        """Return theta at outputs f of the blocks."""
        return np.asarray(self.y - f)

    def begin(self) -> None:
        """Begin a solve."""

    def advance(self, theta: np.ndarray, sigma: float) -> None:
        """Prepare for the minimisation at one penalty."""

    def settle(self, theta: np.ndarray) -> None:
        """End the minimisation at one penalty."""

    def value(self, theta: np.ndarray) -> float:
        """Return g(theta)."""
        return float(0.5 * theta @ theta - self.y @ theta)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return the derivative of g."""
        return np.asarray(theta - self.y)

    def distance(self, theta: np.ndarray, gradient: np.ndarray, fit: np.ndarray) -> float:
        """Return how far theta is from what it is at the outputs, relative to its start."""
        return float(np.linalg.norm(gradient)) / self.size

    def roots(self, theta: np.ndarray) -> np.ndarray | None:
        """Return the diagonal of S; None for the identity."""
        return None

    def move(self, theta: np.ndarray, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return a step along x that stays in the domain of g."""
        return x

    def inside(self, theta: np.ndarray) -> np.ndarray:
        """Undo the rounding that leads out of the domain of g."""
        return theta

    def feasible(self, theta: np.ndarray) -> np.ndarray:
        """Return a vector near theta that is feasible but for the blocks."""
        return theta

    def error(self, f: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss at outputs f of the blocks, and the theta that belongs to them."""
        rest = self.y - f
        return 0.5 * float(rest @ rest), rest

    def dual(self, theta: np.ndarray, most: float) -> tuple[float, float]:
        """Return value and length of the best multiple of theta, of length `most` at most."""
        square = float(theta @ theta)
        if square == 0.0:
            return 0.0, 0.0
        along = float(self.y @ theta)
        beta = min(max(0.0, along / square), most)
        return beta * along - 0.5 * beta**2 * square, beta

    def defect(self, theta: np.ndarray, fit: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return what the derivative of g and the outputs fail to cancel; rest is of `error`."""
        return np.asarray(rest - theta)

    def held_roots(self, theta: np.ndarray, defect: np.ndarray) -> np.ndarray | None:
        """Return the diagonal of S; None for the identity."""
        return None

    def cut(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return a step with the entries of x as far as the box goes."""
        return x


class LossConjugate:
    """The function of another loss, or with an intercept."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.y = loss, loss.y
        self.intercept, self.start = loss.constant
        self.shifts = loss.intercept
        self.at_zero = loss.at_zero
        # no proximal term and no further unknown: what the corrector of gated programs can do
        self.plain = loss.name != "hinge" and not loss.intercept
        self.size = float(np.linalg.norm(self.start))
        self.push = np.zeros_like(self.y)  # multipliers of the box
        self._low, self._high = loss.domain
        self._boxed = loss.name in ("huber", "squared_hinge", "hinge")
        self._centre, self._tau = self.start, 1.0
        self._first: float | None = None
        self._sigma, self._stiff = 0.0, np.zeros_like(self.y)

    @property
    def state(self) -> State:
        """Multipliers beside those of the blocks: of the intercept and of the box."""
        return self.intercept, self.push

    @state.setter
    def state(self, state: State) -> None:
        self.intercept, self.push = state

    def resume(self, f: np.ndarray) -> np.ndarray:
        """Take the multipliers of the box at outputs f of the blocks; return theta."""
        f = f + self.intercept
        theta = -self.loss.gradient(f)
        if self._boxed:
            self.push = -(self.loss.dual_slope(theta) + f)
        return theta

    def begin(self) -> None:
        """Begin a solve."""
        self._sigma = self._tau = 0.0

    def advance(self, theta: np.ndarray, sigma: float) -> None:
        """Take the penalties of a minimisation, and the centre of the proximal term."""
        self._first = sigma if self._first is None else self._first
        growth = sigma / self._first
        shrinks, self._sigma = sigma < self._sigma, sigma
        # where sigma was too large for float64, tau is what is left to grow
        tau = 3.0 * self._tau if shrinks else PROXIMAL * float(np.sqrt(growth))
        self._centre, self._tau = theta, max(self._tau, tau)
        self._stiff = STIFFNESS * growth / self.loss.weights

    def settle(self, theta: np.ndarray) -> None:
        """Take the new multipliers."""
        self.state = self._offset(theta), self._pushed(theta)

    def _offset(self, theta: np.ndarray) -> float:
        if not self.loss.intercept:
            return 0.0
        return self.intercept + self._sigma * float(theta.sum())

    def _pushed(self, theta: np.ndarray) -> np.ndarray:
        if not self._boxed:
            return self.push
        r = self._stiff
        ahead = self.push + r * theta
        return np.asarray(ahead - np.clip(ahead, r * self._low, r * self._high))

    def value(self, theta: np.ndarray) -> float:
        """Return g(theta), with the terms of the box, of the intercept and of the hinge loss."""
        value = -self._smooth(theta)
        if self._boxed:
            push = self._pushed(theta)
            value += 0.5 * float(push @ (push / self._stiff))
        if self.loss.name == "hinge":
            away = theta - self._centre
            value += float(away @ (away / self.loss.weights)) / (2 * self._tau)
        if self.loss.intercept:
            value += self._offset(theta) ** 2 / (2 * self._sigma)
        return value

    def _smooth(self, theta: np.ndarray) -> float:
        """The dual value without the box."""
        if not self._boxed:
            return self.loss.dual_value(theta)
        square = 0.0 if self.loss.name == "hinge" else float(theta @ (theta / self.loss.weights))
        return float(self.y @ theta) - 0.5 * square

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return its derivative."""
        slope = self.loss.dual_slope(theta) + self._pushed(theta)
        if self.loss.name == "hinge":
            slope += (theta - self._centre) / (self.loss.weights * self._tau)
        return np.asarray(slope + self._offset(theta))

    def distance(self, theta: np.ndarray, gradient: np.ndarray, fit: np.ndarray) -> float:
        """Return how far theta is from what it is at the outputs, relative to its start."""
        if self.loss.name == "logistic":
            # the loss at f and at what theta belongs to, each beside its tangent at the other
            off = theta - self._belongs(fit + self._offset(theta))
            return float(np.sqrt(max(0.0, float(gradient @ off)) / (2 * self.at_zero)))
        return float(np.linalg.norm(gradient * self.roots(theta) ** 2)) / self.size

    def _belongs(self, f: np.ndarray) -> np.ndarray:
        """Return -l'(f); for the hinge loss the minimum of g + f'theta over the box."""
        if self.loss.name == "hinge":
            free = self._centre + self._tau * self.loss.weights * (self.y - f)
            return self.loss.into_domain(free)
        return -self.loss.gradient(f)

    def roots(self, theta: np.ndarray) -> np.ndarray:
        """Return the diagonal of S."""
        bend = self.loss.dual_bend(theta)
        if self.loss.name == "hinge":
            bend = 1.0 / (self.loss.weights * self._tau)
        if self._boxed:
            bend = bend + np.where(self._pushed(theta) != 0, self._stiff, 0.0)
        return np.asarray(1.0 / np.sqrt(bend))

    def move(self, theta: np.ndarray, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return a step along x that stays in the box, each row cut on its own.

        It is shortened until the function falls along it about as fast as it does along x.
        """
        if self.loss.name != "logistic":
            return x
        fall = float(gradient @ x)
        step = 1.0
        for _ in range(HALVINGS):
            move = self.cut(theta, step * x)
            if float(gradient @ move) <= BACK * step * fall:
                break
            step *= 0.5
        return move

    def inside(self, theta: np.ndarray) -> np.ndarray:
        """Undo the rounding that leads out of the domain of the logistic loss."""
        return self.loss.into_domain(theta) if self.loss.name == "logistic" else theta

    def feasible(self, theta: np.ndarray) -> np.ndarray:
        """Return a vector near theta in the box that meets the constraint of the intercept."""
        return self.loss.balanced(self.loss.into_domain(theta))

    def error(self, f: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss at outputs f of the blocks, and the theta that belongs to them."""
        f = f + self.intercept
        return self.loss.value(f), self._belongs(f)

    def dual(self, theta: np.ndarray, most: float) -> tuple[float, float]:
        """Return value and length of the best multiple of theta, of length `most` at most."""
        value, vector = self.loss.best_multiple(theta, most)
        place = int(np.abs(theta).argmax())
        return value, float(vector[place] / theta[place]) if theta[place] else 0.0

    # -- for the corrector, which holds rows on the border of the box ---------------------------

    def defect(self, theta: np.ndarray, fit: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return what the derivative of g and the outputs fail to cancel."""
        return np.asarray(-self.loss.dual_slope(theta) - fit)

    def held_roots(self, theta: np.ndarray, defect: np.ndarray) -> np.ndarray:
        """Return the diagonal of S: 0 for rows that are pushed against the border."""
        near = BORDER * self.loss.weights
        held = (theta <= self._low + near) & (defect < 0)
        held |= (theta >= self._high - near) & (defect > 0)
        return np.where(held, 0.0, 1.0 / np.sqrt(self.loss.dual_bend(theta)))

    def cut(self, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return a step with the entries of x as far as the box goes."""
        if self.loss.name != "logistic":
            return np.asarray(np.clip(theta + x, self._low, self._high) - theta)
        # in the log-odds the step is never too long, in theta never too short: the lesser of both
        c, y = self.loss.weights, self.y
        a = np.clip(y * theta / c, *SHARES)
        odds = np.log(a) - np.log1p(-a) + (y * x / c) / (a * (1 - a))
        small = np.exp(-np.abs(odds))
        there = np.where(odds > 0, 1.0, small) / (1 + small)
        other = c * y * np.clip(there, *SHARES) - theta
        return np.where(np.abs(x) < np.abs(other), x, other)


Conjugate = SquaredConjugate | LossConjugate


def conjugate_of(y: np.ndarray, loss: Loss | None) -> Conjugate:
    """Return the function of a loss; None is half the squared error."""
    return SquaredConjugate(y) if loss is None else LossConjugate(loss)


def scaled_loss(loss: Loss | None, scale: float) -> Loss | None:
    """Return the loss of targets and outputs that are divided by a number."""
    return None if loss is None else replace(loss, y=loss.y / scale, delta=loss.delta / scale)
