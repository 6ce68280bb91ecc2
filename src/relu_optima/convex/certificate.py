r"""Independent certificates of convex ReLU solutions.

Nothing here is shared with the solvers: the patterns are recomputed, the primal value is that of
the network itself, and the dual bound rests on multipliers rho >= 0, each of which gives a valid
bound. A solver may hand in the ones it ended with; they are checked, not trusted, at the price of
a look. Without them this module's own active-set method finds some.

The dual of the program over the blocks (i, s) is

.. math:: \max_\nu \; y^\top \nu - \tfrac12 \lVert \nu \rVert^2
          \quad\text{s.t.}\quad
          \max_{i, s} \min_{\rho \ge 0} \lVert s X^\top D_i \nu + A_i^\top \rho \rVert \le \lambda,

with A_i = (2 D_i - I) X for the ReLU program and no rho for the gated one. Every primal residual
gives a feasible point after scaling (Mishkin & Pilanci 2023, section 3). For another loss the
negative gradient takes the residual's place and its conjugate the quadratic's (`convex.loss`); the
constraint is the same. An output intercept without penalty asks for sum_i nu_i = 0 as well: a
vector is brought to that before it is scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.convex.certificate_input import check_point, checked_intercept
from relu_optima.convex.cone_projection import project_on_cone
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.gates import activation_patterns, as_finite, as_inputs
from relu_optima.convex.loss import Loss
from relu_optima.errors import SolveInputError

SLAB = 64  # patterns that are multiplied at a time
MANY_ROWS = 20_000  # rows up to which all are multiplied at once
TILE = 2_048  # of more, rows that are


@dataclass(frozen=True)
class Certificate:
    """How far a point can be from the optimum, at most.

    Attributes
    ----------
    objective : float
        Primal value: the network's own loss plus the group norms.
    dual_objective : float
        Lower bound on the optimal value of the program over the given gates.
    gap : float
        (objective - dual_objective) / max(dual_objective, 1e-12 * loss of the zero network); 0 if
        that is 0.
    kkt_residual : float
        Largest violation of stationarity at the residual y - f(X), divided by lam. Where evidence
        was checked: the largest of stationarity and complementarity at the dual vector, divided
        by lam, and of its distance from the residual, divided by |y|.
    violation : float
        Largest -a'u over unit cone rows a and blocks u, relative to the largest block norm.
    dual : array, shape (n,)
        Dual feasible vector of the bound.
    """

    objective: float
    dual_objective: float
    gap: float
    kkt_residual: float
    violation: float
    dual: np.ndarray


def relative_gap(objective: float, dual_objective: float, y: np.ndarray) -> float:
    """Return the relative duality gap of half the squared error."""
    return gap_of(objective, dual_objective, 0.5 * float(y @ y))


def gap_of(objective: float, dual_objective: float, at_zero: float) -> float:
    """Return the relative duality gap as every result of the package states it."""
    if at_zero == 0.0:
        return 0.0
    return (objective - dual_objective) / max(dual_objective, 1e-12 * at_zero)


def certify(
    X: np.ndarray,
    y: np.ndarray,
    gates: np.ndarray,
    lam: float,
    v: np.ndarray,
    w: np.ndarray,
    formulation: str = "relu",
    *,
    dual: np.ndarray | None = None,
    evidence: Evidence | None = None,
    loss: Loss | None = None,
    intercept: float = 0.0,
) -> Certificate:
    r"""Bound the distance of a point from the optimum of the convex program.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    gates : array, shape (d, P)
        Gate vectors of the program.
    lam : float
        Canonical regularisation strength, positive.
    v, w : array, shape (P, d)
        Adding and subtracting blocks; a gated program uses v - w.
    formulation : {"relu", "gated"}
        Which program.
    dual : array, shape (n,), optional
        A further dual candidate; the better bound of this and the residual counts.
    evidence : Evidence, optional
        Multipliers of `dual` for a ReLU program. Then only `dual` is looked at, nothing is
        projected, and rounding in the sums is bounded and added to the dual constraint.
    loss : Loss, optional
        Another loss than half the squared error, or one with an intercept.
    intercept : float, default 0.0
        Intercept of the output, for a loss with one.

    Returns
    -------
    Certificate
        Bounds, gap and residuals. A ReLU point outside its cones is valued as the network that
        its blocks define, and its ``violation`` says that it is not feasible.

    Raises
    ------
    SolveInputError
        If shapes disagree, values are not finite, or lam, formulation or evidence are not
        allowed.
    """
    X = as_inputs(X)
    y = as_finite(y, "y", 1, f"{X.shape[0]} finite numbers, one for each row of X")
    v, w, gates = (np.asarray(a, dtype=np.float64) for a in (v, w, gates))
    check_point(X, y, gates, lam, v, w, formulation, dual)
    patterns = activation_patterns(X, gates).T
    fit = np.empty(len(y))
    for at in _tiles(len(y)):
        if formulation == "gated":
            fit[at] = np.sum(np.where(patterns[:, at], (v - w) @ X[at].T, 0.0), axis=0)
        else:
            added, taken = (np.maximum(u @ X[at].T, 0.0).sum(axis=0) for u in (v, w))
            fit[at] = added - taken
    blocks = v - w if formulation == "gated" else np.vstack([v, w])
    norms = np.linalg.norm(blocks, axis=1)
    fit = fit + checked_intercept(intercept, loss)
    residual = y - fit if loss is None else _slopes(fit, dual, loss)
    error = 0.5 * float(residual @ residual) if loss is None else loss.value(fit)
    at_zero = 0.5 * float(y @ y) if loss is None else loss.at_zero
    objective = error + lam * float(norms.sum())
    rows = _unit_rows(X)
    cones = None if formulation == "gated" else _Cones(rows, patterns)
    if evidence is None:
        best, vector, kkt = _projected(
            X, y, patterns, residual, dual, blocks, norms, lam, cones, loss
        )
    else:
        if cones is None or dual is None:
            raise SolveInputError(
                "it proves a dual vector of a ReLU program feasible",
                allowed="formulation relu, with dual",
                where="evidence",
            )
        given = _balanced(np.asarray(dual, dtype=np.float64), loss)
        height, kkt = _checked(X, patterns, given, blocks, norms, lam, cones, evidence)
        best, vector = _dual_value(given, y, lam, height, loss)
        off = residual - vector
        if loss is not None and loss.name == "hinge":  # whose slope is not unique at the kink
            off = loss.mismatch(fit, vector)
        kkt = max(kkt, float(np.linalg.norm(off)) / (float(np.linalg.norm(y)) or 1.0))
    return Certificate(
        objective=objective,
        dual_objective=best,
        gap=gap_of(objective, best, at_zero),
        kkt_residual=kkt,
        violation=0.0 if cones is None else cones.violation(blocks, norms),
        dual=vector,
    )


def _projected(
    X: np.ndarray,
    y: np.ndarray,
    patterns: np.ndarray,
    residual: np.ndarray,
    dual: np.ndarray | None,
    blocks: np.ndarray,
    norms: np.ndarray,
    lam: float,
    cones: _Cones | None,
    loss: Loss | None,
) -> tuple[float, np.ndarray, float]:
    """Bound by projecting every block: the better of the residual and of a further candidate.

    Returns the bound, the dual vector and the stationarity of the residual.
    """
    residual = _balanced(residual, loss)
    height, kkt = _stationarity(X, patterns, residual, blocks, norms, lam, cones)
    best, vector = _dual_value(residual, y, lam, height, loss)
    if dual is not None:
        candidate = _balanced(np.asarray(dual, dtype=np.float64), loss)
        height, _ = _stationarity(X, patterns, candidate, blocks, norms, lam, cones)
        value, scaled = _dual_value(candidate, y, lam, height, loss)
        if value > best:
            best, vector = value, scaled
    return best, vector, kkt


def _slopes(fit: np.ndarray, dual: np.ndarray | None, loss: Loss) -> np.ndarray:
    """Return the negative gradient at outputs; for the hinge loss the dual vector, if given."""
    if loss.name == "hinge" and dual is not None:
        return np.asarray(dual, dtype=np.float64)
    return -loss.gradient(fit)


def _balanced(vector: np.ndarray, loss: Loss | None) -> np.ndarray:
    """Bring a vector into the domain of the conjugate, and its sum to zero for an intercept."""
    return vector if loss is None else loss.balanced(loss.into_domain(vector))


def dual_norm(X: np.ndarray, vector: np.ndarray, gates: np.ndarray, formulation: str) -> float:
    r"""Return h(nu), the largest projected correlation over all blocks.

    .. math:: h(\nu) = \max_{i, s} \lVert \mathrm{Proj}_{K_i}(s X^\top D_i \nu) \rVert
    """
    patterns = activation_patterns(X, gates).T
    cones = None if formulation == "gated" else _Cones(_unit_rows(X), patterns)
    count = patterns.shape[0] * (1 if cones is None else 2)
    blocks = np.zeros((count, X.shape[1]))
    height, _ = _stationarity(X, patterns, vector, blocks, np.zeros(count), 1.0, cones)
    return height


@dataclass(frozen=True)
class _Cones:
    """Cones K_i = {u : (2 D_i - I) X u >= 0}, rows scaled to unit length."""

    rows: np.ndarray
    patterns: np.ndarray

    def of(self, block: int) -> np.ndarray:
        pattern = self.patterns[block % len(self.patterns)]
        return np.asarray(np.where(pattern, 1.0, -1.0)[:, None] * self.rows)

    def violation(self, blocks: np.ndarray, norms: np.ndarray) -> float:
        used = np.flatnonzero(norms > 0)
        if not used.size:
            return 0.0
        worst = 0.0
        for b in used:
            slack = self.rows @ blocks[b]
            np.negative(slack, out=slack, where=~self.patterns[b % len(self.patterns)])
            worst = max(worst, -float(slack.min()))
        return worst / float(norms.max())


def _tiles(n: int) -> list[slice]:
    """All rows at once, or many by parts."""
    step = n if n <= MANY_ROWS else TILE
    return [slice(begin, begin + step) for begin in range(0, n, step)]


def _unit_rows(X: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(X, axis=1)
    return np.asarray(X / np.where(lengths > 0, lengths, 1.0)[:, None])


def _stationarity(
    X: np.ndarray,
    patterns: np.ndarray,
    vector: np.ndarray,
    blocks: np.ndarray,
    norms: np.ndarray,
    lam: float,
    cones: _Cones | None,
) -> tuple[float, float]:
    """Bound h(vector) from above, and the stationarity residual of the blocks at the vector.

    A block is projected only while its bound could still raise the maximum.
    """
    product = np.zeros((len(patterns), X.shape[1]))
    for at in _tiles(len(X)):
        product += np.where(patterns[:, at], vector[at], 0.0) @ X[at]
    if cones is not None:
        product = np.vstack([product, -product])
    sizes = np.linalg.norm(product, axis=1)
    active = np.flatnonzero(norms > 1e-8 * norms.max(initial=0.0))
    idle = np.setdiff1d(np.argsort(-sizes, kind="stable"), active, assume_unique=True)
    height = kkt = 0.0
    for block in active:
        point = product[block]
        if cones is not None:
            point, _ = project_on_cone(cones.of(int(block)), point)
        height = max(height, float(np.linalg.norm(point)))
        kkt = max(kkt, float(np.linalg.norm(point - lam * blocks[block] / norms[block])) / lam)
    for block in idle:
        if sizes[block] <= height:
            continue
        point = product[block]
        if cones is not None:
            point, _ = project_on_cone(cones.of(int(block)), point, height)
        height = max(height, float(np.linalg.norm(point)))
    return height, max(kkt, height / lam - 1.0)


def _checked(
    X: np.ndarray,
    patterns: np.ndarray,
    vector: np.ndarray,
    blocks: np.ndarray,
    norms: np.ndarray,
    lam: float,
    cones: _Cones,
    evidence: Evidence,
) -> tuple[float, float]:
    """Bound h(vector) by given multipliers, and the optimality conditions of the pair.

    With gamma_k = k eps / (1 - k eps), a computed sum of k products is wrong by at most gamma_k
    times the sum of their absolute values (Higham 2002, section 3.1).
    """
    from scipy.sparse import csr_array

    P, (n, d) = len(patterns), X.shape
    at, starts, rows, rho = _sound(evidence, P, n)
    lengths = np.linalg.norm(X, axis=1)
    product, size = np.zeros((P, d)), np.zeros(P)
    for tile in _tiles(n):
        for begin in range(0, P, SLAB):
            part = slice(begin, begin + SLAB)
            masked = np.where(patterns[part, tile], vector[tile], 0.0)
            product[part] += masked @ X[tile]
            size[part] += np.abs(masked) @ lengths[tile]
    point, wrong = np.vstack([product, -product]), (n + 4) * np.tile(size, 2)
    member = np.repeat(at, np.diff(starts))
    pushes = rho * np.where(patterns[member % P, rows], 1.0, -1.0)
    shape = (at.size, n)
    point[at] += csr_array((pushes, rows, starts), shape=shape) @ cones.rows
    total = np.bincount(member, rho, minlength=2 * P)
    count = np.bincount(member, minlength=2 * P)
    wrong = np.finfo(float).eps * (wrong + (count + d + 8) * (total + np.tile(size, 2)))
    heights = np.linalg.norm(point, axis=1) + wrong
    kkt = 0.0
    active = np.flatnonzero(norms > 1e-8 * norms.max(initial=0.0))
    if active.size:
        unit = blocks[active] / norms[active][:, None]
        kkt = float(np.linalg.norm(point[active] - lam * unit, axis=1).max()) / lam
        place = np.full(2 * P, -1)
        place[active] = np.arange(active.size)
        used = place[member] >= 0
        slack = np.einsum("ij,ij->i", cones.rows[rows[used]], unit[place[member[used]]])
        slips = np.bincount(member[used], pushes[used] * slack, minlength=2 * P)
        kkt = max(kkt, float(np.abs(slips).max(initial=0.0)) / lam)
    return float(heights.max()), kkt


def _sound(
    evidence: Evidence, P: int, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the parts of evidence, or refuse what is not a list of multipliers of these rows."""
    parts = [np.asarray(a) for a in (evidence.blocks, evidence.starts, evidence.rows)]
    at, starts, rows = parts
    rho = np.asarray(evidence.rho, dtype=np.float64)
    whole = all(a.ndim == 1 and np.issubdtype(a.dtype, np.integer) for a in parts)
    if (
        not whole
        or rho.ndim != 1
        or starts.shape != (at.size + 1,)
        or rows.shape != rho.shape
        or starts[0] != 0
        or starts[-1] != rows.size
        or (np.diff(starts) < 0).any()
        or np.unique(at).size != at.size
        or not (np.isfinite(rho).all() and (rho >= 0).all())
        or not all(a.min(initial=0) >= 0 for a in (at, rows))
        or at.max(initial=0) >= 2 * P
        or rows.max(initial=0) >= n
    ):
        raise SolveInputError(
            "it is no list of multipliers of this program",
            allowed=f"distinct blocks below {2 * P}, rows below {n}, finite multipliers >= 0",
            where="evidence",
        )
    return at.astype(np.int64), starts.astype(np.int64), rows.astype(np.int64), rho


def _dual_value(
    vector: np.ndarray, y: np.ndarray, lam: float, height: float, loss: Loss | None
) -> tuple[float, np.ndarray]:
    """Value of the best feasible multiple of a dual vector, and that multiple."""
    if loss is not None:
        return loss.best_multiple(vector, lam / height if height > 0 else np.inf)
    square = float(vector @ vector)
    if square == 0.0:
        return 0.0, np.zeros_like(vector)
    beta = max(0.0, float(y @ vector) / square)
    if height > 0:
        beta = min(beta, lam / height)
    return beta * float(y @ vector) - 0.5 * beta**2 * square, beta * vector
