r"""Certified optima over all activation patterns, for any number of outputs and data of rank <= 3.

.. math:: \min_{m, U, V} \tfrac12 \Big\lVert S \sum_{j \le m} (X u_j)_+ v_j^\top - Y \Big\rVert_F^2
          + \tfrac{\beta}{2} \sum_j (\lVert u_j \rVert^2 + \lVert v_j \rVert^2)

with S = I, or the average pooling of patches (`pooling`). Its dual asks h(N) <= beta with
h(N) = max |(S'N)'(X u)_+| over unit u. Weak duality holds for every width: for every network
sum_j (S'N)'(X u_j)_+ v_j' pairs to at most h(N) sum |u_j| |v_j|. So a network, and its residual
shrunk by beta / h, bracket the optimum; h is found exactly by a sweep over all patterns
(`relu_optima.convex.low_rank.pricing`). Column generation adds the directions of all local maxima
above beta and lets them slide (`sliding`): the objective falls in every round, and the number of
atoms stays near that of the optimum.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from relu_optima.convex.certificate import relative_gap
from relu_optima.convex.low_rank.column_generation import feasible_multiple
from relu_optima.convex.low_rank.pricing import Pricer
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solver import check_options
from relu_optima.convex.vector.pooling import Pooling, pooling_of
from relu_optima.convex.vector.problem import as_targets
from relu_optima.convex.vector.sliding import MAX_STEPS, Sliding, merge

ROUNDS = 200
STALLED = 8  # rounds without a better gap, each with a smaller goal
MOST = 14  # directions that join in one round: more leave again, one by one
APART = 0.2  # least distance of unit vectors that join in the first round; a quarter in each next
LISTED = 400  # local maxima that are looked at
MERGE = 1e-3  # distance of unit vectors below which one atom is tried in place of two
EASE = 1e-3  # accuracy of the restricted program, relative to the gap that is left
MANY = 5_000  # rows beyond which one step is taken, as it costs as much as a pricing does
FEW = 4  # steps that directions slide between two pricings, unless no gap gets better by that
NEAR = 1e-5  # local maxima of the price that are this near beta, relatively, are levelled
LOWERINGS = 3  # changes of N, each for the maxima of the last
FLOOR = 1e-13  # below this a gradient is rounding


@dataclass(frozen=True)
class _Best:
    """Best bound so far."""

    value: float
    dual: np.ndarray


class AllPatterns:
    """One data set in coordinates of its row space, for any number of strengths."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, pooling: Pooling | None = None) -> None:
        self.X, self.Y, self.pooling = X, Y, pooling
        self._scale = float(np.abs(X).max()) or 1.0, float(np.abs(Y).max()) or 1.0
        _, values, Vt = np.linalg.svd(
            np.linalg.qr(X, mode="r") if len(X) > X.shape[1] else X, full_matrices=False
        )
        rank = max(1, int(np.sum(values > 1e-12 * values[0])))
        self.basis = Vt[:rank].T
        reduced = X @ self.basis if rank < X.shape[1] else X
        if rank == X.shape[1]:
            self.basis = np.eye(rank)
        self._pricer = Pricer(np.ascontiguousarray(reduced / self._scale[0]))
        self._W = np.zeros((0, rank))

    def height(self, N: np.ndarray) -> float:
        """Return h(N), from above."""
        wide = N if self.pooling is None else self.pooling.spread(N)
        return float(self._pricer.price(wide).bound) * self._scale[0]

    def solve(self, lam: float, tol: float, time_limit: float | None) -> ShallowSolution:
        """Solve for one strength, from the atoms of the last."""
        started, wall = time.process_time(), time.perf_counter()
        s_x, s_y = self._scale
        Y, beta = self.Y / s_y, lam / (s_x * s_y)
        pricer, pooling = self._pricer, self.pooling
        master = Sliding(pricer.X, Y, beta, pooling)
        master.start_from(self._W)
        best, status, stuck, last = _Best(0.0, np.zeros_like(Y)), "inaccurate", 0, np.inf
        rounds: list[tuple[float, float]] = []
        kkt = 0.0
        for _ in range(ROUNDS):
            N = master.residual
            wide = N if pooling is None else pooling.spread(N)
            offer = pricer.price(wide, above=beta, most=LISTED)
            kkt = max(0.0, offer.bound / beta - 1.0)
            value, dual = feasible_multiple(N, Y, beta, offer.bound)
            if value > best.value:
                best = _Best(value, dual)
            if stuck:
                best = self._lowered(master, N, beta, best)
            objective = master.penalised()
            gap = relative_gap(objective, best.value, Y.ravel())
            rounds.append((objective * s_y**2, best.value * s_y**2))
            if gap <= 0.9 * tol:
                status = "optimal"
                break
            if time_limit is not None and time.perf_counter() - wall >= time_limit:
                status = "time_limit"
                break
            stuck = stuck + 1 if gap >= 0.99 * last else 0
            if stuck >= STALLED:
                break  # the accuracy of float64 is reached
            last = min(gap, last)
            chosen = _apart(offer.directions, offer.values, beta, APART * 0.25 ** len(rounds))
            master.add(offer.directions[chosen], offer.values[chosen])
            goal = max(FLOOR, min(1e-3, EASE * gap) * 0.1**stuck)
            master.minimise_lengths(goal)
            master.minimise(goal, MAX_STEPS if stuck else 1 if len(pricer.X) > MANY else FEW)
            merge(master, MERGE)
        self._W = master.W
        ratio = np.sqrt(s_y / s_x)
        network = ShallowNetwork(master.W @ self.basis.T * ratio, master.V * ratio).balanced()
        counts = {"rounds": len(rounds), "newton": master.newton}
        return self._solution(network, best.dual * s_y, lam, tol, status, kkt, counts, started)

    def _lowered(self, master: Sliding, N: np.ndarray, beta: float, best: _Best) -> _Best:
        """Try the nearest N whose largest prices are all beta, where E no longer shows progress.

        An excess of 1e-7 costs the bound as much, while the atoms that would remove it lower E by
        its square. The bound's slope along the change is the fit, whose atoms price at beta
        already, so it pays for the square of the change alone.
        """
        pricer, pooling = self._pricer, self.pooling
        for _ in range(LOWERINGS):
            wide = N if pooling is None else pooling.spread(N)
            offer = pricer.price(wide, above=beta * (1.0 - NEAR), most=LISTED)
            value, dual = feasible_multiple(N, self.Y / self._scale[1], beta, offer.bound)
            if value > best.value:
                best = _Best(value, dual)
            features = master.features_of(offer.directions)
            prices = features.T @ N
            heights = np.linalg.norm(prices, axis=1)
            unit = prices / heights[:, None]
            gram = (features.T @ features) * (unit @ unit.T)
            share = np.linalg.lstsq(gram, beta - heights, rcond=1e-12)[0]
            N = N + (features * share) @ unit
        return best

    def _solution(
        self,
        network: ShallowNetwork,
        dual: np.ndarray,
        lam: float,
        tol: float,
        status: str,
        kkt: float,
        counts: dict[str, int],
        started: float,
    ) -> ShallowSolution:
        """Value the answer in full scale, from network and dual vector."""
        features = network.features(self.X)
        if self.pooling is not None:
            features = self.pooling.pool(features.T).T
        error = features @ network.V - self.Y
        objective = 0.5 * float(np.sum(error * error)) + lam * float(network.weights().sum())
        bound = float(np.sum(dual * self.Y)) - 0.5 * float(np.sum(dual * dual))
        gap = relative_gap(objective, bound, self.Y.ravel())
        if status == "optimal" and gap > tol:
            status = "inaccurate"
        return ShallowSolution(
            X=self.X,
            Y=self.Y,
            lam=lam,
            network=network,
            objective=objective,
            dual_objective=bound,
            gap=gap,
            kkt_residual=kkt,
            violation=0.0,
            dual=dual,
            status=status,
            exact=True,
            method="sliding_atoms",
            counts=counts,
            seconds=time.process_time() - started,
        )


