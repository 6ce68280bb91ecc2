r"""Spike-free data: an exact test, and the program of two neurons that then is the whole one.

X is spike-free if every (X u)_+ with |u| <= 1 is X u' for some |u'| <= 1, X u' >= 0: the rectified
ellipsoid has no spikes beyond the ellipsoid (Ergen & Pilanci 2021, section 3).

**Theorem.** Drop zero rows and merge rows that are positive multiples of one another: X = C B,
C >= 0 with one entry in a row, the rows of B distinct directions. X is spike-free if and only if
the rows of B are independent and (B B')^-1 has no positive entry off its diagonal.

*Proof.* If X is spike-free, range(X) is closed under v -> v_+, so it is a sublattice of R^n, and
its coordinates are lattice homomorphisms: non-negative multiples of r = rank X independent ones
(Birkhoff). So there are r distinct directions, and they are independent. Let K = (B B')^-1. The
shortest u with B u = v has |u|^2 = v'Kv, and the shortest u' with B u' = v_+ has v_+'K v_+. With
v = v_+ - v_-, v'Kv = v_+'K v_+ + v_-'K v_- - 2 v_+'K v_-. If K_ij <= 0 for i != j the last product
is not positive, as v_+ and v_- have disjoint supports, and v'Kv >= v_+'K v_+. If K_ij > 0, the
vector v = e_i - t e_j, t = K_ij / K_jj, has v'Kv = K_ii - K_ij^2 / K_jj < K_ii = v_+'K v_+. QED

So two rows are spike-free if x_1'x_2 >= 0, orthonormal rows are, and data with more distinct
directions than dimensions never are (a bias column and more than d rows, say).

For spike-free X, max over |u| <= 1 of nu'(X u)_+ is max nu'X u over X u >= 0, |u| <= 1, so the
dual constraint is that of the all-active pattern alone, and the program over all patterns has an
optimum of two neurons, one for each sign. For other X the same program restricts the neurons to
that pattern: an upper bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from relu_optima.convex.gates import as_inputs
from relu_optima.convex.low_rank.hyperplanes import Hyperplanes, hyperplanes
from relu_optima.convex.products import row_norms
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import solve
from relu_optima.errors import SolveInputError

UNSEEN = 1e-8  # cosine by which K may be positive: a spike of 1 + 5e-17, which float64 cannot hold
EXACT_ROWS = 60  # directions up to which a case too close for float64 is decided in rationals


@dataclass(frozen=True)
class SpikeFree:
    """Whether data are spike-free, and why.

    Attributes
    ----------
    verdict : bool or None
        None where float64 cannot tell and the matrix is too large for rational arithmetic.
    generators : array, shape (r, d), or None
        If they are: the distinct directions, unit vectors, of which all rows are non-negative
        multiples.
    witness : array, shape (d,), or None
        If they are not: a unit vector u whose (X u)_+ is no X u' with |u'| <= 1, X u' >= 0.
    ratio : float
        Length of the shortest such u' for the witness, inf if there is none; 1 if spike-free.
    """

    verdict: bool | None
    generators: np.ndarray | None
    witness: np.ndarray | None
    ratio: float


def is_spike_free(X: np.ndarray) -> SpikeFree:
    """Tell exactly whether data are spike-free, in polynomial time.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.

    Returns
    -------
    SpikeFree
        The verdict with the directions that generate the rows, or with a witness.

    Raises
    ------
    SolveInputError
        If X is not a finite non-empty matrix.

    Notes
    -----
    The test is the module's theorem. Directions are equal up to 1e-12 and independent if no
    singular value is below 1e-10 of the largest. A positive entry of K that is less than 1e-8 of
    the diagonal makes a spike no longer than 1 + 5e-17 and counts as zero; if rounding in K may be
    larger than that, rational arithmetic decides for the numbers as they are given.
    """
    X = as_inputs(X)
    planes = hyperplanes(X)
    if planes.rank == 0:
        return SpikeFree(True, np.zeros((0, X.shape[1])), None, 1.0)
    m = len(planes.normals)
    sides = [np.bincount(planes.member[s], minlength=m) > 0 for s in _signs(planes)]
    if m > planes.rank or (sides[0] & sides[1]).any():
        return SpikeFree(False, None, _outside_range(planes), np.inf)
    B = np.where(sides[0], 1.0, -1.0)[:, None] * planes.normals @ planes.basis
    sizes = np.linalg.svd(B, compute_uv=False)
    P = np.linalg.inv(np.linalg.qr(B.T, mode="r"))  # K = P P'
    unit = P / row_norms(P)[:, None]
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1.0)
    wrong = 64 * np.finfo(float).eps * len(B) * float(sizes[0] / sizes[-1])
    worst = float(cosines.max())
    if worst > UNSEEN + wrong:
        return _spike(B, P, np.unravel_index(int(np.argmax(cosines)), cosines.shape))
    if wrong > UNSEEN and worst > -wrong:
        return _in_rationals(X, planes, B, P)
    return SpikeFree(True, B, None, 1.0)


def _signs(planes: Hyperplanes) -> tuple[np.ndarray, np.ndarray]:
    return planes.length > 0, planes.length < 0


def _spike(B: np.ndarray, P: np.ndarray, pair: tuple[np.intp, ...]) -> SpikeFree:
    """Return the witness v = e_i - (K_ij / K_jj) e_j of a positive entry."""
    i, j = pair
    K = P @ P.T
    v = np.zeros(len(B))
    v[i], v[j] = 1.0, -K[i, j] / K[j, j]
    u = np.linalg.lstsq(B, v, rcond=None)[0]
    length = float(np.linalg.norm(u))
    return SpikeFree(False, None, u / length, float(np.sqrt(K[i, i])) / length)


def _outside_range(planes: Hyperplanes) -> np.ndarray:
    """Find u with (X u)_+ outside the range of X, where directions are dependent.

    With a dependency l'B = 0, l'(B u)_+ is piecewise linear in u with a kink at each direction
    that takes part, so it is not zero everywhere; it is so on a random vector with probability 0.
    """
    sides = _signs(planes)
    up, down = (planes.normals[np.unique(planes.member[side])] for side in sides)
    B = np.vstack([up, -down])
    out = np.linalg.svd(B)[0][:, planes.rank :]  # an orthonormal basis of the dependencies
    U = np.random.default_rng(0).standard_normal((64, planes.rank))
    U /= row_norms(U)[:, None]
    far = np.linalg.norm(np.maximum(U @ B.T, 0.0) @ out, axis=1)
    return np.asarray(U[int(np.argmax(far))] @ planes.basis)


def _in_rationals(X: np.ndarray, planes: Hyperplanes, B: np.ndarray, P: np.ndarray) -> SpikeFree:
    """Decide the sign of K's entries for the given numbers without rounding."""
    from flint import fmpq, fmpq_mat

    m, d = B.shape
    if m > EXACT_ROWS:
        return SpikeFree(None, None, None, np.nan)
    leaders = [int(np.flatnonzero(planes.member == j)[0]) for j in range(m)]
    entries = [fmpq(*Fraction(x).as_integer_ratio()) for x in X[leaders].ravel().tolist()]
    rows = fmpq_mat(m, d, entries)
    gram = rows * rows.transpose()
    if gram.det() == 0:
        return SpikeFree(False, None, _outside_range(planes), np.inf)
    K = gram.inv()
    for i in range(m):
        for j in range(i):
            if K[i, j] > 0:
                return _spike(B, P, (np.intp(i), np.intp(j)))
    return SpikeFree(True, B, None, 1.0)


