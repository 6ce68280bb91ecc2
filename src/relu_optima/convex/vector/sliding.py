r"""The restricted program of column generation with several outputs: atoms whose directions move.

For first-layer weights W (rows w_j) the best second layer is a ridge regression, and the
weight-decay objective becomes a function of W alone,

.. math:: E(W) = \min_V \tfrac12 \lVert \Phi V - Y \rVert^2
          + \tfrac{\beta}{2} (\lVert V \rVert^2 + \lVert W \rVert^2),
          \qquad \Phi = (X W^\top)_+ .

E is smooth inside the cells of the arrangement: an atom that is not needed shrinks to zero as it
does in the group lasso, but without a kink there, and one whose direction is not exact slides to
it (as in the sliding Frank-Wolfe method, Denoyelle et al. 2019). Newton's method on E needs only
a Cholesky factor of Phi'Phi + beta I, which serves all outputs, and a Hessian of order m r, where
r <= 3 is the rank of the data.

At a hyperplane x_i'w = 0 the slope of E jumps by |x_i'p| (N_i'v_j). Where that makes E rise on the
other side, the atom is held on the hyperplane (its face) until the slope on one of the two sides
falls again; otherwise it goes through. Local minima do not matter: the caller prices all patterns
exactly and adds what is missing, and E only falls.
"""

from __future__ import annotations

import numpy as np

from relu_optima.convex.vector import sliding_kernels as kernels
from relu_optima.convex.vector.eliminated import (
    LEVEL,
    MAX_TRIALS,
    SHORT,
    descent,
    penalised,
    reduced_hessian,
    shrink_lengths,
    solve_spd,
)
from relu_optima.convex.vector.pooling import Pooling

MAX_STEPS = 20  # between two pricings
SHORTER = 1e-4  # if not all atoms that may be idle can be dropped, perhaps the shorter ones
LEAST_DAMPING = 1e-6  # of the Hessian, relative to beta: atoms that almost agree exchange what
DAMP = 10.0  # they fit in valleys that are this flat and that more damping would hide
SHARES = (1.0, 0.5, 0.25, 0.1, 0.03)  # of the lengths new atoms would have alone: the best is taken