def _apart(directions: np.ndarray, values: np.ndarray, level: float, least: float) -> list[int]:
    """Largest local maxima above a level, of those closer than a distance only the first."""
    chosen: list[int] = []
    for k in np.flatnonzero(values > level):
        near = directions[chosen] - directions[k]
        if not chosen or float(np.linalg.norm(near, axis=1).min()) >= least:
            chosen.append(int(k))
        if len(chosen) == MOST:
            break
    return chosen


def solve_vector(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    *,
    samples: np.ndarray | None = None,
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> ShallowSolution:
    r"""Solve the ReLU program over all activation patterns, with any number of outputs.

    .. math:: \min_{m, U, V} \tfrac12 \lVert S \sum_{j \le m} (X u_j)_+ v_j^\top - Y \rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert \lVert v_j \rVert

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs whose rows span at most three dimensions (d itself may be larger); with `samples`
        the patches of all samples, one in each row.
    Y : array, shape (n, K) or (n,)
        Targets; with `samples` one row for each sample.
    lam : float
        Canonical regularisation strength, positive.
    samples : array of int, shape (rows of X,), optional
        Sample of each patch, ascending: then S averages over the patches of a sample, which is a
        convolutional layer with filters u_j and average pooling.
    tol : float, default 1e-6
        Relative duality gap to reach, in (0, 1). Below about 1e-11 rounding decides.
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.

    Returns
    -------
    ShallowSolution
        Network and certificate; ``exact`` holds: no network of any width is below its bound.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or the rank of X is above three.

    Notes
    -----
    A pricing costs O(n log n) in rank two and O(n^2 log n) in rank three.

    References
    ----------
    Sahiner, Ergen, Pauly, Pilanci 2021, "Vector-output ReLU neural network problems are copositive
    programs", Theorem 1. Denoyelle, Duval, Peyre, Soubies 2019, "The sliding Frank-Wolfe
    algorithm and its application to super-resolution microscopy".
    """
    lams = np.array([lam], dtype=object)
    return vector_path(X, Y, lams, samples=samples, tol=tol, time_limit=time_limit)[0]


def vector_path(
    X: np.ndarray,
    Y: np.ndarray,
    lams: np.ndarray,
    *,
    samples: np.ndarray | None = None,
    tol: float = 1e-6,
    time_limit: float | None = None,
) -> list[ShallowSolution]:
    """Solve `solve_vector`'s program for several strengths, each from the last one's atoms.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs of rank at most three, or patches.
    Y : array, shape (n, K) or (n,)
        Targets.
    lams : array, shape (L,)
        Canonical strengths, positive.
    samples : array of int, optional
        Sample of each patch.
    tol : float, default 1e-6
        Relative duality gap of each, in (0, 1).
    time_limit : float, optional
        Wall-clock limit of each solve in seconds.

    Returns
    -------
    list of ShallowSolution
        One for each strength, in their order.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or the rank of X is above three.
    """
    engine = all_patterns(X, Y, samples)
    check_options(tol, time_limit, "auto")
    strengths = [check_lambda(lam) for lam in np.asarray(lams, dtype=object).ravel()]
    return [engine.solve(lam, tol, time_limit) for lam in strengths]


def vector_lambda_max(X: np.ndarray, Y: np.ndarray, *, samples: np.ndarray | None = None) -> float:
    """Return the smallest strength whose optimum over all patterns is the zero network.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs of rank at most three, or patches.
    Y : array, shape (n, K) or (n,)
        Targets.
    samples : array of int, optional
        Sample of each patch.

    Returns
    -------
    float
        h(Y), bounded from above.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or the rank of X is above three.
    """
    engine = all_patterns(X, Y, samples)
    return engine.height(engine.Y)


def all_patterns(X: np.ndarray, Y: np.ndarray, samples: np.ndarray | None) -> AllPatterns:
    """Check data, and prepare them for any number of strengths."""
    if samples is None:
        return AllPatterns(*as_targets(X, Y))
    targets = np.asarray(Y)
    n = len(targets) if targets.ndim else 0
    pooling = pooling_of(samples, n, len(np.asarray(X)))
    first = np.asarray(X)[pooling.starts] if n else X
    _, targets = as_targets(first, targets)
    inputs, _ = as_targets(X, np.zeros(len(np.asarray(X))))
    return AllPatterns(inputs, targets, pooling)
