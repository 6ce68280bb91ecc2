"""A solution knows its program: other data are refused, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from relu_optima.convex import regularization_path, sample_gates, solve
from relu_optima.errors import SolveInputError
from relu_optima.optimal_set import describe
from relu_optima.pruning import prune
from relu_optima.sensitivity import jacobian

ANALYSES: list[Callable[..., object]] = [describe, prune, jacobian]


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.standard_normal((12, 3)), rng.standard_normal(12)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("analyse", ANALYSES)
def test_other_data_are_refused(analyse: Callable[..., object], formulation: str) -> None:
    X, y = _data()
    solution = solve(X, y, sample_gates(X, 20, 0), 1.0, formulation=formulation, tol=1e-9)
    analyse(solution, X, y)
    analyse(solution, X.tolist(), y[:, None])  # the same numbers
    analyse(solution, np.asfortranarray(X), y.copy())
    shuffled = np.random.default_rng(0).permutation(len(y))
    for other in ((X + 0.1, y), (X, 2 * y), (X[:-1], y[:-1]), (X[shuffled], y[shuffled])):
        with pytest.raises(SolveInputError, match="not the data of the solution"):
            analyse(solution, *other)


def test_a_change_in_place_after_the_solve_is_seen() -> None:
    X, y = _data()
    solution = solve(X, y, sample_gates(X, 20, 0), 1.0, tol=1e-9)
    y[0] += 1.0
    with pytest.raises(SolveInputError, match="not the data"):
        describe(solution, X, y)


def test_every_solution_of_a_path_knows_the_data() -> None:
    X, y = _data()
    for solution in regularization_path(X, y, sample_gates(X, 20, 0), [2.0, 1.0, 100.0], tol=1e-9):
        solution.check_data(X, y)
        with pytest.raises(SolveInputError):
            solution.check_data(X, -y)


def test_a_solution_prints_as_one_line() -> None:
    X, y = _data()
    text = repr(solve(X, y, sample_gates(X, 20, 0), 1.0))
    assert "relu 12 x 3" in text
    assert "optimal" in text
    assert len(text) < 120
    assert "\n" not in text
