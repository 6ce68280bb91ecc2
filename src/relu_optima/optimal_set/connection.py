r"""An explicit path between two optimal networks of one width.

Each segment keeps the block of every slot and moves the coefficients along a straight line between
two points of one polytope Q_b = {c >= 0 : sum_j c_j z_{b_j} = fit}, so every point on it is
optimal; the weights are (sqrt(c_j) u_{b_j}, +-sqrt(c_j)). The way follows the proof in
`relu_optima.optimal_set.topology`: from the network to a vertex of its own polytope, from vertex to
vertex along the minimum spanning tree, whose edges are as small as any way allows, to the right
slots through an empty one, and back from a vertex to the other network.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import SolveInputError
from relu_optima.optimal_set.polytope import ZERO_TOL, Polytope
from relu_optima.optimal_set.rank import null_basis

if TYPE_CHECKING:
    from relu_optima.optimal_set.topology import Topology

Network = tuple[np.ndarray, np.ndarray]  # block and coefficient of every slot, block -1 if empty


@dataclass(frozen=True)
class Path:
    """Optimal networks between two given ones: straight segments in the coefficients.

    Attributes
    ----------
    blocks : array of int, shape (S, m)
        Block of every slot on each segment, -1 where the slot stays empty.
    start, end : array, shape (S, m)
        Coefficients at both ends of each segment.
    columns : array, shape (n, k)
        Z, the contribution of each block to the fit.
    reason : str
        Why there is no path; empty if there is one.
    """

    blocks: np.ndarray
    start: np.ndarray
    end: np.ndarray
    columns: np.ndarray
    reason: str = ""

    @property
    def found(self) -> bool:
        """Whether there is a path."""
        return not self.reason

    def __bool__(self) -> bool:
        return self.found

    def __len__(self) -> int:
        return len(self.blocks)

    def at(self, t: float) -> Network:
        """Return the network at one point of the way.

        Parameters
        ----------
        t : float
            Position from 0 to the number of segments, each of length one.

        Returns
        -------
        blocks, coefficients : array, shape (m,)
            Block and coefficient of every slot.

        Raises
        ------
        SolveInputError
            If there is no path, or t is not on it.
        """
        if not len(self) or not 0 <= t <= len(self):
            raise SolveInputError(
                f"position {t!r} of a path of {len(self)} segments",
                allowed=self.reason or f"0 <= t <= {len(self)}",
            )
        segment = min(int(t), len(self) - 1)
        share = t - segment
        return self.blocks[segment], (1 - share) * self.start[segment] + share * self.end[segment]

    def model(self, t: float) -> np.ndarray:
        """Return the coefficients of all blocks at one point of the way.

        Parameters
        ----------
        t : float
            Position, as in `at`.

        Returns
        -------
        array, shape (k,)
            Sum over the slots of each block.
        """
        blocks, coefficients = self.at(t)
        beta = np.zeros(self.columns.shape[1])
        np.add.at(beta, blocks[blocks >= 0], coefficients[blocks >= 0])
        return beta

    def neurons(
        self, t: float, directions: np.ndarray, signs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights at one point of the way; they change continuously along it.

        Parameters
        ----------
        t : float
            Position, as in `at`.
        directions : array, shape (k, d)
            Unit direction of every block.
        signs : array, shape (k,)
            Output sign of every block.

        Returns
        -------
        W : array, shape (m, d)
            First layer, one row for each slot.
        w : array, shape (m,)
            Second layer.
        """
        blocks, coefficients = self.at(t)
        root = np.sqrt(np.where(blocks >= 0, coefficients, 0.0))
        return root[:, None] * directions[blocks], root * signs[blocks]

    def drift(self, samples: int = 100) -> float:
        """Measure how far the way leaves the optimal set.

        Parameters
        ----------
        samples : int, > 0
            Points looked at on each segment, besides its end.

        Returns
        -------
        float
            Largest relative change of the fit against the beginning. The sum of the coefficients
            is then constant too: r'z_b = lam for the residual r and every block of an optimal set.
        """
        fit = self.columns @ self.model(0.0)
        length = max(float(np.linalg.norm(fit)), 1e-300)
        places = np.linspace(0.0, len(self), samples * len(self) + 1)
        return max(
            float(np.linalg.norm(self.columns @ self.model(float(t)) - fit)) / length
            for t in places
        )


