"""Components of the optimal networks by width, beside an explicit graph of cells with LPs."""

from __future__ import annotations

import itertools
from math import factorial

import numpy as np
import pytest
from scipy.optimize import linprog

from relu_optima.errors import BudgetError, SolveInputError
from relu_optima.optimal_set import describe, topology
from tests.optimal_set.programs import FAN_X, FAN_Y, gaussian, solve

FAN = np.array([[1.0, 2, 0], [1, 0, 2]]), np.array([1.5, 1.5])
SQUARE = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]]), np.ones(2)
CUBE = np.kron(np.eye(3), np.ones((1, 2))), np.ones(3)
TWO_SIZES = (
    np.array([[1, 0, 0, 0.5, 0.5], [0, 1, 0, 0.5, 0], [0, 0, 1, 0, 0.5]]),
    np.ones(3),
)
STAR = np.array([[3.0, 0, 0, 1, 1, 1], [0, 3, 0, 1, 1, 0], [0, 0, 3, 1, 0, 1]]), np.ones(3)
CASES = {"fan": FAN, "square": SQUARE, "cube": CUBE, "two_sizes": TWO_SIZES, "star": STAR}


def cell_graph(Z, fit, width):
    """Isolated points and other components by brute force: one polytope for each assignment.

    Shares no idea with the package: every assignment of blocks to slots is a cell, two cells are
    joined where an LP finds a common point, and a component is a point if no coefficient of any
    of its cells can move.
    """
    k = Z.shape[1]
    answers: dict[frozenset[int], np.ndarray | None] = {}

    def feasible(blocks):
        """Least and largest coefficient of every block over {c >= 0 : Z c = fit} on some blocks."""
        blocks = frozenset(blocks)
        if blocks not in answers:
            chosen = sorted(blocks)
            ends = []
            for b, sign in itertools.product(range(len(chosen)), (1, -1)):
                cost = np.zeros(len(chosen))
                cost[b] = sign
                done = linprog(cost, A_eq=Z[:, chosen], b_eq=fit, method="highs-ds")
                if done.status == 2:
                    break
                assert done.status == 0
                ends.append(done.x[b])
            full = np.zeros((k, 2))
            if ends:
                full[chosen] = np.array(ends).reshape(-1, 2)
            answers[blocks] = full if ends else None
        return answers[blocks]

    cells = [b for b in itertools.product(range(k), repeat=width) if feasible(b) is not None]
    parent = list(range(len(cells)))

    def root(i):
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    for i, j in itertools.combinations(range(len(cells)), 2):
        if root(i) != root(j):
            same = {p for p, q in zip(cells[i], cells[j], strict=True) if p == q}
            if same and feasible(same) is not None:
                parent[root(i)] = root(j)
    groups: dict[int, list[tuple[int, ...]]] = {}
    for i, cell in enumerate(cells):
        groups.setdefault(root(i), []).append(cell)

    def is_point(group):
        for cell in group:
            ends = feasible(cell)
            assert ends is not None
            if np.ptp(ends, axis=1).max() > 1e-9:
                return False
            if any(cell.count(b) > 1 for b in cell if ends[b, 0] > 1e-9):
                return False  # mass slides between two slots of one block
        return True

    points = sum(is_point(group) for group in groups.values())
    return points, len(groups) - points


def random_polytope(seed):
    """Integer columns, so that vertices have supports of several sizes."""
    rng = np.random.default_rng(seed)
    rows, k = int(rng.integers(1, 4)), int(rng.integers(2, 7))
    Z = rng.integers(0, 3, (rows, k)).astype(float)
    Z[0] += ~Z.any(axis=0)
    inside = rng.integers(0, 2, k).astype(float)
    inside[rng.integers(k)] = 1.0
    return Z, Z @ inside


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [1, 2, 3])
def test_components_are_those_of_the_cell_graph(name, width):
    found = topology(*CASES[name])
    if width < found.m_star:
        assert cell_graph(*CASES[name], width) == (0, 0)
        with pytest.raises(SolveInputError, match="fewest neurons"):
            found.level(width)
        return
    level = found.level(width)
    assert (level["isolated_points"], level["continua"]) == cell_graph(*CASES[name], width)


