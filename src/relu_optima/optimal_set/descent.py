r"""A path from any network to an optimal one along which the objective never rises.

Let f(W, w) = 1/2 |(X W')_+ w - y|^2 + lam/2 (|W|^2 + |w|^2), and let A be the directions of the
network's neurons and of one optimal model.

**Theorem.** From a network of width m there is a continuous path of networks of width m to a global
optimum along which f never rises, if m >= rank Z_A + 1, Z_A being the contributions of A to the
fit; so always if m >= n + 1.

*Proof.* (1) Balancing: a neuron (r u, s/r) has the same output for every r > 0 and its penalty
falls as r moves to the balanced value along a geometric way; a neuron without output shrinks to
zero. Then f = 1/2 |Z c - y|^2 + lam sum c with c_j = |W_j| |w_j|. (2) While the columns in use are
dependent, Z d = 0, the sign of d is such that sum d <= 0, and c moves along d until a coefficient
is zero: the fit stays, the penalty does not rise. At most rank Z_A slots are in use then. (3) The
active-set method of Lawson and Hanson (1974, chapter 23) for min f over c >= 0 adds one column at a
time, in a free slot, moves on straight lines towards the minimiser over the columns in use, up to
where a coefficient would turn negative, and drops that one. f is convex and falls along each line.
A column that depends on those in use is handled by (2). The method visits no set of columns twice,
so it ends, at the optimum over A, which contains a global optimum. []

The condition n + 1 is that of Kim, Mishkin and Pilanci (ICLR 2025); whether a given width suffices
is found out by doing it: the path needs as many slots as it uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.connection import Path
from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.optimal_set.rank import RANK_TOL, null_basis

KKT_TOL = 1e-11  # relative excess of a correlation over lam that is taken as rounding
ZERO = 1e-14  # share of the sum below which a coefficient is zero after a step


@dataclass(frozen=True)
class Descent:
    """Networks from a given one to an optimal one, none with a larger objective than those before.

    Attributes
    ----------
    W : array, shape (m, d)
        First layer of the given network.
    w : array, shape (m,)
        Its second layer.
    path : Path
        What follows once the network is balanced, over the directions below; with a ``reason``
        where the width does not suffice for this way.
    directions : array, shape (k, d)
        Unit directions of the network and of the optimal model.
    signs : array, shape (k,)
        Their output signs.
    slots : int
        Most neurons in use at once after balancing and reduction.
    """

    W: np.ndarray
    w: np.ndarray
    path: Path
    directions: np.ndarray
    signs: np.ndarray
    slots: int

    @property
    def found(self) -> bool:
        """Whether the path ends at an optimum."""
        return self.path.found

    def __len__(self) -> int:
        return 1 + len(self.path)

    def neurons(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights at one point of the way.

        Parameters
        ----------
        t : float
            Position from 0 to the number of segments; the first balances the neurons.

        Returns
        -------
        W : array, shape (m, d)
            First layer.
        w : array, shape (m,)
            Second layer.
        """
        if t > 1:
            return self.path.neurons(t - 1, self.directions, self.signs)
        first, second = np.linalg.norm(self.W, axis=1), np.abs(self.w)
        alive = (first > 0) & (second > 0)
        ratio = np.where(alive, second, 1.0) / np.where(alive, first, 1.0)
        grow = np.where(alive, ratio ** (t / 2), 1 - t)
        shrink = np.where(alive, ratio ** (-t / 2), 1 - t)
        return self.W * grow[:, None], self.w * shrink

    def objectives(self, X: np.ndarray, y: np.ndarray, lam: float, samples: int = 20) -> np.ndarray:
        """Evaluate the networks along the way.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        y : array, shape (n,)
            Targets.
        lam : float
            Canonical regularisation strength.
        samples : int, > 0
            Points on each segment, besides its end.

        Returns
        -------
        array, shape (samples * segments + 1,)
            Objectives in order.
        """
        values = []
        for t in np.linspace(0.0, len(self), samples * len(self) + 1):
            W, w = self.neurons(float(t))
            error = np.maximum(X @ W.T, 0.0) @ w - y
            penalty = float(np.sum(W**2) + np.sum(w**2))
            values.append(0.5 * float(error @ error) + 0.5 * lam * penalty)
        return np.array(values)


