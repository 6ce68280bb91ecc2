"""The method for graphics cards, run on the processor: torch computes the same there."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import lambda_max, regularization_path, sample_gates, solve
from relu_optima.convex.gpu import solve_on_gpu
from relu_optima.convex.problem import make_problem
from relu_optima.errors import SolveInputError

torch = pytest.importorskip("torch")


def planted(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.lognormal(size=d)
    y = np.maximum(X @ rng.standard_normal((d, 4)), 0) @ rng.standard_normal(4)
    return X, y + 0.3 * rng.standard_normal(n), sample_gates(X, 60, seed)


@pytest.mark.parametrize("share", [0.3, 0.03, 0.003])
@pytest.mark.parametrize(("n", "d", "seed"), [(200, 6, 0), (40, 12, 1), (300, 2, 2)])
def test_it_finds_the_optimum_that_the_solver_finds(n, d, seed, share):
    X, y, gates = planted(n, d, seed)
    lam = share * lambda_max(X, y, gates, "gated")
    problem = make_problem(X, y, gates, "gated")
    theirs = solve(X, y, gates, lam, formulation="gated", tol=1e-9)
    ours = solve_on_gpu(problem, lam, 1e-9, None, started=0.0, device="cpu")
    assert (ours.status, theirs.status) == ("optimal", "optimal")
    assert ours.objective == pytest.approx(theirs.objective, rel=2e-9)
    assert ours.certify(recompute=True).gap <= 1e-9
    assert not ours.w.any()


def test_rows_in_tiles_give_the_same_network(monkeypatch):
    X, y, gates = planted(200, 6, 0)
    problem = make_problem(X, y, gates, "gated")
    lam = 0.03 * lambda_max(X, y, gates, "gated")
    whole = solve_on_gpu(problem, lam, 1e-9, None, started=0.0, device="cpu")
    monkeypatch.setattr("relu_optima.convex.gpu.ENTRIES", 7 * 360)
    tiled = solve_on_gpu(problem, lam, 1e-9, None, started=0.0, device="cpu")
    assert tiled.v == pytest.approx(whole.v, rel=1e-4, abs=1e-4 * np.abs(whole.v).max())


def test_from_lambda_max_on_the_network_is_zero():
    X, y, gates = planted(200, 6, 0)
    problem = make_problem(X, y, gates, "gated")
    top = lambda_max(X, y, gates, "gated")
    zero = solve_on_gpu(problem, top * (1 + 1e-9), 1e-6, None, started=0.0, device="cpu")
    assert zero.status == "optimal"
    assert not zero.v.any()
    below = solve_on_gpu(problem, top * (1 - 1e-3), 1e-9, None, started=0.0, device="cpu")
    assert below.status == "optimal"
    assert below.v.any()


def test_time_that_is_up_is_a_status():
    X, y, gates = planted(200, 6, 0)
    problem = make_problem(X, y, gates, "gated")
    found = solve_on_gpu(problem, 1e-3, 1e-9, 1e-9, started=0.0, device="cpu")
    assert found.status == "time_limit"
    assert np.isfinite(found.objective)


def test_a_machine_without_the_device_and_relu_neurons_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, y, gates = planted(40, 2, 0)
    with pytest.raises(SolveInputError, match="no such device"):
        solve(X, y, gates, 0.1, formulation="gated", backend="cuda")
    with pytest.raises(SolveInputError, match="no such device"):
        regularization_path(X, y, gates, [0.1], formulation="gated", backend="cuda")
    with pytest.raises(SolveInputError, match="ReLU neurons"):
        solve(X, y, gates, 0.1, backend="cuda")
