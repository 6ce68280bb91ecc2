r"""How the optimal networks of each width hang together: isolated points, components, paths.

A network of width m is m *slots*, each with a block b_j (a direction with a sign) and a
coefficient c_j >= 0; slots with c_j = 0 are one and the same, the zero neuron. With the optimal
polytope P = {beta >= 0 : Z beta = fit} the optimal networks are
Q = {(b, c) : sum_j c_j e_{b_j} in P}. Weights are square roots of coefficients, a homeomorphism.

**Theorem.** Let V be the vertices of P (assumed bounded), m* and M* the least and the largest
number of blocks of a vertex. Let m >= m*, and let G_m be the graph on the vertices with fewer than
m blocks, with an edge vv' where supp v and supp v' have at most m blocks together. Then (i) each
vertex with exactly m blocks gives m! isolated points of Q, one for each order of its blocks, and
(ii) the other components of Q correspond to the components of G_m.

*Proof.* Q is the union of the polytopes Q_b = {c >= 0 : sum_j c_j z_{b_j} = fit}, b in [k]^m. A
vertex of Q_b has independent columns z_{b_j} on the slots it uses, so it is a vertex v of P whose
blocks are placed in different slots: a placement. Where two polytopes meet, they meet in a common
face, which has a vertex. Hence components of Q are those of the graph of placements, joined where
both lie in one Q_b; that is where no slot is used by both with different blocks.
If v has m blocks it uses every slot, so a placement of v' that agrees with it has
supp v' within supp v, whose columns are independent: v' = v, in the same slots. That is (i).
If v has fewer, a block can slide into a free slot along Q_b with both slots given that block, and
with one free slot all orders are reached: the placements of v are connected. Placements of v and v'
that agree use at least |supp v + supp v'| slots; conversely, that many slots hold both. So they
are joined iff the union has at most m blocks, and neither has m blocks itself then, since a
vertex is the only one within its support. That is (ii). []

**Corollary.** Q is connected at all widths from max(M* + 1, w), where w is the largest edge of a
minimum spanning tree of V with the weights |supp v + supp v'|, and not at the width before
(except that a single neuron without alternative is connected at its own width). This is at most
min(m* + M*, rank Z + 1): the star around a smallest vertex has edges of at most m* + M*, and two
vertices on an edge of P span a face of dimension one, which has at most rank Z + 1 blocks; the
edges of a polytope connect it. The published bound is min(m* + M*, n + 1) (Kim, Mishkin and
Pilanci, ICLR 2025, the staircase of connectivity).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog, nnls

from relu_optima.errors import BudgetError, SolveInputError
from relu_optima.optimal_set.polytope import Polytope, polytope
from relu_optima.optimal_set.rank import rank
from relu_optima.optimal_set.width import smallest_support

if TYPE_CHECKING:
    from relu_optima.optimal_set.connection import Path

BUDGET = 20_000  # vertices: a spanning tree looks at all pairs, 4e8 of them in seconds
FIT_TOL = 1e-9  # relative error up to which the columns explain the fit; rounding leaves 1e-12
UNBOUNDED = 1e-7  # of a program in [0, 1]: HiGHS answers to 1e-9 of it


@dataclass(frozen=True)
class Topology:
    """Components of the set of optimal networks, for every width.

    Attributes
    ----------
    body : Polytope
        The optimal coefficients.
    vertices : array, shape (V, k), or None
        Minimal models, fewest neurons first; None where they are too many to enumerate.
    tree : array of int, shape (V - 1, 3)
        Minimum spanning tree of the vertices: two vertices and the number of blocks that they
        have together, in each row, least first.
    status : str
        ``exact``, or ``unknown`` where the vertices were not enumerated.
    m_star : int or None
        Fewest neurons of an optimal network; None if it is not known.
    M_star : int or None
        Most neurons of a minimal optimal network; None if it is not known.
    connected_from : int or None
        Least width from which on the set is connected; None if it is not known.
    bound : int
        Width from which on it is certainly connected, at most rank Z + 1.
    """

    body: Polytope
    vertices: np.ndarray | None
    tree: np.ndarray
    status: str
    m_star: int | None
    M_star: int | None
    connected_from: int | None
    bound: int

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of blocks of each vertex, shape (V,)."""
        if self.vertices is None:
            return np.zeros(0, dtype=int)
        return np.asarray(np.count_nonzero(self.vertices, axis=1))

    @property
    def table(self) -> dict[int, dict[str, int]]:
        """What `level` says of each width from m_star to m_star + M_star + 1; empty if unknown."""
        if self.m_star is None or self.M_star is None:
            return {}
        first = max(self.m_star, 1)
        return {m: self.level(m) for m in range(first, self.m_star + self.M_star + 2)}

    def level(self, width: int) -> dict[str, int]:
        """Count the components of the optimal networks of one width.

        Parameters
        ----------
        width : int, >= m_star
            Number of hidden neurons.

        Returns
        -------
        dict of str to int
            ``isolated_up_to_order`` (isolated networks, neurons in any order), ``isolated_points``
            (the same, each order by itself), ``continua`` (all other components) and
            ``components``.

        Raises
        ------
        SolveInputError
            If no network of that width is optimal.
        BudgetError
            If the vertices were not enumerated.
        """
        self.check_width(width)
        if self.vertices is None:
            raise BudgetError(
                "the components are not known: the optimal set has too many vertices",
                where="optimal_set.vertex_budget",
                fix=f"raise the budget; from width {self.bound} on the set is connected",
            )
        if not self.sizes.any():  # the zero network: one point at every width
            return _level(1, 1, 0)
        isolated = int(np.sum(self.sizes == width))
        joined = int(np.sum(self.tree[:, 2] <= width))
        continua = int(np.sum(self.sizes < width)) - joined
        return _level(isolated, isolated * factorial(width), continua)

    def path(
        self,
        a: np.ndarray | tuple[np.ndarray, np.ndarray],
        b: np.ndarray | tuple[np.ndarray, np.ndarray],
        width: int,
    ) -> Path:
        """Connect two optimal networks by optimal networks of one width.

        Parameters
        ----------
        a, b : array, shape (k,), or pair of arrays, shape (width,) each
            Coefficients of a model, whose blocks take the first slots in order; or block and
            coefficient of every slot, block -1 where it is empty.
        width : int, >= m_star
            Number of slots.

        Returns
        -------
        Path
            Piecewise linear in the coefficients, one block for each slot on each segment. If the
            two are not connected, or if that is not known, it has no segments and says why.

        Raises
        ------
        SolveInputError
            If no network of that width is optimal, or if a or b is none of them.
        """
        from relu_optima.optimal_set.connection import connect

        return connect(self, a, b, width)

    def check_width(self, width: int) -> None:
        """Refuse a width at which no network is optimal.

        Parameters
        ----------
        width : int
            Number of hidden neurons.

        Raises
        ------
        SolveInputError
            If it is less than m_star or no positive integer.
        """
        least = max(self.m_star or 1, 1)
        if not isinstance(width, int | np.integer) or isinstance(width, bool) or width < least:
            raise SolveInputError(
                f"it is {width!r}",
                allowed=f"an integer >= {least}, the fewest neurons of an optimal network",
                where="width",
            )