@pytest.mark.parametrize("seed", range(14))
def test_components_of_random_polytopes_are_those_of_the_cell_graph(seed):
    Z, fit = random_polytope(seed)
    found = topology(Z, fit)
    assert found.status == "exact"
    for width in range(1, 4 if Z.shape[1] < 6 else 3):
        points, continua = cell_graph(Z, fit, width)
        if width < found.m_star:
            assert points + continua == 0
        else:
            level = found.level(width)
            assert (level["isolated_points"], level["continua"]) == (points, continua)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("fan", (1, 2, 3)), ("square", (2, 2, 3)), ("cube", (3, 3, 4)), ("star", (1, 3, 4))],
)
def test_widths_of_known_polytopes(name, expected):
    found = topology(*CASES[name])
    assert (found.m_star, found.M_star, found.connected_from) == expected
    assert found.connected_from <= found.bound


@pytest.mark.parametrize("seed", range(40))
def test_the_corollary(seed):
    """Connected from connected_from on and not before, never later than the bound."""
    Z, fit = random_polytope(100 + seed)
    found = topology(Z, fit)
    rank = np.linalg.matrix_rank(Z)
    assert found.connected_from <= found.bound <= min(found.m_star + found.M_star, rank + 1)
    pieces = {m: level["components"] for m, level in found.table.items()}
    assert all(pieces[m] == 1 for m in pieces if m >= found.connected_from)
    assert pieces.get(found.connected_from - 1, 2) > 1
    for m, level in found.table.items():
        assert level["isolated_points"] == level["isolated_up_to_order"] * factorial(m)


def test_the_table_of_the_fan():
    assert topology(*FAN).table == {
        1: {"isolated_up_to_order": 1, "isolated_points": 1, "continua": 0, "components": 1},
        2: {"isolated_up_to_order": 1, "isolated_points": 2, "continua": 1, "components": 3},
        3: {"isolated_up_to_order": 0, "isolated_points": 0, "continua": 1, "components": 1},
        4: {"isolated_up_to_order": 0, "isolated_points": 0, "continua": 1, "components": 1},
    }


def test_the_zero_network_is_one_point_at_every_width():
    for found in (topology(np.eye(3), np.zeros(3)), topology(np.zeros((3, 0)), np.zeros(3))):
        assert (found.m_star, found.M_star, found.connected_from) == (0, 0, 1)
        assert found.level(5)["components"] == 1


def test_a_single_neuron_is_connected_at_its_own_width():
    found = topology(np.ones((2, 1)), np.ones(2))
    assert (found.m_star, found.connected_from) == (1, 1)
    assert [found.level(m)["components"] for m in (1, 2, 3)] == [1, 1, 1]


def test_beyond_the_budget_it_is_unknown_with_a_bound():
    Z, fit = np.vstack([np.ones(30), np.arange(30.0)]), np.array([1.0, 14.5])
    found = topology(Z, fit, vertex_budget=20)
    assert (found.status, found.connected_from, found.M_star) == ("unknown", None, None)
    assert (found.m_star, found.bound) == (2, 3)
    assert found.table == {}
    with pytest.raises(BudgetError, match="from width 3 on the set is connected"):
        found.level(3)
    exact = topology(Z, fit)
    assert exact.status == "exact"
    assert exact.connected_from <= found.bound


@pytest.mark.parametrize(
    ("Z", "fit", "words"),
    [
        (np.eye(2), np.array([1.0, -1.0]), "no beta >= 0"),
        (np.array([[1.0, -1.0]]), np.ones(1), "unbounded"),
        (np.array([[1.0, 0.0]]), np.ones(1), "unbounded"),
        (np.eye(2), np.ones(3), "shape"),
        (np.eye(2) * np.nan, np.ones(2), "NaN"),
    ],
)
def test_what_is_no_optimal_polytope_is_refused(Z, fit, words):
    with pytest.raises(SolveInputError, match=words):
        topology(Z, fit)


def test_the_optimal_set_of_a_program():
    """Gaussian, n = 8, d = 2, all patterns: as in the fan, but from a solved program."""
    fan = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y).topology()
    assert (fan.m_star, fan.M_star, fan.connected_from) == (1, 2, 3)
    X, y = gaussian(2, 8, 2)
    optimal = describe(solve(X, y, 0.05), X, y)
    found = optimal.topology()
    assert found.status == "exact"
    assert found.m_star == optimal.smallest().size
    assert found.connected_from <= found.bound <= 9
    assert len(found.vertices) == len(optimal.vertices())
