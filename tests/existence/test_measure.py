"""Targets without optimum: measure zero where formulas give all matrices but a few."""

import numpy as np
import pytest

from relu_optima.errors import BudgetError, DegenerateError
from relu_optima.existence.filling_search import generic_program
from relu_optima.existence.reduction import Piece
from tests.existence.bases import MASKS, judged, make, mask


@pytest.mark.parametrize(
    ("masks", "cells", "dimension", "zero"),
    [
        (MASKS["lu"], 4, 4, True),
        (make("lu", n=3), 9, 9, True),
        (MASKS["limit"], 6, 6, False),  # a formula would have to solve two equations at once
        (MASKS["X"], 22, 21, False),
        ([mask("1111", "1111", "1000"), mask("111", "111", "110", "110")], 16, 14, False),
    ],
)
def test_measure_of_bad_targets(masks, cells, dimension, zero):
    found = judged(masks).bad_targets()
    assert (found.cells, found.dimension, found.measure_zero) == (cells, dimension, zero)


def test_almost_every_target_is_reached():
    """The program of the dense 2 x 2 part of LU, run in numbers."""
    pieces = [Piece(0, (0, 1), (0, 1)), Piece(1, (1,), (1,))]
    program = generic_program(pieces, np.ones((2, 2), bool))
    rng = np.random.default_rng(0)
    for _ in range(20):
        A, value = rng.normal(size=(2, 2)), {}
        for kind, side, q, place, argument in program:
            if kind == "set":
                value[side, q, place] = rng.normal() if isinstance(argument, str) else argument
                continue
            i, j = argument
            partner = value["v" if side == "u" else "u", q, j if side == "u" else i]
            others = sum(
                value.get(("u", p, i), 0) * value.get(("v", p, j), 0) for p in (0, 1) if p != q
            )
            value[side, q, place] = (A[i, j] - others) / partner
        for i, j in np.ndindex(2, 2):
            made = sum(value.get(("u", p, i), 0) * value.get(("v", p, j), 0) for p in (0, 1))
            assert abs(made - A[i, j]) < 1e-6


def test_only_of_sets_that_are_not_closed():
    with pytest.raises(DegenerateError, match="proved not closed"):
        judged(MASKS["dense"]).bad_targets()
    with pytest.raises(BudgetError, match="time limit"):
        judged(MASKS["limit"]).bad_targets(time_limit=1e-9)
