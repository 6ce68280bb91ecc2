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
from relu_optima.convex.vector.pooling import Pooling

MAX_STEPS = 20  # between two pricings
MAX_TRIALS = 40
LENGTH_STEPS = 60
SHORT = (1e-2, 1e-4)  # lengths, relative to the longest, below which atoms may be dropped
SHARES = (1.0, 0.5, 0.25, 0.1, 0.03)  # of the lengths new atoms would have alone: the best is taken
LEVEL = 4e-15  # gain, relative to E, that is rounding


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
        for w in min(tried)[1] * wish:
            self._append(w)
        self.value, self.V, self.features = self._outer(self.W)
        return len(fresh)

    def start_from(self, W: np.ndarray) -> None:
        """Begin with the atoms of another solution."""
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
        V = _solve_spd(_ridge(features, self.beta), features.T @ self.Y) if len(W) else self.V[:0]
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
        value, V, features = self._outer(trial[kept])
        if value < self.value:
            self.W = trial
            self._keep(kept)
            self.value, self.V, self.features = value, V, features

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
        hit = np.empty(len(self.W), dtype=np.int64)
        before, NV = self.W @ self._unit.T, self.V @ N.T
        for _ in range(MAX_TRIALS):
            P = self._spread(_descent(hessian, gradient, damping * self.beta))
            W = kernels.step_to_faces(
                self._lengths, self.W, P, before, P @ self._unit.T, self._on, NV, self.beta, hit
            )
            value, V, features = self._outer(W)
            # the last digits of the gradient cost and gain less than E can show
            if value < self.value * (1.0 + LEVEL):
                kernels.settle(self._unit, W, hit, self._on, self._held, self._bases, self._sizes)
                self.W, self.value, self.V, self.features = W, value, V, features
                return (0.0 if damping < 2e-3 else damping / 8.0), bool((hit >= 0).any())
            damping = max(4.0 * damping, 1e-3)
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
            T @ T.T, T @ self.features, TN, _ridge(self.features, beta), V, owner, beta
        )

    def _spread(self, step: np.ndarray) -> np.ndarray:
        """A step on the faces as one of the row space, a row for each atom."""
        full = np.zeros((len(self.W), self.X.shape[1]))
        full[np.arange(self.X.shape[1])[None, :] < self._sizes[:, None]] = step
        return np.asarray(np.einsum("jrc,jc->jr", self._bases, full))

    # -- fewer atoms ---------------------------------------------------------------------------

    def _drop_idle(self) -> None:
        """Drop short atoms as long as E does not rise without them."""
        lengths = np.linalg.norm(self.W, axis=1)
        for level in SHORT:
            kept = lengths >= level * lengths.max(initial=0.0)
            if kept.all():
                return
            value, V, features = self._outer(self.W[kept])
            if value <= self.value:
                self._keep(kept)
                self.value, self.V, self.features = value, V, features
                return

    def merge(self, angle: float) -> int:
        """Replace pairs of atoms that almost agree by one, where that does not cost."""
        count, j = 0, 0
        while j < len(self.W):
            unit = self.W / np.linalg.norm(self.W, axis=1, keepdims=True)
            near = np.flatnonzero(np.linalg.norm(unit - unit[j], axis=1) <= angle)
            near = near[near > j]
            if not near.size or not self._merge_pair(j, int(near[0]), unit):
                j += 1
            else:
                count += 1
        return count

    def _merge_pair(self, j: int, k: int, unit: np.ndarray) -> bool:
        """Try one atom in place of two: on the smaller face, with their common square."""
        lead, other = (j, k) if self._sizes[j] <= self._sizes[k] else (k, j)
        squares = np.sum(self.W[[lead, other]] ** 2, axis=1)
        u = unit[lead]
        if self._sizes[j] == self._sizes[k]:
            u = squares[0] * unit[lead] + squares[1] * unit[other]
            basis = self._bases[lead][:, : self._sizes[lead]]
            u = basis @ (basis.T @ u)
        trial = self.W.copy()
        trial[lead] = np.sqrt(squares.sum()) * u / np.linalg.norm(u)
        kept = np.arange(len(trial)) != other
        value, V, features = self._outer(trial[kept])
        if value > self.value * (1.0 + 100.0 * LEVEL):
            return False
        self.W = trial
        kernels.set_pattern(
            self._unit, self._held[lead], trial[lead], self._bases[lead], self._sizes[lead],
            self._on[lead],
        )  # fmt: skip
        self._keep(kept)
        self.value, self.V, self.features = value, V, features
        return True


