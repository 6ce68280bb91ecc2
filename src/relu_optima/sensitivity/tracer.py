"""Trace the regularisation path with its breakpoints.

Between knots a predictor (the derivative of the optimum) and a corrector (Newton's method on the
optimality system) carry the solution; where the structure differs at the two ends, the changes
are located by the predicted zero of the quantity that vanishes, safeguarded by bisection.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.sensitivity.grid import Knot, check_grid, knot_of
from relu_optima.sensitivity.program import Program
from relu_optima.sensitivity.structure import SAME, Event, events_between, structure_of
from relu_optima.sensitivity.touches import find_touches

AT = (1e-7, 1e-3, 1e-6)  # slack, merging and rank tolerance at a located breakpoint
FUZZY = 1e-6  # relative width within which several changes are reported as one breakpoint
ISOLATED = 1e-4  # relative width of a degenerate stretch that is an isolated point
ASIDE = 1e-4  # relative distance that the search for touches keeps from breakpoints
BESIDE = 1e-3  # relative distance at which a touch is compared with its neighbours
JUMP = 1e-4  # relative jump of |beta|^2 that counts as a discontinuity

Bracket = tuple[Knot, Knot]


@dataclass(frozen=True)
class Breakpoint:
    """A change of structure, located between two neighbouring values of lam.

    Attributes
    ----------
    lam : float
        Where it is, to the relative tolerance of the trace.
    events : tuple of Event
        What happens as lam decreases through it.
    dimension_above, dimension, dimension_below : int
        Dimension of the optimal set just above, at, and just below.
    norm_above, norm, norm_below : float
        |beta|^2 of the min-norm solution just above, at, and just below.
    jump : float
        Relative jump of that norm at an isolated degeneracy,
        (smaller one-sided norm - norm) / smaller one-sided norm; 0 where it is continuous.
    """

    lam: float
    events: tuple[Event, ...]
    dimension_above: int
    dimension: int
    dimension_below: int
    norm_above: float
    norm: float
    norm_below: float
    jump: float


@dataclass(frozen=True)
class Trace:
    """A traced path.

    Attributes
    ----------
    knots : list of Knot
        Optimum at every grid value, lam decreasing.
    breakpoints : list of Breakpoint
        All located breakpoints, lam decreasing.
    solves : int
        Number of programs solved.
    """

    knots: list[Knot]
    breakpoints: list[Breakpoint]
    solves: int


def trace_path(
    program: Program, lams: np.ndarray, *, tol: float = 1e-8, touches: bool = False
) -> Trace:
    """Trace the optimum along decreasing lam.

    Parameters
    ----------
    program : Program
        The program.
    lams : array, shape (m,)
        Positive, strictly decreasing values.
    tol : float, > 0
        Relative accuracy of breakpoints.
    touches : bool, default False
        Look also between the breakpoints for isolated degeneracies that change no structure; two
        or three times the solves.

    Returns
    -------
    Trace
        Knots and breakpoints. Two changes that undo each other between neighbouring grid values
        are found only if the derivative at the upper one predicts the first of them.

    Raises
    ------
    SolveInputError
        If the grid is not a decreasing list of positive numbers.
    """
    lams = check_grid(lams)
    tracer = _Tracer(program, tol)
    near: OptimalSet | None = None
    knots: list[Knot] = []
    breakpoints: list[Breakpoint] = []
    for lam in lams:
        before = knots[-1] if knots else None
        near = tracer.solve(float(lam), before)
        knots.append(knot_of(near))
        if before is not None:
            breakpoints += tracer.between(before, knots[-1])
    if touches:
        breakpoints += tracer.touches(knots, breakpoints)
    return Trace(knots, sorted(breakpoints, key=lambda b: -b.lam), tracer.solves)


class _Tracer:
    """Locates breakpoints of one program and counts its solves."""

    def __init__(self, program: Program, tol: float) -> None:
        self.program, self.tol, self.solves = program, tol, 0

    def solve(self, lam: float, near: Knot | None) -> OptimalSet:
        self.solves += 1
        if near is None:
            return self.program.solve(lam)
        return self.program.solve(lam, near.optimal, near.sensitivity)

    def between(self, high: Knot, low: Knot) -> list[Breakpoint]:
        """All breakpoints between two knots, also a predicted pair that cancels out."""
        if structure_of(high.optimal).key() != structure_of(low.optimal).key():
            brackets = self._locate(high, low, False)
        elif high.sensitivity is None or high.sensitivity.lam_low <= low.lam:
            brackets = []
        else:
            middle = knot_of(self.solve(0.5 * (high.sensitivity.lam_low + low.lam), high))
            brackets = self._locate(high, middle, False) + self._locate(middle, low, False)
        return self._join(brackets)

    def touches(self, knots: list[Knot], known: list[Breakpoint]) -> list[Breakpoint]:
        """Isolated degeneracies between the breakpoints, see `find_touches`."""
        ends = [knots[0].lam, *(b.lam for b in known), knots[-1].lam]
        found: list[Breakpoint] = []
        for above, below in itertools.pairwise(ends):
            high, low = above * (1 - ASIDE), below * (1 + ASIDE)
            if low >= high:
                continue
            start = min(knots, key=lambda k: abs(np.log(k.lam / high))).optimal
            for lam in find_touches(self._again, start, high, low):
                point = self._at_touch(lam, start)
                if point is not None:
                    found.append(point)
        return found

    def _again(self, lam: float, near: OptimalSet) -> OptimalSet:
        self.solves += 1
        return self.program.solve(lam, near)

    def _at_touch(self, lam: float, near: OptimalSet) -> Breakpoint | None:
        """Describe a touch; None if the optimum stays unique there."""
        above = self._again(lam * (1 + BESIDE), near)
        below = self._again(lam * (1 - BESIDE), above)
        point = self._describe(knot_of(above, derivatives=False), knot_of(below, derivatives=False))
        if point.dimension <= max(point.dimension_above, point.dimension_below):
            return None
        exact = self.program.with_tolerances(*AT).solve(lam, above)
        used = above.directions[above.support]
        new = [
            Event("touches", float(exact.signs[i]), exact.directions[i])
            for i in exact.support
            if np.linalg.norm(used - exact.directions[i], axis=1).min(initial=np.inf) > SAME
        ]
        return replace(point, events=tuple(new))

    def _locate(self, high: Knot, low: Knot, stalled: bool) -> list[Bracket]:
        """Brackets of relative width ``tol`` around every change of structure."""
        if structure_of(high.optimal).key() == structure_of(low.optimal).key():
            return []
        unique = high.optimal.is_unique and low.optimal.is_unique
        if high.lam <= low.lam * (1 + (self.tol if unique else max(self.tol, FUZZY))):
            return [(high, low)]
        lam = np.sqrt(high.lam * low.lam) if stalled else self._candidate(high, low)
        middle = knot_of(self.solve(float(lam), high))
        width = np.log(high.lam / low.lam)
        return self._locate(high, middle, bool(np.log(high.lam / lam) > 0.5 * width)) + (
            self._locate(middle, low, bool(np.log(lam / low.lam) > 0.5 * width))
        )

    def _join(self, brackets: list[Bracket]) -> list[Breakpoint]:
        """Describe every breakpoint, joining what floating point cannot tell apart.

        Changes within ``FUZZY`` are one breakpoint, and so are the ends of an isolated degeneracy:
        slack and dependence vanish quadratically there, so in floating point it is not a point
        but a short stretch, whose two ends would otherwise be reported as two breakpoints.
        """
        groups: list[Bracket] = []
        for high, low in brackets:
            if groups and groups[-1][1].lam <= high.lam * (1 + FUZZY):
                groups[-1] = (groups[-1][0], low)
            else:
                groups.append((high, low))
        found: list[tuple[Bracket, Breakpoint]] = []
        for high, low in groups:
            point = self._describe(high, low)
            if found and point.jump > 0 and found[-1][1].jump > 0:
                first = found[-1][0][0]
                if first.lam <= low.lam * (1 + ISOLATED):
                    found[-1] = ((first, low), self._describe(first, low))
                    continue
            found.append(((high, low), point))
        return [point for _, point in found if point.events]

    def _candidate(self, high: Knot, low: Knot) -> float:
        """Predicted breakpoint, shifted so that it ends up bracketed tightly from both sides."""
        margin = 0.3 * self.tol
        guesses: list[float] = []
        if high.sensitivity is not None:
            zero = high.sensitivity.lam_low
            guesses += [zero * (1 + margin), zero * (1 - margin)]
        if low.sensitivity is not None:
            zero = low.sensitivity.lam_high
            guesses += [zero * (1 - margin), zero * (1 + margin)]
        inside = [
            g for g in guesses if low.lam * (1 + margin / 2) < g < high.lam / (1 + margin / 2)
        ]
        return inside[0] if inside else float(np.sqrt(high.lam * low.lam))

    def _describe(self, high: Knot, low: Knot) -> Breakpoint:
        """Look at the breakpoint itself, with tolerances as wide as its location is uncertain."""
        lam = float(np.sqrt(high.lam * low.lam))
        self.solves += 1
        exact = self.program.with_tolerances(*AT).solve(lam, high.optimal)
        norms = [float(s.min_norm() @ s.min_norm()) for s in (high.optimal, exact, low.optimal)]
        dimensions = [s.dimension for s in (high.optimal, exact, low.optimal)]
        side = min(norms[0], norms[2])
        isolated = dimensions[1] > max(dimensions[0], dimensions[2])
        jump = (side - norms[1]) / side if isolated and side > 0 else 0.0
        events = events_between(structure_of(high.optimal), structure_of(low.optimal))
        return Breakpoint(
            lam=lam,
            events=events,
            dimension_above=dimensions[0],
            dimension=dimensions[1],
            dimension_below=dimensions[2],
            norm_above=norms[0],
            norm=norms[1],
            norm_below=norms[2],
            jump=max(jump, 0.0),
        )