def solve_spike_free(
    X: np.ndarray,
    y: np.ndarray,
    lam: float,
    *,
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> ShallowSolution:
    r"""Solve the program of the all-active pattern, the whole program for spike-free data.

    With X = C B and K = (B B')^-1 as in the module's theorem it is, for the outputs p and q of the
    adding and the subtracting neuron,

    .. math:: \min_{p, q \ge 0} \tfrac12 \lVert C (p - q) - y \rVert^2
              + \lambda \bigl(\sqrt{p^\top K p} + \sqrt{q^\top K q}\bigr) .

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs whose rows lie on one side of some hyperplane.
    y : array, shape (n,)
        Targets.
    lam : float
        Canonical regularisation strength, positive.
    tol : float, default 1e-6
        Relative duality gap at which to stop, in (0, 1).
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.

    Returns
    -------
    ShallowSolution
        At most two neurons. Where X is not spike-free, or it is not known, the status is
        ``upper_bound`` and the dual value a bound over the all-active pattern only.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or no direction has X u > 0 on all non-zero rows.
    """
    started = time.process_time()
    X = as_inputs(X)
    free = is_spike_free(X)
    gate = all_active_gate(X)
    solved = solve(X, y, gate[:, None], lam, tol=tol, time_limit=time_limit)
    U = np.vstack([part[np.any(part, axis=1)] for part in (solved.v, solved.w)])
    sizes = row_norms(U)
    adding = int(np.any(solved.v, axis=1).sum())
    signed = np.where(np.arange(len(U)) < adding, sizes, -sizes)
    network = ShallowNetwork(U / sizes[:, None], signed[:, None])
    exact = free.verdict is True
    return ShallowSolution(
        X=X,
        Y=solved.problem.y[:, None],
        lam=solved.lam,
        network=network,
        objective=solved.objective,
        dual_objective=solved.dual_objective,
        gap=solved.gap,
        kkt_residual=solved.kkt_residual,
        violation=solved.violation,
        dual=solved.dual[:, None],
        status=solved.status if exact or solved.status != "optimal" else "upper_bound",
        exact=exact,
        method="spike_free",
        counts=solved.counts,
        seconds=time.process_time() - started,
    )


def all_active_gate(X: np.ndarray) -> np.ndarray:
    """Find the direction with the largest margin x_i'u / |x_i| in the unit box, and refuse none."""
    from scipy.optimize import linprog

    lengths = row_norms(X)
    rows = X[lengths > 0] / lengths[lengths > 0][:, None]
    n, d = rows.shape
    answer = linprog(
        np.append(np.zeros(d), -1.0),
        A_ub=np.column_stack([-rows, np.ones(n)]),
        b_ub=np.zeros(n),
        bounds=[(-1.0, 1.0)] * d + [(None, 1.0)],
        method="highs",
    )
    if not n or answer.status != 0 or (rows @ answer.x[:d]).min() <= 1e-12:
        raise SolveInputError(
            "no direction is on the positive side of all non-zero rows",
            allowed="data with an all-active pattern, as spike-free data are",
            where="X",
            fix="use solve_all, the program over all patterns",
        )
    return np.asarray(answer.x[:d])