def connect(
    topology: Topology,
    a: np.ndarray | Network,
    b: np.ndarray | Network,
    width: int,
) -> Path:
    """Connect two optimal networks of one width, or say why that cannot be done."""
    topology.check_width(width)
    body = topology.body
    first, last = (_network(body, given, width, name) for given, name in ((a, "a"), (b, "b")))
    both = (first[0] >= 0) & (last[0] >= 0)
    if np.array_equal(first[0][both], last[0][both]):  # in one polytope, which is convex
        return _path(body, [(np.maximum(first[0], last[0]), first[1], last[1])])
    if topology.vertices is None:
        return _none(body, width, "the vertices were not enumerated, so no way is known")
    down, up = (_to_vertex(body, *end) for end in (first, last))
    used = [int(np.count_nonzero(end[1])) for end in (down, up)]
    for name, count in zip("ab", used, strict=True):
        if count == width:
            return _none(body, width, f"{name} is isolated: a vertex that fills all {width} slots")
    places = [_vertex_index(topology, *end) for end in (down, up)]
    way = _tree_way(topology.tree, len(topology.vertices), places[0], places[1], width)
    if way is None:
        return _none(body, width, f"a and b lie in different components at width {width}")
    segments = [(first[0], first[1], down[1])]
    now = down
    for vertex in way[1:]:
        blocks, target = _place(now, topology.vertices[vertex])
        segments.append((blocks, _expand(now, blocks), target))
        now = blocks, target
    segments += _permute(now, up)
    segments.append((last[0], up[1], last[1]))
    return _path(body, [s for s in segments if not np.array_equal(s[1], s[2])])


def _none(body: Polytope, width: int, reason: str) -> Path:
    """No path, and why."""
    empty = np.zeros((0, width))
    return Path(empty.astype(np.int64), empty, empty, body.columns, reason)


