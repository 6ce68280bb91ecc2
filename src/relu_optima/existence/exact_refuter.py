"""A slower, stronger search for refutations: elimination and determinants at the nodes."""

from __future__ import annotations

import itertools
from typing import Any

from relu_optima.existence.proof.refutation import (
    NONZERO,
    ZERO,
    Contradiction,
    State,
    exceeds_rank,
    propagate,
    solves,
)
from relu_optima.existence.refuter import GivenUp

MAX_SIDE = 4
MAX_WINDOWS = 60


def refute_exactly(state: State, nodes: int = 6) -> list[Any] | None:
    """Search for a refutation with every kind of leaf.

    Parameters
    ----------
    state : State
        The equations.
    nodes : int, optional
        Case distinctions to try at most.

    Returns
    -------
    list or None
        ``[tree]`` in the checker's form, or None if no refutation was found.
    """
    budget = [nodes]
    try:
        return [_branch(state, budget)]
    except GivenUp:
        return None


def _branch(state: State, budget: list[int]) -> Any:
    try:
        propagate(state)
    except Contradiction:
        return None
    leaf = _rank_leaf(state)
    if leaf is not None:
        return leaf
    if solves(state):
        return ["solve"]
    entry = _choose(state)
    budget[0] -= 1
    if entry is None or budget[0] < 0:
        raise GivenUp
    branches = []
    for sign in (ZERO, NONZERO):
        child = state.copy()
        child.set_sign(entry, sign)
        branches.append(_branch(child, budget))
    return [*entry, *branches]


def _rank_leaf(state: State) -> list[Any] | None:
    neurons = list(state.window.rows_of)
    rows = sorted({i for i, _ in state.window.cells})
    columns = sorted({j for _, j in state.window.cells})
    tried = 0
    for k in range(1, min(len(neurons), len(rows) - 1, len(columns) - 1, MAX_SIDE - 1) + 1):
        for chosen in itertools.combinations(neurons, k):
            for r in itertools.combinations(rows, k + 1):
                for c in itertools.combinations(columns, k + 1):
                    tried += 1
                    if tried > MAX_WINDOWS:
                        return None
                    if exceeds_rank(state, r, c, chosen):
                        return ["rank", list(r), list(c), list(chosen)]
    return None


def _choose(state: State) -> tuple[str, int, int] | None:
    score: dict[tuple[str, int, int], int] = {}
    for cell, neurons in state.window.neurons_at.items():
        unknown = [k for k in neurons if (k, *cell) not in state.value]
        weight = 8 if len(unknown) == 2 else 1
        for k in unknown:
            for entry in (("u", cell[0], k), ("v", k, cell[1])):
                if entry not in state.sign:
                    score[entry] = score.get(entry, 0) + weight
    return max(score, key=lambda e: (score[e], e)) if score else None
