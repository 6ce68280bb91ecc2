"""Newton systems of the dual augmented Lagrangian, by the cheapest of four ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from relu_optima.convex.curvature import Curvature
from relu_optima.convex.products import MANY_ROWS, adjoint, combine

DIRECT_ROWS = 6_000  # largest n for an n x n matrix
MAX_COLUMNS = 20_000  # largest number of columns for their Gram matrix
SINGLE_COST = 0.6  # of an operation in single precision
OVERHEAD = 2e6  # of an iteration of conjugate gradients, in multiplications
MAX_CG = 300
MAX_REFINEMENTS = 20
SINGLE = 3e-4  # relative residual above which conjugate gradients run in single precision
SAMPLE = 4  # rows for each column in a sample: its Gram matrix is then right to a factor of four
LEAST_SAMPLE = 2_000  # rows of a sample, whose Gram matrix costs little
SAMPLE_STEPS = 8  # conjugate-gradient steps that a sample's Gram matrix leaves, about
WHOLE_STEPS = 2  # and that of all rows: one, and one against rounding
AT_A_TIME = 4_096  # rows whose columns are formed at a time
AT_ONCE = 100_000  # numbers up to which one call is cheaper than one for each block


@dataclass
class NewtonSystem:
    """Solver of the Newton systems of one data set.

    Attributes
    ----------
    X : array, shape (n, d)
        Inputs.
    cg_iterations : int
        Conjugate-gradient iterations so far.
    """

    X: np.ndarray
    cg_iterations: int = 0
    _gram: np.ndarray | None = None
    _order: np.ndarray | None = None
    _copies: dict[Any, np.ndarray] = field(default_factory=dict)
    _cg_used: float = 8.0
    _cg_sigma: float = 0.0
    _cg_accuracy: float = 0.05

    def direction(self, curvature: Curvature, gradient: np.ndarray, accuracy: float) -> np.ndarray:
        """Solve one Newton system."""
        count = len(curvature.masks)
        if not count:
            column = curvature.column
            if column is None:
                return -gradient
            share = (column @ gradient) / (1.0 / curvature.sigma + column @ column)
            return np.asarray(share * column - gradient)
        n, d = self.X.shape
        free = d - curvature.sizes
        columns = int(free.sum())
        less = int(np.minimum(curvature.sizes, free).sum())
        shorter = min(n, columns)
        by_columns = n * columns * shorter + shorter**3 / 3 + 4.0 * d * d * columns
        if n >= MANY_ROWS:
            size = _sample_size(n, d, columns, count)
            steps = SAMPLE_STEPS if size < n else WHOLE_STEPS
            by_columns = size * columns**2 + columns**3 / 3 + steps * 16.0 * n * d * count
        by_rows = SINGLE_COST * (n**2 * (2.0 * count + less) + n**3 / 3)
        # iterations learnt from the last time, which grow with the condition of the matrix
        guess = self._cg_used
        if self._cg_sigma:
            guess *= np.sqrt(curvature.sigma / self._cg_sigma)
        guess *= np.log(accuracy) / np.log(self._cg_accuracy)
        once = 8.0 * n * d * count + OVERHEAD
        if n > DIRECT_ROWS:
            by_rows = np.inf
        if columns > MAX_COLUMNS:
            by_columns = np.inf
        direct = min(by_columns, by_rows)
        if direct > once * guess:
            limit = min(MAX_CG, int(2 * direct / once) + 1) if np.isfinite(direct) else MAX_CG
            x, solved = self._by_products(curvature, gradient, accuracy, limit)
            if solved or not np.isfinite(direct):
                return x
        if direct == by_columns and n >= MANY_ROWS:
            return self._by_sample(curvature, gradient, accuracy)
        if direct == by_columns:
            return self._by_columns(curvature, gradient)
        found = self._by_rows(curvature, gradient, accuracy)
        if found is not None:
            return found
        if np.isfinite(by_columns):
            return self._by_columns(curvature, gradient)
        return self._by_products(curvature, gradient, accuracy, MAX_CG)[0]

    def _by_columns(self, curvature: Curvature, gradient: np.ndarray) -> np.ndarray:
        """Cholesky of I + sigma Z Z' with the columns Z = [X_b T_b'], on their shorter side.

        On the side of the columns, by Woodbury's identity with one step of refinement.
        """
        sigma = curvature.sigma
        roots, free = curvature.roots()
        Zt = roots @ self.X.T
        if Zt.size < AT_ONCE:
            Zt *= np.repeat(curvature.masks, free, axis=0)
        else:
            begin = 0
            for mask, size in zip(curvature.masks, free, strict=True):
                Zt[begin : begin + size] *= mask
                begin += size
        if curvature.column is not None:
            Zt = np.vstack([Zt, curvature.column])
        if len(Zt) > len(gradient):
            large = blas.dsyrk(sigma, Zt.T, lower=1)
            large.ravel(order="K")[:: large.shape[0] + 1] += 1.0
            factor, info = lapack.dpotrf(large, lower=1, overwrite_a=1, clean=0)
            x, _ = lapack.dpotrs(factor, -gradient, lower=1)
            return np.asarray(x) if info == 0 else -gradient
        small = blas.dsyrk(1.0, Zt.T, trans=1, lower=0)
        small.ravel(order="K")[:: small.shape[0] + 1] += 1.0 / sigma
        factor, info = lapack.dpotrf(small, lower=0, overwrite_a=1)
        if info != 0:
            return -gradient

        def solve(right: np.ndarray) -> np.ndarray:
            inner, _ = lapack.dpotrs(factor, Zt @ right, lower=0)
            return np.asarray(right - inner @ Zt)

        x = solve(-gradient)
        rest = -gradient - x - sigma * ((Zt @ x) @ Zt)
        return np.asarray(x + solve(rest))

    def _by_sample(self, curvature: Curvature, gradient: np.ndarray, accuracy: float) -> np.ndarray:
        """Conjugate gradients on I + B'B, B = sqrt(sigma) [X_b T_b', c], by Woodbury's identity.

        c is the column of an intercept, if there is one. What B'B is over a sample of the rows is
        the preconditioner, so the steps grow neither with the condition of the matrix nor with the
        rows; those cost two products a step.
        """
        n = len(gradient)
        roots, free = curvature.roots()
        roots *= np.sqrt(curvature.sigma)
        starts = np.concatenate([[0], np.cumsum(free)[:-1]])
        column = np.zeros((0, n))
        if curvature.column is not None:
            column = np.sqrt(curvature.sigma) * curvature.column[None]
        rows = self._sample(_sample_size(n, self.X.shape[1], len(roots), len(free)))
        small = np.zeros((len(roots) + len(column),) * 2, order="F")
        for part in np.array_split(rows, -(-rows.size // AT_A_TIME)):
            Bt = roots @ self.X[part].T
            Bt *= np.repeat(curvature.masks[:, part], free, axis=0)
            Bt = np.vstack([Bt, column[:, part]])
            weight = n / rows.size
            small = blas.dsyrk(weight, Bt.T, beta=1.0, c=small, trans=1, lower=0, overwrite_c=1)
        small.ravel(order="K")[:: len(small) + 1] += 1.0
        factor, info = lapack.dpotrf(small, lower=0)
        if info != 0:
            return self._by_products(curvature, gradient, accuracy, MAX_CG)[0]

        def adjoint_of(x: np.ndarray) -> np.ndarray:
            C = adjoint(curvature.masks, self.X, x)
            inner = np.einsum("ij,ij->i", roots, np.repeat(C, free, axis=0))
            return np.concatenate([inner, column @ x])

        x = -gradient
        r = adjoint_of(gradient)
        goal = (accuracy * float(np.linalg.norm(gradient))) ** 2
        direction, energy = np.zeros_like(r), 1.0
        for _ in range(MAX_CG):
            # what x lacks is B r, whose length the sample tells
            if float(r @ blas.dsymv(1.0, small, r, lower=0)) - float(r @ r) <= goal:
                break
            z, _ = lapack.dpotrs(factor, r, lower=0)
            new = float(r @ z)
            direction = z + (new / energy) * direction if direction.any() else z
            energy = new
            moved = np.add.reduceat(roots * direction[: len(roots), None], starts)
            step_x = combine(curvature.masks, self.X, moved) + direction[len(roots) :] @ column
            image = direction + adjoint_of(step_x)
            step = energy / float(direction @ image)
            x = x + step * step_x
            r = r - step * image
            self.cg_iterations += 1
        return np.asarray(x)

    def _sample(self, size: int) -> np.ndarray:
        """Rows drawn without replacement, the same ones in every solve."""
        if self._order is None:
            self._order = np.random.default_rng(0).permutation(len(self.X))
        return np.sort(self._order[:size])

    def _by_rows(
        self, curvature: Curvature, gradient: np.ndarray, accuracy: float
    ) -> np.ndarray | None:
        """Cholesky of the n x n matrix; whole blocks enter by a Hadamard product with X X'.

        The factor is in single precision and the preconditioner of a few conjugate gradients in
        double; None if it is too poor for that.
        """
        n, d = self.X.shape
        X, gram = self._inputs(np.float32), self.gram()
        sizes, sigma, shrink = curvature.sizes, curvature.sigma, curvature.shrink
        whole = 2 * sizes < d  # cheaper to subtract the face than to add the rest
        weight = np.sqrt(sigma * (1.0 - shrink))[:, None]
        radial = np.sqrt(sigma * shrink)[:, None] * curvature.q
        masks = curvature.masks.astype(np.float32)
        if whole.any():
            matrix = blas.ssyrk(1.0, (masks[whole] * weight[whole].astype(np.float32)).T, lower=1)
            matrix *= gram.T  # symmetric; this way both are stored by columns
        else:
            matrix = np.zeros((n, n), dtype=np.float32, order="F")

        def images(vectors: np.ndarray, chosen: np.ndarray, counts: np.ndarray) -> np.ndarray:
            out = vectors.astype(np.float32) @ X.T
            return np.asarray(out * np.repeat(masks[chosen], counts, axis=0))

        held, rest = (whole & (sizes > 0)).nonzero()[0], (~whole).nonzero()[0]
        plus = [(radial[whole].astype(np.float32) @ X.T) * masks[whole]]
        if curvature.column is not None:
            plus.append((np.sqrt(sigma) * curvature.column).astype(np.float32)[None])
        if rest.size:
            roots, free = curvature.roots(rest)
            plus.append(images(np.sqrt(sigma) * roots, rest, free))
        matrix = blas.ssyrk(1.0, np.vstack(plus).T, beta=1.0, c=matrix, lower=1, overwrite_c=1)
        if held.size:
            faces = [curvature.lines[curvature.slots[b], : sizes[b], :d] for b in held]
            weighted = np.concatenate(faces) * np.repeat(weight[held], sizes[held], axis=0)
            minus = images(weighted, held, sizes[held])
            matrix = blas.ssyrk(-1.0, minus.T, beta=1.0, c=matrix, lower=1, overwrite_c=1)
        matrix.ravel(order="K")[:: n + 1] += np.float32(1.0)
        factor, info = lapack.spotrf(matrix, lower=1, overwrite_a=1, clean=0)
        if info != 0:
            return None

        def solve(right: np.ndarray) -> np.ndarray:
            size = float(np.linalg.norm(right))
            x, _ = lapack.spotrs(factor, (right / size).astype(np.float32), lower=1)
            return np.asarray(x.astype(np.float64) * size)

        return _refined(curvature.operator(self.X), solve, -gradient, accuracy)

    def _by_products(
        self, curvature: Curvature, gradient: np.ndarray, accuracy: float, limit: int
    ) -> tuple[np.ndarray, bool]:
        """Conjugate gradients, the matrix only ever applied; False if they ran out of steps."""
        # a loose direction does not need double precision, and single costs half
        kind = np.float32 if accuracy >= SINGLE else np.float64
        apply = curvature.operator(self._inputs(kind))
        start: np.ndarray = np.asarray(-gradient, dtype=kind)
        x, r, direction = np.zeros_like(start), start, start.copy()
        square = float(r @ r)
        goal = accuracy**2 * square
        used = 0
        while used < limit and square > goal:
            used += 1
            image = apply(direction)
            step = square / float(direction @ image)
            x += step * direction
            r -= step * image
            new = float(r @ r)
            direction = r + (new / square) * direction
            square = new
        self.cg_iterations += used
        self._cg_used, self._cg_accuracy = float(used), accuracy
        self._cg_sigma = curvature.sigma
        return x.astype(np.float64), square <= goal

    def gram(self) -> np.ndarray:
        """Return X X' in single precision, made on first use."""
        if self._gram is None:
            X = self._inputs(np.float32)
            self._gram = X @ X.T
        return self._gram

    def _inputs(self, kind: Any) -> np.ndarray:
        if kind not in self._copies:
            self._copies[kind] = np.ascontiguousarray(self.X.astype(kind))
        return self._copies[kind]


