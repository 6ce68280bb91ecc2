"""The exact test of spike-free data, its witnesses, and the program of two neurons."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from relu_optima.convex import certify_network, is_spike_free, solve_all, solve_spike_free
from relu_optima.convex.low_rank import spike_free
from relu_optima.errors import SolveInputError


def shortest(X: np.ndarray, target: np.ndarray) -> float:
    """Length of the shortest u' with X u' = target, inf if there is none."""
    u = np.linalg.lstsq(X, target, rcond=None)[0]
    off = np.linalg.norm(X @ u - target) > 1e-9 * np.linalg.norm(target)
    return np.inf if off else float(np.linalg.norm(u))


def searched_spike(X: np.ndarray, seed: int) -> float:
    """Longest u' found by random search over unit vectors u of the row space."""
    rng = np.random.default_rng(seed)
    U = rng.standard_normal((4000, len(X))) @ X
    U /= np.linalg.norm(U, axis=1)[:, None]
    return max(shortest(X, np.maximum(X @ u, 0.0)) for u in U[:400])


@pytest.mark.parametrize("seed", range(60))
def test_verdicts_come_with_generators_or_a_witness(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 5)), int(rng.integers(2, 6))
    X = rng.standard_normal((n, d))
    if seed % 3 == 0:
        X = np.abs(X)
    if seed % 4 == 1:  # an inverse M-matrix by construction: generators of an acyclic chain
        X = np.tril(np.abs(rng.standard_normal((d, d))))
        X = np.abs(rng.uniform(0.5, 2.0, (d + 2, 1))) * np.eye(d)[np.arange(d + 2) % d]
    found = is_spike_free(X)
    if found.verdict:
        scale = X @ np.linalg.pinv(found.generators)
        assert (scale >= -1e-9).all()
        assert scale @ found.generators == pytest.approx(X, abs=1e-9)
        assert searched_spike(X, seed) <= 1 + 1e-9
    else:
        u = found.witness
        assert np.linalg.norm(u) == pytest.approx(1.0)
        length = shortest(X, np.maximum(X @ u, 0.0))
        assert length > 1 + 1e-12
        assert length == pytest.approx(found.ratio, rel=1e-6)


def test_known_verdicts():
    assert is_spike_free(np.eye(4)).verdict
    assert is_spike_free(np.linalg.qr(np.random.default_rng(0).standard_normal((9, 9)))[0]).verdict
    assert is_spike_free(np.outer([1.0, 2.0, 0.0], [3.0, -1.0])).verdict
    assert not is_spike_free(np.outer([1.0, -2.0], [3.0, -1.0])).verdict
    assert is_spike_free(np.array([[1.0, 0.0], [1.0, 2.0]])).verdict
    assert not is_spike_free(np.array([[1.0, 0.0], [-1.0, 2.0]])).verdict
    biased = np.column_stack([np.arange(4.0), np.ones(4)])
    assert is_spike_free(biased).ratio == np.inf
    assert is_spike_free(np.zeros((2, 3))).verdict


def test_a_case_too_close_for_rounding_is_decided_in_rationals(monkeypatch):
    tiny = 2.0**-30
    near = np.array([[1.0, 0.0, 0.0], [1.0, tiny, 0.0], [1.0, 0.0, tiny]])
    called = []
    inner = spike_free._in_rationals
    monkeypatch.setattr(spike_free, "_in_rationals", lambda *a: called.append(1) or inner(*a))
    # rows e1, e1 + t e2, e1 + t e3: K_23 = t^-2 (0) exactly zero, K_12 = K_13 < 0
    assert is_spike_free(near).verdict is True
    assert called
    near[2, 1] = -tiny * 2.0**-20
    assert is_spike_free(near).verdict is False


@pytest.mark.parametrize("seed", range(8))
def test_two_neurons_reach_the_optimum_over_all_patterns(seed):
    rng = np.random.default_rng(seed)
    X = np.eye(3)[:, [0, 1, 2]] + 0.3 * np.tril(rng.uniform(0, 1, (3, 3)), -1)
    y = rng.standard_normal(3)
    free = is_spike_free(X)
    two = solve_spike_free(X, y, 0.2, tol=1e-10)
    whole = solve_all(X, y, 0.2, tol=1e-10)
    assert two.network.n_neurons <= 2
    assert two.objective >= whole.objective * (1 - 1e-9)
    if free.verdict:
        assert two.status == "optimal"
        assert two.objective == pytest.approx(whole.objective, rel=1e-9)
        assert certify_network(X, y, 0.2, two.network, dual=two.dual).gap < 1e-8
    else:
        assert two.status == "upper_bound"


def test_whitened_data_have_a_closed_form():
    y = np.array([1.0, -2.0, 3.0, 0.5])
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 4)))[0].T
    found = solve_spike_free(Q, y, 0.4, tol=1e-10)
    up, down = (np.linalg.norm(np.maximum(s * y, 0.0)) for s in (1, -1))
    closed = 0.5 * y @ y - 0.5 * (up - 0.4) ** 2 - 0.5 * (down - 0.4) ** 2
    assert closed == pytest.approx(1.92062485, abs=1e-8)
    assert found.objective == pytest.approx(closed, rel=1e-9)


def test_outside_the_all_active_cone_there_is_only_a_bound():
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.standard_normal(8), np.ones(8)])
    y = rng.standard_normal(8)
    found = solve_spike_free(X, y, 0.1)
    assert (found.status, found.exact) == ("upper_bound", False)
    assert found.objective >= solve_all(X, y, 0.1).objective * (1 - 1e-6)
    with pytest.raises(SolveInputError, match="positive side"):
        solve_spike_free(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones(2), 0.1)


def test_the_dual_norm_of_spike_free_data_is_a_non_negative_least_squares_problem():
    X = np.array([[1.0, 0.0, 0.0], [0.4, 0.8, 0.0], [0.4, 0.2, 0.9]])
    assert is_spike_free(X).verdict
    nu = np.array([1.0, -0.5, 0.7])
    # max nu'X u over X u >= 0, |u| <= 1 is the distance of X'nu from -cone(rows)
    height = nnls(X.T, -X.T @ nu)[1]
    from relu_optima.convex import price

    other = nnls(X.T, X.T @ nu)[1]
    assert price(X, nu).value == pytest.approx(max(height, other), rel=1e-10)
