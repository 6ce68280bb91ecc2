"""The traced path: breakpoints of known problems, agreement with independent solves."""

import itertools

import numpy as np
import pytest

from relu_optima.optimal_set import describe
from relu_optima.sensitivity import Program, trace_path
from relu_optima.sensitivity.structure import structure_of
from tests.optimal_set.programs import (
    FAN_X,
    FAN_Y,
    JUMP_X,
    JUMP_Y,
    WORKED_X,
    WORKED_Y,
    all_gates,
    gaussian,
    solve,
)


def trace(X, y, formulation="relu", low=1e-2, knots=15, touches=False):
    program = Program(X, y, all_gates(X), formulation)
    lams = program.lam_max * np.geomspace(1, low, knots)
    return program, trace_path(program, lams, touches=touches)


def kinds(breakpoint_):
    return sorted(e.kind for e in breakpoint_.events)


def test_breakpoints_of_the_worked_example():
    _, found = trace(WORKED_X, WORKED_Y)
    assert [kinds(b) for b in found.breakpoints] == [["enters"], ["enters"], ["binds"], ["unbinds"]]
    assert found.breakpoints[0].lam == pytest.approx(3.1304952, rel=1e-6)
    assert found.breakpoints[2].events[0].row == 0
    assert all(b.jump == 0 for b in found.breakpoints)


def test_the_isolated_jump_is_found_and_measured():
    """|beta|^2 of the min-norm solution goes 4 -> 4/3 -> 4 while the dimension goes 0 -> 1 -> 0."""
    _, found = trace(JUMP_X, JUMP_Y)
    jumps = [b for b in found.breakpoints if b.jump > 1e-3]
    assert len(jumps) == 1
    (jump,) = jumps
    assert jump.lam == pytest.approx(1.0, abs=2e-5)
    assert (jump.dimension_above, jump.dimension, jump.dimension_below) == (0, 1, 0)
    assert jump.norm_above == pytest.approx(4, abs=1e-3)
    assert jump.norm == pytest.approx(4 / 3, abs=1e-3)
    assert jump.norm_below == pytest.approx(4, abs=1e-3)
    assert jump.jump == pytest.approx(2 / 3, abs=1e-3)
    assert kinds(jump) == ["enters", "leaves"]


@pytest.mark.parametrize(
    ("lam", "beta"), [(1.3, (0.5, 1.0, 0.6)), (0.7, (0.2, 0.4, 1.5)), (2.0, (0.1, 1.2, 1.1))]
)
def test_these_inputs_jump_for_an_open_set_of_targets(lam, beta):
    """y = lam r + Z beta, beta > 0, ties the three neurons at lam: the targets fill a cone in R^3.

    The optimal set there is beta + t (1, -1/2, -1/2), t down to -beta_1; the path next to it is at
    the largest t that is feasible. One neuron touches and no structure changes.
    """
    tied = describe(solve(JUMP_X, JUMP_Y, 1.0, tol=1e-10), JUMP_X, JUMP_Y)
    Z = np.maximum(JUMP_X @ tied.directions.T, 0)
    null = np.linalg.svd(Z)[2][-1]
    first = int(np.argmax(np.abs(null)))  # z_first is the mean of the others
    null = null / null[first]
    np.testing.assert_allclose(np.delete(null, first), -0.5, atol=1e-6)
    start = np.insert(np.array(beta)[1:], first, beta[0])
    y = lam * np.ones(3) / np.sqrt(5) + Z @ start
    assert np.linalg.matrix_rank(np.column_stack([np.ones(3), np.delete(Z, first, axis=1)])) == 3
    _, found = trace(JUMP_X, y, low=0.02, touches=True)
    (jump,) = [b for b in found.breakpoints if b.jump > 1e-3]
    assert jump.lam == pytest.approx(lam, rel=1e-4)
    assert (jump.dimension_above, jump.dimension, jump.dimension_below) == (0, 1, 0)
    assert kinds(jump) == ["touches"]
    last = start + 2 * np.delete(start, first).min() * null
    middle = start - (start @ null) / (null @ null) * null
    assert middle.min() > 0
    assert jump.norm == pytest.approx(middle @ middle, rel=1e-3)
    assert jump.norm_above == pytest.approx(last @ last, rel=2e-2)
    assert jump.norm_below == pytest.approx(last @ last, rel=2e-2)


def test_a_degenerate_stretch_is_flagged_not_smoothed():
    _, found = trace(FAN_X, FAN_Y)
    assert [kinds(b) for b in found.breakpoints] == [["enters"] * 3]
    assert found.breakpoints[0].lam == pytest.approx(4.0, rel=1e-5)
    assert [k.optimal.dimension for k in found.knots] == [0] + [1] * 14
    assert all("dimension 1" in k.degenerate for k in found.knots[1:])
    assert all(b.jump == 0 for b in found.breakpoints)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("seed", [1, 2])
def test_structure_changes_exactly_at_the_breakpoints(seed, formulation):
    """Independent solves just beside and between the breakpoints see the structures reported."""
    X, y = gaussian(seed, 7, 2)
    program, found = trace(X, y, formulation, low=0.03)
    points = [b.lam for b in found.breakpoints]
    assert points == sorted(points, reverse=True)

    def key(lam):
        independent = solve(X, y, lam, formulation, gates=program.gates, tol=1e-9)
        return structure_of(describe(independent, X, y)).key()

    for lam in points:
        assert key(lam * (1 + 1e-5)) != key(lam * (1 - 1e-5))
    ends = [*points, found.knots[-1].lam]
    for high, low in itertools.pairwise(ends):
        if high > low * 1.001:
            assert key(high * (1 - 1e-5)) == key(low * (1 + 1e-5))


def agreement(seed, formulation, knots):
    rng = np.random.default_rng(seed)
    X, y = gaussian(seed, int(rng.integers(4, 9)), 2)
    program, found = trace(X, y, formulation, low=0.02, knots=knots)
    points = np.array([b.lam for b in found.breakpoints])
    for knot in found.knots:
        solved = solve(X, y, knot.lam, formulation, gates=program.gates, tol=1e-10)
        assert knot.optimal.objective == pytest.approx(solved.objective, rel=1e-7)
        if np.abs(points / knot.lam - 1).min(initial=1) > 1e-4:
            other = describe(solved, X, y)
            assert structure_of(other).key() == structure_of(knot.optimal).key()


@pytest.mark.parametrize("seed", range(3))
def test_the_path_agrees_with_independent_solves(seed):
    agreement(seed, "relu", 12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_the_path_agrees_with_independent_solves_at_50_lams(seed):
    agreement(100 + seed, "relu", 50)


def test_the_fit_is_continuous_through_every_breakpoint():
    """Fit and penalty are continuous even where the optimal set jumps."""
    X, y = JUMP_X, JUMP_Y
    program, found = trace(X, y)
    for point in found.breakpoints:
        one = program.solve(point.lam * (1 + 1e-6))
        two = program.solve(point.lam * (1 - 1e-6))
        np.testing.assert_allclose(one.fit, two.fit, atol=1e-4)
        assert one.penalty == pytest.approx(two.penalty, abs=1e-4)


def test_a_pair_of_events_between_two_knots_is_seen_when_predicted():
    """With two knots only, the tracer still locates a change that the ends do not show."""
    X, y = gaussian(1, 8, 2)
    _, fine = trace(X, y, "gated", low=0.3, knots=40)
    _, coarse = trace(X, y, "gated", low=0.3, knots=3)
    expected = [b.lam for b in fine.breakpoints]
    np.testing.assert_allclose([b.lam for b in coarse.breakpoints], expected, rtol=1e-6)