def _sample_size(n: int, d: int, columns: int, count: int) -> int:
    """Rows whose Gram matrix stands for that of all of them, which are taken if it is cheap."""
    size = min(n, max(SAMPLE * columns, LEAST_SAMPLE))
    saved = (SAMPLE_STEPS - WHOLE_STEPS) * 16.0 * n * d * count
    return int(n if (n - size) * float(columns) ** 2 < saved else size)


def _refined(
    apply: Callable[[np.ndarray], np.ndarray],
    solve: Callable[[np.ndarray], np.ndarray],
    right: np.ndarray,
    accuracy: float,
) -> np.ndarray | None:
    """Conjugate gradients preconditioned by an approximate inverse; None if they stall."""
    x = solve(right)
    r = right - apply(x)
    goal = accuracy * float(np.linalg.norm(right))
    direction, energy = np.zeros_like(r), 1.0
    for _ in range(MAX_REFINEMENTS):
        if float(np.linalg.norm(r)) <= goal:
            return x
        z = solve(r)
        new = float(r @ z)
        direction = z + (new / energy) * direction if direction.any() else z
        energy = new
        image = apply(direction)
        bend = float(direction @ image)
        if not bend > 0.0:
            return None
        step = energy / bend
        x = x + step * direction
        r = r - step * image
    return x if float(np.linalg.norm(r)) <= goal else None
