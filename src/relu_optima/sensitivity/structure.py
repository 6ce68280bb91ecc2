"""The combinatorial structure of an optimum, and what changes between two of them.

Along the path the optimum is smooth while its structure stays: which neurons are active, and on
which side of each data hyperplane they are. Every change of it is a breakpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.optimal_set.model_set import OptimalSet
from relu_optima.sensitivity.faces import BINDING_TOL

SAME = 1e-2  # distance of unit directions below which two neurons at nearby lam are one
KINDS = ("enters", "leaves", "binds", "unbinds", "crosses", "touches")


@dataclass(frozen=True)
class Event:
    """One change of the structure as lam decreases.

    Attributes
    ----------
    kind : str
        ``enters`` or ``leaves`` (a neuron), ``binds`` or ``unbinds`` (a data row on a neuron),
        ``crosses`` (a neuron goes through a data hyperplane), ``touches`` (a neuron could be used
        exactly here, but is not on either side).
    sign : float
        Output sign of the neuron.
    direction : array, shape (d,)
        Unit direction of the neuron.
    row : int or None
        Data row of ``binds``, ``unbinds`` and ``crosses``.
    """

    kind: str
    sign: float
    direction: np.ndarray
    row: int | None = None


@dataclass(frozen=True)
class Structure:
    """Active neurons with the side of every data hyperplane they are on.

    Attributes
    ----------
    signs : array, shape (k,)
        Output signs.
    directions : array, shape (k, d)
        Unit directions.
    sides : array of int, shape (k, n)
        +1, 0 or -1 for every data row; for ``gated`` the block index in a single column.
    """

    signs: np.ndarray
    directions: np.ndarray
    sides: np.ndarray

    def key(self) -> frozenset[tuple[float, bytes]]:
        """Value that is equal for equal structures."""
        return frozenset(
            (float(s), side.tobytes()) for s, side in zip(self.signs, self.sides, strict=True)
        )


def structure_of(optimal: OptimalSet) -> Structure:
    """Read the structure off an optimal set; all neurons of its support count."""
    used = optimal.support
    directions = optimal.directions[used]
    problem = optimal.problem
    if problem.constrained:
        values = directions @ problem.unit_rows.T
        sides = np.where(np.abs(values) <= BINDING_TOL, 0, np.sign(values)).astype(np.int64)
    else:
        blocks = [int(optimal.equicorrelation.blocks[optimal.members[i][0]]) for i in used]
        sides = np.array(blocks, dtype=np.int64).reshape(len(blocks), 1)
    return Structure(optimal.signs[used], directions, sides)


def events_between(before: Structure, after: Structure) -> tuple[Event, ...]:
    """List what changes from one structure to the next."""
    old = list(range(len(before.signs)))
    new = list(range(len(after.signs)))
    pairs: list[tuple[int, int]] = []
    for j in list(new):
        same = [i for i in old if before.signs[i] == after.signs[j]]
        exact = [i for i in same if np.array_equal(before.sides[i], after.sides[j])]
        if exact:
            old.remove(exact[0])
            new.remove(j)
    gated = before.sides.shape[1:] == (1,) or after.sides.shape[1:] == (1,)
    for j in list(new):
        near = [
            (float(np.linalg.norm(before.directions[i] - after.directions[j])), i)
            for i in old
            if before.signs[i] == after.signs[j] and not gated
        ]
        if near and min(near)[0] < SAME:
            i = min(near)[1]
            pairs.append((i, j))
            old.remove(i)
            new.remove(j)
    events = [Event("leaves", float(before.signs[i]), before.directions[i]) for i in old]
    events += [Event("enters", float(after.signs[j]), after.directions[j]) for j in new]
    for i, j in pairs:
        for row in np.flatnonzero(before.sides[i] != after.sides[j]):
            kind = "crosses"
            if after.sides[j][row] == 0:
                kind = "binds"
            elif before.sides[i][row] == 0:
                kind = "unbinds"
            events.append(Event(kind, float(after.signs[j]), after.directions[j], int(row)))
    return tuple(events)
