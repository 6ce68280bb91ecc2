r"""The lifted design A = [D_1 X, ..., D_P X] of listed gates, and (A'A + rho I)^{-1} by three ways.

A has P d columns and is never formed whole. Its products run over slabs of rows. The ridge system
is solved

* by a Cholesky factor of A'A + rho I where P d is small;
* by a factor of A A' + rho I where n is: A A' = (X X') o (D D'), elementwise, so it costs as much
  as the kernel of the data alone, whatever the number of gates; then
  (A'A + rho I)^{-1} = (I - A'(A A' + rho I)^{-1} A) / rho (Woodbury);
* otherwise by conjugate gradients, preconditioned by the second way on a sample of rows, whose
  Gram matrix scaled by n / m has the same expectation. Each system starts from the last answer W,
  whose A'A W is kept. What a step adds to it is a product in single precision; as soon as the
  rounding of those may matter, A'A W is taken anew in double.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SLAB = 2_000_000  # numbers of one slab of A N: 16 MB
DENSE = 6_000  # order of the largest matrix that is factored: 0.3 GB
CG_STEPS = 60  # of one system; it starts from the last answer, so few are the rule
SINGLE = 1e-6  # error of a product in single precision, relative: sums of some thousand terms
TRUST = 0.1  # share of the accuracy that is asked for up to which such errors do not matter


@dataclass(frozen=True)
class Lifted:
    """Masked products with X; the patterns are the columns of ``patterns``."""

    X: np.ndarray
    patterns: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, gates and inputs."""
        n, d = self.X.shape
        return n, self.patterns.shape[1], d

    def _slabs(self, outputs: int) -> list[slice]:
        n, P, _ = self.shape
        rows = max(1, SLAB // max(1, P * outputs))
        return [slice(a, min(a + rows, n)) for a in range(0, n, rows)]

    def fit(self, W: np.ndarray) -> np.ndarray:
        """Return sum_i D_i X W_i for W of shape (P, d, K)."""
        n, P, d = self.shape
        K = W.shape[2]
        wide = np.ascontiguousarray(W.transpose(1, 0, 2)).reshape(d, P * K)
        out = np.empty((n, K), dtype=W.dtype)
        for part in self._slabs(K):
            product = (self.X[part] @ wide).reshape(-1, P, K)
            out[part] = np.einsum("npk,np->nk", product, self.patterns[part])
        return out

    def correlate(self, N: np.ndarray) -> np.ndarray:
        """Return X'D_i N of every gate, shape (P, d, K)."""
        _, P, d = self.shape
        K = N.shape[1]
        wide = np.zeros((d, P * K))
        for part in self._slabs(K):
            masked = self.patterns[part][:, :, None] * N[part][:, None, :]
            wide += self.X[part].T @ masked.reshape(-1, P * K)
        return np.ascontiguousarray(wide.reshape(d, P, K).transpose(1, 0, 2))

    def kernel(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return A A' of some rows, all if none are named."""
        X, D = (self.X, self.patterns) if rows is None else (self.X[rows], self.patterns[rows])
        masks = D.astype(np.float64)
        return np.asarray((X @ X.T) * (masks @ masks.T))

    def gram(self) -> np.ndarray:
        """Return A'A, shape (P d, P d)."""
        n, P, d = self.shape
        out = np.zeros((P * d, P * d))
        rows = max(1, SLAB // (P * d))
        for begin in range(0, n, rows):
            part = slice(begin, begin + rows)
            wide = (self.patterns[part][:, :, None] * self.X[part][:, None, :]).reshape(-1, P * d)
            out += wide.T @ wide
        return out

    def mean_curvature(self) -> float:
        """Return the mean eigenvalue of A'A."""
        _, P, d = self.shape
        lengths = np.einsum("ij,ij->i", self.X, self.X)
        return float(lengths @ self.patterns.sum(axis=1)) / (P * d)


class Ridge:
    """Solver of (A'A + rho I) W = R for changing rho."""

    def __init__(self, lifted: Lifted, *, dense: int = DENSE) -> None:
        self.lifted = lifted
        n, P, d = lifted.shape
        self.way = "gram" if P * d <= min(n, dense) else "kernel" if n <= dense else "sampled"
        self._part = lifted
        if self.way == "sampled":
            sample = np.sort(np.random.default_rng(0).permutation(n)[:dense])
            self._part = Lifted(lifted.X[sample], lifted.patterns[sample])
            self._size = float(np.abs(lifted.X).max())
            self._single = Lifted((lifted.X / self._size).astype(np.float32), lifted.patterns)
        self._matrix = lifted.gram() if self.way == "gram" else self._part.kernel()
        self._last: tuple[np.ndarray, np.ndarray, float] | None = None  # W, A'A W, its error
        self.rho = 0.0
        self.steps = 0
        self.factors = 0

    def refactor(self, rho: float) -> None:
        """Prepare systems with another rho."""
        from scipy.linalg import cho_factor

        matrix = self._matrix.copy()
        shift = rho * self._part.shape[0] / self.lifted.shape[0]
        matrix[np.diag_indices_from(matrix)] += shift
        self._factor = cho_factor(matrix, overwrite_a=True, check_finite=False)
        self.rho = rho
        self.factors += 1

    def solve(self, R: np.ndarray, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
        """Solve a system; return the answer and what is left of R, at most ``accuracy`` long.

        Only conjugate gradients leave anything beyond rounding.
        """
        if self.way != "sampled":
            return self._approximate(R), np.zeros_like(R)
        zero = np.zeros_like(R)
        W, image, error = (zero, zero, 0.0) if self._last is None else self._last
        residual = R - image - self.rho * W
        direction, product = zero, 1.0
        for _ in range(CG_STEPS):
            if np.linalg.norm(residual) <= max(accuracy, error):
                if error <= TRUST * accuracy:
                    break
                image, error = self._curved(W), 0.0
                residual, direction = R - image - self.rho * W, zero
                continue
            z = self._approximate(residual)
            last, product = product, float(np.vdot(residual, z))
            direction = z + (product / last) * direction
            curved = self._curved_in_single(direction)
            step = product / float(np.vdot(direction, curved + self.rho * direction))
            W, image = W + step * direction, image + step * curved
            error += SINGLE * step * float(np.linalg.norm(curved))
            residual = residual - step * (curved + self.rho * direction)
        self._last = W, image, error
        return W, residual

    def _curved(self, W: np.ndarray) -> np.ndarray:
        """Return A'A W."""
        self.steps += 1
        return self.lifted.correlate(self.lifted.fit(W))

    def _curved_in_single(self, W: np.ndarray) -> np.ndarray:
        """Return A'A W by products in single precision, whose range the scales keep."""
        self.steps += 1
        size = float(np.abs(W).max()) or 1.0
        fit = self._single.fit((W / size).astype(np.float32))
        return size * self._size**2 * self._single.correlate(fit)

    def _approximate(self, R: np.ndarray) -> np.ndarray:
        """Solve by the factor: exactly, or as the sample of rows has it."""
        from scipy.linalg import cho_solve

        if self.way == "gram":
            flat = cho_solve(self._factor, R.reshape(-1, R.shape[2]), check_finite=False)
            return np.asarray(flat.reshape(R.shape))
        inner = cho_solve(self._factor, self._part.fit(R), check_finite=False)
        return np.asarray((R - self._part.correlate(inner)) / self.rho)