class Sliding:
    """The restricted program of one data set and strength, in coordinates of its row space."""

    def __init__(
        self, X: np.ndarray, Y: np.ndarray, beta: float, pooling: Pooling | None = None
    ) -> None:
        self.X, self.Y, self.beta, self._pooling = X, Y, beta, pooling
        lengths = np.linalg.norm(X, axis=1)
        self._lengths = lengths
        self._unit = np.ascontiguousarray(X / np.where(lengths > 0, lengths, 1.0)[:, None])
        n, r = X.shape
        self.W = np.zeros((0, r))
        self._on = np.zeros((0, n), dtype=bool)
        self._held = np.zeros((0, n), dtype=bool)
        self._bases = np.zeros((0, r, r))
        self._sizes = np.zeros(0, dtype=np.int64)
        self.newton = 0
        self.V = np.zeros((0, Y.shape[1]))
        self.features = np.zeros((len(Y), 0))
        self.value = 0.5 * float(np.vdot(Y, Y))

    @property
    def residual(self) -> np.ndarray:
        """Y minus the fit."""
        return np.asarray(self.Y - self.features @ self.V)

    def penalised(self) -> float:
        """Objective with beta sum |w_j| |v_j|, at most E."""
        N = self.residual
        weights = np.linalg.norm(self.W, axis=1) * np.linalg.norm(self.V, axis=1)
        return 0.5 * float(np.vdot(N, N)) + self.beta * float(weights.sum())

    # -- atoms ---------------------------------------------------------------------------------

    def add(self, directions: np.ndarray, values: np.ndarray) -> int:
        """Add unit directions that price above beta, at a common share of what each would want."""
        have = self.W / np.linalg.norm(self.W, axis=1, keepdims=True)
        far = [bool((np.abs(have - u).max(axis=1) > 1e-10).all()) for u in directions]
        fresh = directions[np.array(far, dtype=bool)]
        above = values[np.array(far, dtype=bool)] - self.beta
        if not len(fresh):
            return 0
        squares = np.sum(self.features_of(fresh) ** 2, axis=0)
        wish = np.sqrt(np.maximum(above, 0.0) / np.maximum(squares, 1e-300))[:, None] * fresh
        tried = [(self._outer(np.vstack([self.W, share * wish]))[0], share) for share in SHARES]
        self.start_from(min(tried)[1] * wish)
        return len(fresh)

    def start_from(self, W: np.ndarray) -> None:
        """Take further atoms, e.g. those of another solution."""
        for w in W:
            self._append(w)
        self.value, self.V, self.features = self._outer(self.W)

    def _append(self, w: np.ndarray) -> None:
        n, r = self.X.shape
        size = float(np.linalg.norm(w))
        held = (np.abs(self._unit @ w) <= kernels.ON_PLANE * size) & (self._lengths > 0)
        basis, on = np.zeros((r, r)), np.zeros(n, dtype=bool)
        q = int(kernels.set_face(self._unit, held, w, basis))
        w = basis[:, :q] @ (basis[:, :q].T @ w)
        kernels.set_pattern(self._unit, held, w, basis, q, on)
        self.W = np.vstack([self.W, w])
        self._on, self._held = np.vstack([self._on, on]), np.vstack([self._held, held])
        self._bases = np.concatenate([self._bases, basis[None]])
        self._sizes = np.append(self._sizes, q)

    def _keep(self, kept: np.ndarray) -> None:
        self.W, self._on, self._held = self.W[kept], self._on[kept], self._held[kept]
        self._bases, self._sizes = self._bases[kept], self._sizes[kept]

    # -- value and second layer ----------------------------------------------------------------

    def _outer(self, W: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return E, the best second layer, and the features."""
        features = self.features_of(W)
        V = (
            solve_spd(penalised(features.T @ features, self.beta), features.T @ self.Y)
            if len(W)
            else self.V[:0]
        )
        N = self.Y - features @ V
        value = 0.5 * float(np.vdot(N, N))
        value += 0.5 * self.beta * float(np.vdot(V, V) + np.vdot(W, W))
        return value, V, features

    def features_of(self, W: np.ndarray) -> np.ndarray:
        """Return the (pooled) outputs of neurons, one in each column."""
        features = W @ self.X.T
        np.maximum(features, 0.0, out=features)
        return features.T if self._pooling is None else self._pooling.pool(features).T

    # -- lengths alone -------------------------------------------------------------------------

    def minimise_lengths(self, goal: float) -> None:
        """Minimise E over the lengths of the atoms, whose directions stay; drop those at zero.

        It is the group lasso over fixed directions, and costs nothing that grows with the rows
        beyond two products: with unit features F only F'F and F'Y enter.
        """
        lengths = np.linalg.norm(self.W, axis=1)
        if not len(lengths):
            return
        unit = self.features / lengths
        found = shrink_lengths(
            unit.T @ unit, unit.T @ self.Y, float(np.vdot(self.Y, self.Y)), lengths, self.beta, goal
        )
        kept = found > 0.0
        trial = (found / lengths)[:, None] * self.W
        outer = self._outer(trial[kept])
        if outer[0] < self.value:
            self.W = trial
            self._keep(kept)
            self.value, self.V, self.features = outer

    # -- Newton --------------------------------------------------------------------------------

    def minimise(self, goal: float, steps: int = MAX_STEPS) -> None:
        """Descend until the gradient of every atom is below ``goal`` beta |w_j| on all faces.

        That ratio is |h_j^2 / beta^2 - 1| along the atom, with h_j its price, so the test means the
        same for long atoms and for those just added.
        """
        damping, last = 0.0, np.inf
        for _ in range(steps):
            if not len(self.W):
                return
            N = self.residual
            N = N if self._pooling is None else self._pooling.spread(N)
            released = self._release(N)
            gradient, hessian = self._model(N)
            squares = np.bincount(np.repeat(np.arange(len(self.W)), self._sizes), gradient**2)
            slack = float(np.max(np.sqrt(squares) / np.linalg.norm(self.W, axis=1)))
            if slack <= goal * self.beta and not released:
                return
            before = self.value
            damping, hit = self._step(N, gradient, hessian, damping)
            if damping < 0.0:
                return  # no step falls: rounding
            self._drop_idle()
            if before - self.value <= LEVEL * self.value and not hit and slack > 0.5 * last:
                return  # neither E nor its gradient falls any more
            last = slack

    def _step(
        self, N: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, damping: float
    ) -> tuple[float, bool]:
        """Take one Newton step that lets E fall; return the next damping, negative if none does.

        ``N`` holds the weights of the rows of X: the residual, or its spread over patches.
        """
        self.newton += 1
        hit, share = np.empty(len(self.W), dtype=np.int64), np.empty(len(self.W))
        before, NV = self.W @ self._unit.T, self.V @ N.T
        for _ in range(MAX_TRIALS):
            P = self._spread(descent(hessian, gradient, damping * self.beta))
            W = kernels.step_to_faces(
                self._lengths, self.W, P, before, P @ self._unit.T, self._on, NV, self.beta, hit,
                share,
            )  # fmt: skip
            value, V, features = self._outer(W)
            if value >= self.value * (1.0 + LEVEL) and share.min() < 1.0:
                W = kernels.step_together(self.W, P, hit, share)
                value, V, features = self._outer(W)
            # the last digits of the gradient cost and gain less than E can show
            if value < self.value * (1.0 + LEVEL):
                kernels.settle(self._unit, W, hit, self._on, self._held, self._bases, self._sizes)
                self.W, self.value, self.V, self.features = W, value, V, features
                return (0.0 if damping <= LEAST_DAMPING else damping / DAMP), bool((hit >= 0).any())
            damping = max(DAMP * damping, LEAST_DAMPING)
        return -1.0, False

    def _release(self, N: np.ndarray) -> int:
        if (self._sizes == self.X.shape[1]).all():
            return 0
        return int(
            kernels.release(
                self._unit, self._lengths, self.W, self._on, self._held, self._bases,
                self._sizes, self.V @ N.T, self.beta,
            )
        )  # fmt: skip

    def _model(self, N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian of E on the faces, with V eliminated (a Schur complement)."""
        beta, V = self.beta, self.V
        owner = np.repeat(np.arange(len(self._sizes)), self._sizes)
        T = np.empty((len(owner), len(self.X)))
        kernels.tangents(self.X, self._on, self._bases, self._sizes, T)
        first = np.repeat(np.cumsum(self._sizes) - self._sizes, self._sizes)
        column = np.arange(len(owner)) - first
        w = np.einsum("ar,ar->a", self._bases[owner, :, column], self.W[owner])
        TN = T @ N
        gradient = beta * w - np.einsum("ak,ak->a", TN, V[owner])
        if self._pooling is not None:
            T = self._pooling.pool(T)
        return gradient, reduced_hessian(
            T @ T.T,
            T @ self.features,
            TN,
            penalised(self.features.T @ self.features, beta),
            V,
            owner,
            beta,
        )

    def _spread(self, step: np.ndarray) -> np.ndarray:
        """A step on the faces as one of the row space, a row for each atom."""
        full = np.zeros(self.W.shape)
        full[np.arange(self.X.shape[1])[None, :] < self._sizes[:, None]] = step
        return np.asarray(np.einsum("jrc,jc->jr", self._bases, full))

    # -- fewer atoms ---------------------------------------------------------------------------

    def _drop_idle(self) -> None:
        """Drop short atoms that price below beta, as long as E does not rise without them.

        One that prices above is on its way: what it gains may be less than E can show, but without
        it the residual is not feasible.
        """
        lengths = np.linalg.norm(self.W, axis=1)
        if lengths.min(initial=np.inf) >= SHORT * lengths.max(initial=0.0):
            return
        wanted = np.linalg.norm(self.features.T @ self.residual, axis=1) > self.beta * lengths
        for level in (SHORT, SHORTER):
            kept = wanted | (lengths >= level * lengths.max(initial=0.0))
            if kept.all():
                return
            found = self._outer(self.W[kept])
            if found[0] <= self.value:
                self._keep(kept)
                self.value, self.V, self.features = found
                return


def merge(atoms: Sliding, angle: float) -> int:
    """Replace pairs of atoms that almost agree by one, where that does not cost."""
    count, j = 0, 0
    while j < len(atoms.W):
        unit = atoms.W / np.linalg.norm(atoms.W, axis=1, keepdims=True)
        near = np.flatnonzero(np.linalg.norm(unit - unit[j], axis=1) <= angle)
        near = near[near > j]
        if not near.size or not _merge_pair(atoms, j, int(near[0]), unit):
            j += 1
        else:
            count += 1
    return count


def _merge_pair(atoms: Sliding, j: int, k: int, unit: np.ndarray) -> bool:
    """Try one atom in place of two: on the smaller face, with their common square."""
    lead, other = (j, k) if atoms._sizes[j] <= atoms._sizes[k] else (k, j)
    squares = np.sum(atoms.W[[lead, other]] ** 2, axis=1)
    u = unit[lead]
    if atoms._sizes[j] == atoms._sizes[k]:
        u = squares[0] * unit[lead] + squares[1] * unit[other]
        basis = atoms._bases[lead][:, : atoms._sizes[lead]]
        u = basis @ (basis.T @ u)
    trial = atoms.W.copy()
    trial[lead] = np.sqrt(squares.sum()) * u / np.linalg.norm(u)
    kept = np.arange(len(trial)) != other
    value, V, features = atoms._outer(trial[kept])
    if value > atoms.value * (1.0 + 100.0 * LEVEL):
        return False
    atoms.W = trial
    kernels.set_pattern(
        atoms._unit, atoms._held[lead], trial[lead], atoms._bases[lead], atoms._sizes[lead],
        atoms._on[lead],
    )  # fmt: skip
    atoms._keep(kept)
    atoms.value, atoms.V, atoms.features = value, V, features
    return True