def _path(body: Polytope, segments: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Path:
    blocks, start, end = (np.array(part) for part in zip(*segments, strict=True))
    return Path(blocks, start, end, body.columns)


def _network(body: Polytope, given: np.ndarray | Network, width: int, name: str) -> Network:
    """Check an optimal network and list block and coefficient of every slot."""
    k = body.start.size
    if isinstance(given, tuple):
        blocks, coefficients = (np.asarray(part) for part in given)
    else:
        beta = np.asarray(given, dtype=float)
        if beta.shape != (k,):
            raise SolveInputError(f"it has shape {beta.shape}", allowed=f"({k},)", where=name)
        chosen = np.flatnonzero(beta > ZERO_TOL * body.scale)
        if chosen.size > width:
            raise SolveInputError(
                f"it has {chosen.size} neurons", allowed=f"at most {width}", where=name
            )
        blocks = np.full(width, -1)
        coefficients = np.zeros(width)
        blocks[: chosen.size], coefficients[: chosen.size] = chosen, beta[chosen]
    shapes = blocks.shape == coefficients.shape == (width,)
    if not shapes or not np.issubdtype(blocks.dtype, np.integer):
        raise SolveInputError(
            f"blocks have shape {blocks.shape} and coefficients {coefficients.shape}",
            allowed=f"integers and numbers, ({width},) each",
            where=name,
        )
    if blocks.size and not (blocks.min() >= -1 and blocks.max() < k):
        raise SolveInputError("a block is out of range", allowed=f"-1 to {k - 1}", where=name)
    coefficients = np.asarray(coefficients, dtype=float)
    blocks = np.where(coefficients > ZERO_TOL * body.scale, blocks, -1)
    beta = np.zeros(k)
    np.add.at(beta, blocks[blocks >= 0], coefficients[blocks >= 0])
    tolerance = 1e-9  # as `Polytope.contains`; its effect on the objective is quadratic
    if not np.isfinite(coefficients).all() or not body.contains(beta, tolerance):
        raise SolveInputError(
            "it is not optimal", allowed="beta >= 0 with Z beta = fit to 1e-9", where=name
        )
    return blocks, np.where(blocks >= 0, coefficients, 0.0)


def _to_vertex(body: Polytope, blocks: np.ndarray, coefficients: np.ndarray) -> Network:
    """Vertex of the network's own polytope: move along dependencies until none is left."""
    c = coefficients.copy()
    while True:
        used = np.flatnonzero(c)
        free = null_basis(body.columns[:, blocks[used]], body.rank_tol)
        if free.shape[1] == 0:
            break
        direction = free[:, 0] * (1.0 if free[:, 0].min() < 0 else -1.0)
        falling = np.flatnonzero(direction < 0)
        ratios = -c[used[falling]] / direction[falling]
        out = int(np.argmin(ratios))
        c[used] = np.maximum(c[used] + ratios[out] * direction, 0.0)
        c[used[falling[out]]] = 0.0
        c[c <= ZERO_TOL * body.scale] = 0.0
    exact = np.zeros(body.start.size)
    exact[blocks[used]] = c[used]
    exact = body.snap(exact)
    return blocks, np.where(c > 0, exact[blocks], 0.0)


def _vertex_index(topology: Topology, blocks: np.ndarray, coefficients: np.ndarray) -> int:
    """Which vertex a placement is of: the one with its blocks."""
    assert topology.vertices is not None
    used = np.zeros(topology.body.start.size, dtype=bool)
    used[blocks[coefficients > 0]] = True
    return int(np.flatnonzero(((topology.vertices > 0) == used).all(axis=1))[0])


def _tree_way(
    tree: np.ndarray, count: int, source: int, target: int, width: int
) -> list[int] | None:
    """Way through the edges of the spanning tree that a width allows, if there is one."""
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for a, b, together in tree:
        if together <= width:
            neighbours[a].append(int(b))
            neighbours[b].append(int(a))
    before = {source: source}
    queue = deque([source])
    while queue:
        here = queue.popleft()
        for there in neighbours[here]:
            if there not in before:
                before[there] = here
                queue.append(there)
    if target not in before:
        return None
    way = [target]
    while way[-1] != source:
        way.append(before[way[-1]])
    return way[::-1]


def _place(now: Network, vertex: np.ndarray) -> Network:
    """Put the blocks of a vertex into slots that agree with a placement."""
    blocks = np.where(now[1] > 0, now[0], -1)
    new = np.setdiff1d(np.flatnonzero(vertex), blocks)
    blocks[np.flatnonzero(blocks < 0)[: new.size]] = new
    return blocks, np.where(blocks >= 0, vertex[blocks], 0.0)


def _expand(now: Network, blocks: np.ndarray) -> np.ndarray:
    """Coefficients of a placement in the slots of a segment, whose blocks agree with it."""
    return np.where((now[1] > 0) & (now[0] == blocks), now[1], 0.0)


def _permute(now: Network, goal: Network) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Slide the blocks of a placement of one vertex to the slots of another, one at a time."""
    blocks = np.where(now[1] > 0, now[0], -1)
    c = np.where(now[1] > 0, now[1], 0.0)
    wanted = np.where(goal[1] > 0, goal[0], -1)
    segments = []
    while not np.array_equal(blocks, wanted):
        ready = np.flatnonzero((blocks < 0) & (wanted >= 0))
        if ready.size:  # an empty slot that waits for a block
            to = int(ready[0])
            source = int(np.flatnonzero(blocks == wanted[to])[0])
        else:  # only cycles are left: make room in one
            to = int(np.flatnonzero(blocks < 0)[0])
            source = int(np.flatnonzero((blocks != wanted) & (blocks >= 0))[0])
        here = blocks.copy()
        here[to] = here[source]
        after = c.copy()
        after[to], after[source] = c[source], 0.0
        segments.append((here, c, after))
        blocks[to], blocks[source] = blocks[source], -1
        c = after
    return segments