def topology(Z: np.ndarray, fit: np.ndarray, *, vertex_budget: int = BUDGET) -> Topology:
    r"""Tell at which widths the optimal networks are connected, and how many pieces they are in.

    .. math:: P = \{\beta \ge 0 : Z \beta = \mathrm{fit}\}

    Parameters
    ----------
    Z : array, shape (n, k)
        Contribution of each optimal direction to the fit.
    fit : array, shape (n,)
        The optimal fit.
    vertex_budget : int, > 0
        Most vertices that P may have by the upper bound theorem; beyond it the answer has status
        ``unknown``, with the bound rank Z + 1 (and m_star, if an integer program finds it).

    Returns
    -------
    Topology
        Counts for every width, the width from which on all is connected, and paths.

    Raises
    ------
    SolveInputError
        If shapes disagree, values are not finite, no beta >= 0 has Z beta = fit (relative error
        1e-9), or the set is unbounded, as no optimal set is.
    DegenerateError
        If rounding keeps vertices from being told apart.

    Notes
    -----
    A coefficient counts as zero below 1e-9 of their sum. Enumeration is exponential in the
    dimension of P; the spanning tree costs the square of the number of vertices.

    References
    ----------
    Kim, Mishkin and Pilanci, ICLR 2025: the staircase of connectivity. The exact width and its
    proof are in the docstring of `relu_optima.optimal_set.topology`.
    """
    Z, fit = np.asarray(Z, dtype=float), np.asarray(fit, dtype=float)
    if Z.ndim != 2 or fit.shape != Z.shape[:1] or not fit.size:
        raise SolveInputError(
            f"Z has shape {Z.shape} and the fit {fit.shape}", allowed="(n, k) and (n,), n >= 1"
        )
    if not (np.isfinite(Z).all() and np.isfinite(fit).all()):
        raise SolveInputError("Z or the fit hold NaN or infinite values", allowed="finite numbers")
    size = float(np.linalg.norm(fit))
    start, error = nnls(Z, fit) if Z.shape[1] else (np.zeros(0), size)
    if error > FIT_TOL * size:
        raise SolveInputError(
            f"no beta >= 0 has Z beta = fit: the error is {error:.1e} at least",
            allowed=f"at most {FIT_TOL:.0e} of the fit's norm",
            where="fit",
        )
    _check_bounded(Z)
    if not start.any():
        return topology_of(Polytope(Z, np.zeros_like(fit), np.zeros(Z.shape[1])), vertex_budget)
    return topology_of(polytope(Z, fit, 10 * FIT_TOL * size), vertex_budget)