def descend(optimal: OptimalSet, W: np.ndarray, w: np.ndarray) -> Descent:
    r"""Lead a network to a global optimum without ever raising its objective.

    .. math:: f(W, w) = \tfrac12 \lVert (X W^\top)_+ w - y \rVert^2
              + \tfrac{\lambda}{2} (\lVert W \rVert^2 + \lVert w \rVert^2)

    Parameters
    ----------
    optimal : OptimalSet
        All optima of a ReLU program; its data and strength define f.
    W : array, shape (m, d)
        First layer of the network, e.g. a trained one.
    w : array, shape (m,)
        Second layer.

    Returns
    -------
    Descent
        The path. If m neurons do not suffice for this way, ``path.reason`` says so and it ends at a
        network that is optimal over the directions in use.

    Raises
    ------
    SolveInputError
        If shapes disagree, values are not finite, or the program is a gated one.

    Notes
    -----
    The end is optimal for the program's gates; the network may be better from the start if these
    are not all activation patterns, and then the path ends below the program's value.

    References
    ----------
    Kim, Mishkin and Pilanci, ICLR 2025, for m >= n + 1; proof in the docstring of
    `relu_optima.optimal_set.descent`.
    """
    problem = optimal.problem
    W, w = np.asarray(W, dtype=float), np.asarray(w, dtype=float)
    if W.ndim != 2 or W.shape[1] != problem.X.shape[1] or w.shape != W.shape[:1]:
        raise SolveInputError(
            f"the layers have shapes {W.shape} and {w.shape}",
            allowed=f"(m, {problem.X.shape[1]}) and (m,)",
        )
    if not (np.isfinite(W).all() and np.isfinite(w).all()):
        raise SolveInputError("the weights hold NaN or infinite values", allowed="finite numbers")
    if not problem.constrained:
        raise SolveInputError(
            "the program is a gated one", allowed="relu", where="convex.formulation"
        )
    norms = np.linalg.norm(W, axis=1)
    alive = (norms > 0) & (w != 0)
    target = np.flatnonzero(optimal.smallest().beta)
    directions = np.vstack([W[alive] / norms[alive, None], optimal.directions[target]])
    signs = np.concatenate([np.sign(w[alive]), optimal.signs[target]])
    blocks = np.full(len(w), -1)
    blocks[alive] = np.arange(int(alive.sum()))
    c = norms * np.abs(w)
    columns = signs * np.maximum(problem.X @ directions.T, 0.0)
    walk = _Walk(columns, problem.y, problem.lam, blocks, np.where(alive, c, 0.0))
    reason = walk.run()
    path = Path(
        np.array(walk.blocks, dtype=np.int64).reshape(-1, w.size),
        np.array(walk.start).reshape(-1, w.size),
        np.array(walk.end).reshape(-1, w.size),
        columns,
        reason,
    )
    return Descent(W, w, path, directions, signs, walk.slots)


class _Walk:
    """Steps of the active-set method, each a straight segment with one block for each slot."""

    def __init__(
        self, columns: np.ndarray, y: np.ndarray, lam: float, held: np.ndarray, c: np.ndarray
    ) -> None:
        self.columns, self.y, self.lam = columns, y, lam
        self.held, self.c = held.copy(), c.copy()
        self.blocks: list[np.ndarray] = [self.held.copy()]  # a segment without motion, so that
        self.start, self.end = [self.c.copy()], [self.c.copy()]  # there always is one
        self.slots = 0

    def run(self) -> str:
        """Walk to the optimum over all columns; return why not, or nothing."""
        self._reduce()
        for _ in range(10 * self.columns.shape[1] + 10):
            self._settle()
            used = self.held[self.held >= 0]
            self.slots = max(self.slots, used.size)
            rest = self.y - self.columns[:, used] @ self.c[self.held >= 0]
            excess = self.columns.T @ rest / self.lam - 1.0
            excess[used] = -np.inf
            best = int(np.argmax(excess))
            if excess[best] <= KKT_TOL:
                return ""
            free = np.flatnonzero(self.held < 0)
            if not free.size:
                return f"this way needs more than {self.c.size} neurons"
            self.held[free[0]] = best
            self.slots = max(self.slots, used.size + 1)
            self._reduce()
        return "the active-set method did not end"

    def _settle(self) -> None:
        """Move to the minimiser over the columns in use, dropping what would turn negative."""
        while True:
            slots = np.flatnonzero(self.held >= 0)
            if not slots.size:
                return
            Z = self.columns[:, self.held[slots]]
            q, r = np.linalg.qr(Z)
            pull = np.linalg.solve(r.T, np.full(slots.size, self.lam))
            goal = np.linalg.solve(r, q.T @ self.y - pull)
            if (goal > 0).all():
                self._move(slots, goal)
                return
            falling = np.flatnonzero(goal <= 0)
            gaps = self.c[slots[falling]] - goal[falling]
            ratios = self.c[slots[falling]] / np.where(gaps > 0, gaps, 1.0)
            out = int(np.argmin(ratios))
            after = self.c[slots] + ratios[out] * (goal - self.c[slots])
            after[falling[out]] = 0.0
            self._move(slots, np.maximum(after, 0.0))

    def _reduce(self) -> None:
        """Make the columns in use independent; the fit stays, the penalty does not rise."""
        while True:
            slots = np.flatnonzero(self.held >= 0)
            free = null_basis(self.columns[:, self.held[slots]], RANK_TOL)
            if free.shape[1] == 0:
                return
            d = free[:, 0] * (-1.0 if free[:, 0].sum() > 0 else 1.0)
            falling = np.flatnonzero(d < 0)
            ratios = -self.c[slots[falling]] / d[falling]
            out = int(np.argmin(ratios))
            after = np.maximum(self.c[slots] + ratios[out] * d, 0.0)
            after[falling[out]] = 0.0
            self._move(slots, after)

    def _move(self, slots: np.ndarray, after: np.ndarray) -> None:
        """Note a segment and free the slots that end at zero."""
        c = self.c.copy()
        c[slots] = np.where(after > ZERO * max(float(after.sum()), 1e-300), after, 0.0)
        self.blocks.append(self.held.copy())
        self.start.append(self.c)
        self.end.append(c)
        self.c = c
        self.held = np.where(c > 0, self.held, -1)
