"""Global optima over all patterns: listed programs, printed values, certificates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relu_optima.convex import (
    ShallowNetwork,
    certify_network,
    enumerate_patterns,
    price,
    solve,
    solve_all,
)
from relu_optima.convex.low_rank.block_master import BlockMaster
from relu_optima.convex.low_rank.hyperplanes import hyperplanes
from relu_optima.convex.low_rank.oracle import AscentOracle, Patterns
from relu_optima.convex.low_rank.row_groups import RowGroups
from relu_optima.errors import BudgetError, SolveInputError
from tests.convex.low_rank.data import A1_X, A1_Y, awkward, correlations


def noisy(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    X[:, -1] = 1.0
    return X, np.sin(2 * X[:, 0]) + 0.3 * rng.standard_normal(n)


@pytest.mark.parametrize("method", ["price", "enumerate", "auto"])
def test_the_worked_example(method):
    found = solve_all(A1_X, A1_Y, 0.1, tol=1e-9, method=method)
    assert found.objective == pytest.approx(0.33129375022431, rel=1e-9)
    assert found.status == "optimal"
    assert found.exact
    assert certify_network(A1_X, A1_Y, 0.1, found.network, dual=found.dual).gap < 1e-8


@pytest.mark.parametrize("seed", range(16))
def test_pricing_and_listing_reach_the_same_optimum(seed):
    X, N = awkward(seed, 14)
    y = N[:, 0]
    lam = (0.2, 0.02)[seed % 2] * price(X, y).value
    priced = solve_all(X, y, lam, tol=1e-8, method="price")
    listed = solve(X, y, enumerate_patterns(X), lam, tol=1e-10)
    assert priced.objective == pytest.approx(listed.objective, rel=1e-8)
    assert priced.dual_objective <= listed.objective * (1 + 1e-10)
    proof = certify_network(X, y, lam, priced.network, dual=priced.dual)
    assert proof.objective == pytest.approx(priced.objective, rel=1e-12)
    assert proof.gap <= 1.1e-8
    assert priced.network.objective(X, y, lam) == priced.objective


@pytest.mark.parametrize(("n", "d"), [(3000, 2), (120, 3)])
def test_more_rows_than_can_be_listed_quickly(n, d):
    X, y = noisy(n, d)
    found = solve_all(X, y, 0.05 * price(X, y).value)
    assert (found.status, found.method) == ("optimal", "price")
    assert found.counts["patterns"] < 2 * n
    bounds = np.array(found.bounds)
    assert (np.diff(bounds[:, 0]) <= 0).all()
    assert (np.diff(bounds[:, 1]) >= 0).all()
    assert (bounds[:, 1] <= bounds[:, 0]).all()
    assert certify_network(X, y, found.lam, found.network, dual=found.dual).gap <= 1e-6


def test_reruns_are_equal_to_the_bit():
    X, y = noisy(400, 2)
    one, two = (solve_all(X, y, 5.0) for _ in range(2))
    assert np.array_equal(one.network.U, two.network.U)
    assert one.bounds == two.bounds


def test_scaling_laws():
    X, y = noisy(60, 2)
    base = solve_all(X, y, 1.0, tol=1e-8).objective
    assert solve_all(3 * X, y, 3.0, tol=1e-8).objective == pytest.approx(base, rel=1e-7)
    assert solve_all(X, 3 * y, 3.0, tol=1e-8).objective == pytest.approx(9 * base, rel=1e-7)
    order = np.random.default_rng(0).permutation(60)
    assert solve_all(X[order], y[order], 1.0, tol=1e-8).objective == pytest.approx(base, rel=1e-7)
    twice = solve_all(np.vstack([X, X]), np.append(y, y), 2.0, tol=1e-8)
    assert twice.objective == pytest.approx(2 * base, rel=1e-7)


def test_from_the_largest_correlation_on_the_optimum_is_zero():
    X, y = noisy(50, 3)
    top = price(X, y)
    above = solve_all(X, y, 1.000001 * top.bound)
    assert above.network.n_neurons == 0
    assert above.objective == pytest.approx(0.5 * y @ y)
    assert solve_all(X, y, 0.9 * top.value).network.n_neurons > 0


def test_zero_data_and_zero_targets():
    for X, y in ((np.zeros((3, 2)), np.ones(3)), (np.ones((3, 2)), np.zeros(3))):
        found = solve_all(X, y, 0.1)
        assert (found.status, found.objective) == ("optimal", 0.5 * float(y @ y))


def test_all_gates_is_the_same_program():
    X, y = noisy(30, 3)
    assert solve(X, y, "all", 1.0).objective == solve_all(X, y[:, None], 1.0).objective
    with pytest.raises(SolveInputError, match="gates"):
        solve(X, y, "all", 1.0, formulation="gated")


def test_rank_four_is_listed_within_the_budget_and_bounded_beyond():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((11, 5)), rng.standard_normal(11)
    lam = 0.5
    listed = solve_all(X, y, lam)
    assert (listed.method, listed.exact, listed.status) == ("enumerate", True, "optimal")
    searched = solve_all(X, y, lam, budget=10)
    assert (searched.method, searched.exact, searched.status) == ("ascent", False, "sub_program")
    assert searched.dual_objective <= listed.objective <= searched.objective * (1 + 1e-6)
    assert certify_network(X, y, lam, listed.network, dual=listed.dual).gap <= 1e-6
    with pytest.raises(BudgetError):
        solve_all(X, y, lam, method="enumerate", budget=10)


@pytest.mark.parametrize("seed", range(8))
def test_the_bound_of_the_search_holds_for_every_neuron(seed):
    X, N = awkward(seed, 9)
    rng = np.random.default_rng(seed)
    bound = AscentOracle(X, 0).bound(N)
    assert correlations(X, N, rng.standard_normal((2000, X.shape[1]))).max() <= bound
    assert price(X, N).value <= bound


def test_compressed_rows_leave_the_program_as_it_is():
    X, y = noisy(500, 2)
    gates = np.random.default_rng(1).standard_normal((2, 6))
    patterns = X @ gates > 0
    groups = RowGroups(X, y)
    groups.add(patterns[:, :2])
    groups.add(patterns[:, 2:])
    rows, targets, like = groups.compressed()
    assert len(rows) < 50
    assert np.array_equal(np.unique(patterns, axis=0), np.unique(patterns[like], axis=0))
    for seed in range(5):
        blocks = np.random.default_rng(seed).standard_normal((6, 2))
        whole = np.einsum("ij,ij->i", X, patterns @ blocks) - y
        short = np.einsum("ij,ij->i", rows, patterns[like] @ blocks) - targets
        assert short @ short == pytest.approx(whole @ whole, rel=1e-13)


def test_the_master_solves_the_program_of_its_patterns():
    X, y = noisy(300, 3)
    gates = np.random.default_rng(2).standard_normal((3, 12))
    master = BlockMaster(X, y[:, None], hyperplanes(X))
    assert master.admit(Patterns(0.0, gates[:, :5])) == 5
    master.solve(1.0, 1e-2, None)
    assert master.admit(Patterns(0.0, gates)) == 7
    network = master.solve(1.0, 1e-10, None)
    listed = solve(X, y, gates, 1.0, tol=1e-10)
    assert network.objective(X, y, 1.0) == pytest.approx(listed.objective, rel=1e-9)


def test_the_certificate_sees_a_worse_network_and_a_false_dual():
    found = solve_all(A1_X, A1_Y, 0.1, tol=1e-9)
    worse = replace(found.network, U=0.97 * found.network.U)
    proof = certify_network(A1_X, A1_Y, 0.1, worse)
    assert proof.objective > found.objective * (1 + 1e-6)
    assert proof.dual_objective <= found.objective
    assert proof.kkt_residual > 1e-4
    nothing = ShallowNetwork(np.zeros((0, 2)), np.zeros((0, 1)))
    lies = certify_network(A1_X, A1_Y, 0.1, nothing, dual=A1_Y)
    assert lies.dual_objective <= found.objective
    assert lies.gap > 1.0


def test_several_outputs_are_certified_from_any_network():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((9, 3)), rng.standard_normal((9, 2))
    network = ShallowNetwork(rng.standard_normal((4, 3)), 0.1 * rng.standard_normal((4, 2)))
    proof = certify_network(X, Y, 0.3, network)
    assert proof.objective == pytest.approx(network.objective(X, Y, 0.3), rel=1e-13)
    U = rng.standard_normal((3000, 3))
    assert correlations(X, proof.dual, U).max() <= 0.3
    D = float(np.sum(proof.dual * Y) - 0.5 * np.sum(proof.dual**2))
    assert proof.dual_objective == pytest.approx(D, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"lam": 0.0}, "lam"),
        ({"lam": -1.0}, "lam"),
        ({"Y": np.ones(4)}, "Y"),
        ({"Y": np.ones((3, 2)), "method": "enumerate"}, "outputs"),
        ({"Y": np.array([1.0, np.inf, 0.0])}, "Y"),
        ({"X": np.full((3, 2), np.nan)}, "X"),
        ({"tol": 0.0}, "tol"),
        ({"time_limit": -1.0}, "time_limit"),
        ({"method": "guess"}, "method"),
        ({"X": np.eye(4)[:3], "method": "price", "Y": np.ones(3)}, None),
        ({"X": np.eye(4), "method": "price", "Y": np.ones(4)}, "enumerate"),
    ],
)
def test_bad_input_is_one_error_that_names_it(change, word):
    given = {"X": A1_X, "Y": A1_Y, "lam": 0.1} | change
    if word is None:
        assert solve_all(**given).exact
        return
    with pytest.raises(SolveInputError, match=word):
        solve_all(**given)
