r"""The restricted program of a sparse network: neurons that move within their cells.

A neuron is a vector u over the inputs of its support S with an output sign s. On the cell
K = {u : (2 D - I) X_S u >= 0} of its activation pattern D its output s D X_S u is linear, so over
all u in their cells

.. math:: \tfrac12 \Big\lVert \sum_j s_j D_j X_{S_j} u_j - y \Big\rVert^2 + \lambda \sum_j |u_j|

is convex. Three steps lower it in turn: (1) exact non-negative coefficients of all directions,
new ones included; (2) neurons of one support and sign whose directions lie in one closed cell are
added up, which keeps the fit and shortens them (triangle inequality); (3) Newton steps on all
weights within the cells. A neuron on the border of its cell moves within the border only: pricing
finds the neighbouring cell where it would do better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError

from relu_optima.convex.sparse.nonnegative import nonnegative, solve_definite

ON_BORDER = 1e-11  # |x'u| / (|x| |u|) up to which a row lies on the neuron's hyperplane
NEGLIGIBLE = 1e-12  # share of the sum of the norms below which a neuron is dropped
RIDGE = 1e-12  # of the mean curvature: keeps the Newton system definite
STEPS = 6  # Newton steps a round, at most: further ones wait for the next pricing
HALVINGS = 8


@dataclass(frozen=True)
class Neurons:
    """Neurons of sparse support, in the coordinates of their inputs.

    Attributes
    ----------
    support : array of int, shape (a,)
        Support of each, an index.
    sign : array, shape (a,)
        Output signs.
    U : array, shape (a, k)
        Weights over the inputs of the support; zeros fill up.
    """

    support: np.ndarray
    sign: np.ndarray
    U: np.ndarray

    def __len__(self) -> int:
        return len(self.sign)

    def take(self, kept: np.ndarray) -> Neurons:
        """Return some of them."""
        return Neurons(self.support[kept], self.sign[kept], self.U[kept])

    def norms(self) -> np.ndarray:
        """Euclidean norms of the weights."""
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", self.U, self.U)))


class Master:
    """The restricted program of one data set over a growing list of neurons."""

    def __init__(self, columns: list[np.ndarray], y: np.ndarray) -> None:
        self.columns, self.y = columns, y
        self.width = max(c.shape[1] for c in columns)
        lengths = np.array([np.sqrt(np.einsum("ij,ij->i", c, c)) for c in columns])
        self.lengths = np.where(lengths > 0, lengths, -1.0)  # no row of zeros lies on a border
        none = np.zeros(0)
        self.neurons = Neurons(none.astype(np.int64), none, np.zeros((0, self.width)))
        self.newton = 0

    def linear(self, neurons: Neurons) -> np.ndarray:
        """Return x'u of every row and neuron, shape (n, a)."""
        out = np.empty((len(self.y), len(neurons)))
        for j, (s, u) in enumerate(zip(neurons.support, neurons.U, strict=True)):
            X = self.columns[s]
            out[:, j] = X @ u[: X.shape[1]]
        return out

    def residual(self) -> np.ndarray:
        """What the present network leaves of y."""
        return np.asarray(self.y - np.maximum(self.linear(self.neurons), 0.0) @ self.neurons.sign)

    def objective(self, rest: np.ndarray, lam: float) -> float:
        """Objective of the present network, whose residual is at hand."""
        return 0.5 * float(rest @ rest) + lam * float(self.neurons.norms().sum())

    def improve(self, new: Neurons, lam: float) -> None:
        """Admit unit neurons, then lower the objective over all."""
        old = self.neurons
        norms = old.norms()
        units = Neurons(
            np.concatenate([old.support, new.support]),
            np.concatenate([old.sign, new.sign]),
            np.vstack([old.U / norms[:, None], new.U]),
        )
        c = np.concatenate([norms, np.zeros(len(new))])
        Z = np.maximum(self.linear(units), 0.0) * units.sign
        c = nonnegative(Z, self.y, lam, c)
        kept = c > NEGLIGIBLE * max(float(c.sum()), 1e-300)
        self.neurons = Neurons(
            units.support[kept], units.sign[kept], units.U[kept] * c[kept][:, None]
        )
        self._merge()
        for _ in range(STEPS):
            if not self._step(lam):
                break

    def _merge(self) -> None:
        """Add up neurons of one support and sign whose directions share a closed cell."""
        neurons = self.neurons
        order = np.lexsort((neurons.sign, neurons.support))
        kept: list[tuple[int, float, np.ndarray]] = []
        begin = 0
        for end in range(1, len(order) + 1):
            first = order[begin]
            if end < len(order):
                here = order[end]
                same = neurons.support[here] == neurons.support[first]
                if same and neurons.sign[here] == neurons.sign[first]:
                    continue
            group = [neurons.U[i] for i in order[begin:end]]
            support, sign = int(neurons.support[first]), float(neurons.sign[first])
            kept += [(support, sign, u) for u in self._merged(support, group)]
            begin = end
        if len(kept) < len(neurons):
            s, signs, U = zip(*kept, strict=True)
            self.neurons = Neurons(np.array(s), np.array(signs), np.array(U))

    def _merged(self, support: int, group: list[np.ndarray]) -> list[np.ndarray]:
        """Merge vectors of one support and sign as long as two share a closed cell."""
        if len(group) == 1:
            return group
        sides = [self._sides(support, u) for u in group]
        i = 0
        while i < len(group):
            for j in range(i + 1, len(group)):
                if not np.any(sides[i] * sides[j] < 0):
                    group[i] = group[i] + group[j]
                    sides[i] = self._sides(support, group[i])
                    del group[j], sides[j]
                    break
            else:
                i += 1
        return group

    def _sides(self, support: int, u: np.ndarray) -> np.ndarray:
        """Side of its hyperplane on which each row lies: 1, -1, or 0 where on it."""
        X = self.columns[support]
        value = X @ u[: X.shape[1]] / self.lengths[support]
        value[np.abs(value) <= ON_BORDER * np.linalg.norm(u)] = 0.0
        return np.asarray(np.sign(value), dtype=np.int8)

    def _step(self, lam: float) -> bool:
        """One Newton step on all weights within their cells; tell whether it was worth another."""
        neurons = self.neurons
        if not len(neurons):
            return False
        norms = neurons.norms()
        H = self.linear(neurons)
        rest = self.y - np.maximum(H, 0.0) @ neurons.sign
        on = np.abs(H) <= ON_BORDER * self.lengths[neurons.support].T * norms
        touching = on.any(axis=0)
        active = (H > 0) * neurons.sign
        parts, bases = [], []
        for j, s in enumerate(neurons.support):
            X = self.columns[s]
            part, basis = X * active[:, j, None], np.eye(X.shape[1])
            if touching[j]:
                basis = _tangent(X[on[:, j]], neurons.U[j, : X.shape[1]] / norms[j])
                part = part @ basis
            bases.append(basis)
            parts.append(part)
        F = np.hstack(parts)
        starts = np.concatenate([[0], np.cumsum([b.shape[1] for b in bases])])
        system, gradient = F.T @ F, -(F.T @ rest)
        for j, basis in enumerate(bases):
            here = slice(starts[j], starts[j + 1])
            unit = basis.T @ neurons.U[j, : len(basis)] / norms[j]
            gradient[here] += lam * unit
            system[here, here] += (lam / norms[j]) * (np.eye(len(unit)) - np.outer(unit, unit))
        system.flat[:: len(system) + 1] += RIDGE * float(np.trace(system)) / len(system)
        try:
            step = -solve_definite(system, gradient)
        except LinAlgError:
            return False
        self.newton += 1
        P = np.zeros_like(neurons.U)
        for j, basis in enumerate(bases):
            P[j, : len(basis)] = basis @ step[starts[j] : starts[j + 1]]
        change = self.linear(Neurons(neurons.support, neurons.sign, P))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where((H * change < 0) & ~on, -H / change, np.inf)
        reach = np.minimum(ratios.min(axis=0), 1.0)  # share that leaves no neuron's cell
        value = 0.5 * float(rest @ rest) + lam * float(norms.sum())
        if not self._search(H, P, change, reach, value, lam):
            return False
        return -float(gradient @ step) > 1e-14 * value

    def _search(
        self,
        H: np.ndarray,
        P: np.ndarray,
        change: np.ndarray,
        reach: np.ndarray,
        value: float,
        lam: float,
    ) -> bool:
        """Halve the step until the objective falls; nothing changes if it never does."""
        neurons = self.neurons
        t = 1.0
        for _ in range(HALVINGS):
            share = np.minimum(t, reach)
            trial = Neurons(neurons.support, neurons.sign, neurons.U + share[:, None] * P)
            left = self.y - np.maximum(H + share * change, 0.0) @ trial.sign
            sizes = trial.norms()
            if 0.5 * float(left @ left) + lam * float(sizes.sum()) < value:
                kept = sizes > NEGLIGIBLE * max(float(sizes.sum()), 1e-300)
                self.neurons = trial.take(kept)
                if (reach < 1.0).any():
                    self._merge()
                return True
            t *= 0.5
        return False


def _tangent(rows: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the directions within the border on which a unit vector lies."""
    if rows.shape[1] == 2:
        return unit[:, None]
    units = rows / np.linalg.norm(rows, axis=1)[:, None]
    few = len(units) < units.shape[1]  # only then does the whole basis ask for full matrices
    _, values, Vt = np.linalg.svd(units, full_matrices=few)
    rank = int(np.sum(values > 1e-9 * values[0]))
    return np.asarray(Vt[rank:].T)