def topology_of(body: Polytope, vertex_budget: int = BUDGET) -> Topology:
    """Tell how the optimal networks with coefficients in a polytope hang together."""
    if not body.start.any():  # the fit is zero, and so is every coefficient
        origin, none = np.zeros((1, body.start.size)), np.zeros((0, 3), dtype=np.int64)
        return Topology(body, origin, none, "exact", 0, 0, 1, 1)
    most = rank(body.columns[:, body.support], body.rank_tol)
    try:
        vertices = body.vertices(vertex_budget)
    except BudgetError:
        found = smallest_support(body)
        least = found.size if found.status == "optimal" else None
        tree = np.zeros((0, 3), dtype=np.int64)
        return Topology(body, None, tree, "unknown", least, None, None, most + 1)
    sizes = np.count_nonzero(vertices, axis=1)
    m_star, M_star = int(sizes.min()), int(sizes.max())
    tree = _spanning_tree(vertices > 0)
    connected = max(M_star + 1, int(tree[:, 2].max(initial=0)))
    if len(vertices) == 1 and M_star == 1:
        connected = 1  # one neuron: no other order, no other network
    bound = min(m_star + M_star, most + 1)
    return Topology(body, vertices, tree, "exact", m_star, M_star, connected, bound)


def _level(isolated: int, points: int, continua: int) -> dict[str, int]:
    """Counts of one width under the names of the table."""
    return {
        "isolated_up_to_order": isolated,
        "isolated_points": points,
        "continua": continua,
        "components": points + continua,
    }


def _check_bounded(Z: np.ndarray) -> None:
    """Refuse columns of which a non-negative combination vanishes."""
    if not Z.shape[1]:
        return
    norms = np.linalg.norm(Z, axis=0)
    answer = linprog(
        -np.ones(Z.shape[1]),
        A_eq=Z / np.where(norms > 0, norms, 1.0),
        b_eq=np.zeros(Z.shape[0]),
        bounds=(0.0, 1.0),
        method="highs-ds",
    )
    if answer.status != 0 or -answer.fun > UNBOUNDED:
        raise SolveInputError(
            "the set {beta >= 0 : Z beta = fit} is unbounded",
            allowed="columns of which no non-negative combination is zero",
            where="Z",
        )


def _spanning_tree(used: np.ndarray) -> np.ndarray:
    """Minimum spanning tree of the vertices by the size of the union of their blocks (Prim)."""
    count = len(used)
    packed = np.packbits(used, axis=1)
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)
    best = np.full(count, np.iinfo(np.int64).max)
    nearest = np.zeros(count, dtype=np.int64)
    rest = np.arange(1, count)
    newest, edges = 0, []
    while rest.size:
        together = np.bitwise_count(packed[rest] | packed[newest]).sum(axis=1, dtype=np.int64)
        closer = together < best[rest]
        best[rest[closer]] = together[closer]
        nearest[rest[closer]] = newest
        place = int(np.argmin(best[rest]))
        newest = int(rest[place])
        edges.append((int(nearest[newest]), newest, int(best[newest])))
        rest = np.delete(rest, place)
    tree = np.array(edges, dtype=np.int64).reshape(-1, 3)
    return tree[np.argsort(tree[:, 2], kind="stable")]