def _ridge(features: np.ndarray, beta: float) -> np.ndarray:
    """Return F'F + beta I."""
    gram = features.T @ features
    gram.flat[:: len(gram) + 1] += beta
    return np.asarray(gram)


def reduced_hessian(
    tangents: np.ndarray,
    mixed: np.ndarray,
    along: np.ndarray,
    ridge: np.ndarray,
    V: np.ndarray,
    owner: np.ndarray,
    beta: float,
) -> np.ndarray:
    """Hessian of E in first-layer coordinates a of atoms ``owner``, V eliminated.

    ``tangents`` is T T' of the derivatives of the features, ``mixed`` T F, ``along`` T N, ``ridge``
    F'F + beta I.
    """
    count, K = along.shape
    hessian = tangents * (V @ V.T)[np.ix_(owner, owner)]
    hessian.flat[:: count + 1] += beta
    cross = mixed[:, :, None] * V[owner][:, None, :]
    cross[np.arange(count), owner] -= along
    wide = cross.transpose(1, 0, 2).reshape(len(V), count * K)
    solved = _solve_spd(ridge, wide).reshape(len(V), count, K)
    hessian -= np.tensordot(cross, solved, axes=((1, 2), (0, 2)))
    return np.asarray(0.5 * (hessian + hessian.T))


def shrink_lengths(
    gram: np.ndarray,
    along: np.ndarray,
    square: float,
    lengths: np.ndarray,
    beta: float,
    goal: float,
) -> np.ndarray:
    """Minimise E over lengths t by Newton's method: features F diag(t) with F'F, F'Y given.

    An atom that has become short is put to zero where its price, |F_j'N|, is below beta; a price
    at zero length is that of the group lasso, so such an atom does not come back.
    """
    t = lengths.copy()
    t_used = t > 0.0
    value = np.inf
    for _ in range(LENGTH_STEPS):
        used = np.flatnonzero(t_used)
        if not used.size:
            break
        Q, R, at = gram[np.ix_(used, used)], along[used], t[used]
        ridge = Q * np.outer(at, at)
        ridge.flat[:: len(at) + 1] += beta
        V = _solve_spd(ridge, at[:, None] * R)
        C = R - Q @ (at[:, None] * V)  # F'N
        heights = np.linalg.norm(C, axis=1)
        idle = (heights < beta) & (at < SHORT[0] * at.max())
        if idle.any():
            t_used[used[idle]] = False
            t[used[idle]] = 0.0
            continue
        gradient = beta * at - np.sum(C * V, axis=1)
        if float(np.max(np.abs(gradient) / at)) <= goal * beta:
            break
        hessian = reduced_hessian(Q, Q * at, C, ridge, V, np.arange(len(at)), beta)
        step = _descent(hessian, gradient, 0.0)
        share = 1.0
        now = value if np.isfinite(value) else _length_value(Q, R, square, at, beta)
        for _ in range(MAX_TRIALS):
            trial = np.maximum(at + share * step, 0.05 * at)
            new = _length_value(Q, R, square, trial, beta)
            if new < now:
                break
            share *= 0.3
        else:
            break
        t[used], value = trial, new
    return t


def _length_value(
    gram: np.ndarray, along: np.ndarray, square: float, t: np.ndarray, beta: float
) -> float:
    """E as a function of lengths: (|Y|^2 - <t F'Y, V>) / 2 + beta |t|^2 / 2 at the best V."""
    ridge = gram * np.outer(t, t)
    ridge.flat[:: len(t) + 1] += beta
    right = t[:, None] * along
    V = _solve_spd(ridge, right)
    return 0.5 * (square - float(np.vdot(right, V))) + 0.5 * beta * float(t @ t)


def _solve_spd(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve with a symmetric positive definite matrix."""
    from scipy.linalg.lapack import dposv

    return np.asarray(dposv(matrix, right)[1])


def _descent(hessian: np.ndarray, gradient: np.ndarray, damping: float) -> np.ndarray:
    """Newton's direction; where the Hessian is not positive, of one with |eigenvalues|."""
    from scipy.linalg.lapack import dposv

    shifted = hessian.copy()
    shifted.flat[:: len(shifted) + 1] += damping
    _, step, failed = dposv(shifted, -gradient)
    if not failed:
        return np.asarray(step)
    values, vectors = np.linalg.eigh(hessian)
    floor = 1e-8 * float(np.abs(values).max())
    scaled = (vectors.T @ gradient) / (np.maximum(np.abs(values), floor) + damping)
    return np.asarray(-vectors @ scaled)
