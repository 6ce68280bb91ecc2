"""Many rows: products and certificates by tiles, systems by a sample, a start from fewer rows.

The thresholds are lowered, so that small problems take the ways of large ones.
"""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import (
    certificate,
    curvature,
    gates,
    lambda_max,
    newton,
    newton_system,
    products,
    sample_gates,
    solve,
)
from relu_optima.convex.certificate import certify
from relu_optima.convex.newton import DualNewton


@pytest.fixture
def few_are_many(monkeypatch):
    """Let 200 rows count as many."""
    for module in (products, curvature, newton, newton_system):
        monkeypatch.setattr(module, "MANY_ROWS", 200)
    monkeypatch.setattr(products, "TILE_ENTRIES", 1_000)
    monkeypatch.setattr(newton_system, "LEAST_SAMPLE", 50)
    monkeypatch.setattr(newton, "DETERMINED", 2.0)


def teacher(seed: int, n: int, d: int, count: int):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0) @ rng.standard_normal(3)
    return X, y + 0.1 * rng.standard_normal(n), sample_gates(X, count, seed)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_products_by_tiles_are_those_of_the_lifted_matrix(few_are_many, kind):
    rng = np.random.default_rng(0)
    X, r = rng.standard_normal((777, 3)).astype(kind), rng.standard_normal(777).astype(kind)
    patterns, B = rng.random((9, 777)) < 0.5, rng.standard_normal((9, 3)).astype(kind)
    lifted = np.hstack([np.diag(mask.astype(kind)) @ X for mask in patterns])
    accuracy = 1e-4 if kind is np.float32 else 1e-12
    assert products.adjoint(patterns, X, r).dtype == kind
    expected = (lifted.T @ r).reshape(9, 3)
    np.testing.assert_allclose(products.adjoint(patterns, X, r), expected, atol=accuracy)
    np.testing.assert_allclose(products.combine(patterns, X, B), lifted @ B.ravel(), atol=accuracy)


def test_patterns_of_many_rows_are_merged_like_those_of_few(monkeypatch):
    rng = np.random.default_rng(0)
    X, G = rng.standard_normal((300, 2)), rng.standard_normal((2, 2_000))
    G[:, 7] = 0.0
    expected = gates.merge_patterns(X, G)
    monkeypatch.setattr(gates, "WHOLE", 1_000)
    monkeypatch.setattr(gates, "TILE", 40_000)
    found = gates.merge_patterns(X, G)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[1].shape[1] < 700
    assert found[1].T.flags.c_contiguous


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("share", [0.3, 0.03])
def test_the_optimum_is_that_of_the_other_way(formulation, share, few_are_many, monkeypatch):
    X, y, G = teacher(1, 900, 5, 40)
    lam = share * lambda_max(X, y, G, formulation)
    many = solve(X, y, G, lam, formulation=formulation, tol=1e-7)
    monkeypatch.undo()
    few = solve(X, y, G, lam, formulation=formulation, tol=1e-7)
    assert many.status == few.status == "optimal"
    assert many.objective == pytest.approx(few.objective, rel=2e-7)
    checked, full = many.certify(), many.certify(recompute=True)
    assert full.gap - 1e-13 <= checked.gap <= 1.05 * full.gap + 1e-11
    assert checked.gap <= 1e-7 * 1.05


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_certificates_by_tiles_are_those_of_all_rows(formulation, monkeypatch):
    X, y, G = teacher(2, 500, 4, 30)
    solution = solve(X, y, G, 0.1 * lambda_max(X, y, G, formulation), formulation=formulation)
    whole = [solution.certify(recompute=recompute) for recompute in (False, True)]
    monkeypatch.setattr(certificate, "MANY_ROWS", 100)
    monkeypatch.setattr(certificate, "TILE", 64)
    parts = [solution.certify(recompute=recompute) for recompute in (False, True)]
    for one, other in zip(whole, parts, strict=True):
        assert other.objective == pytest.approx(one.objective, rel=1e-13)
        assert other.dual_objective == pytest.approx(one.dual_objective, rel=1e-12)
        assert other.violation == pytest.approx(one.violation, abs=1e-14)
    loose = certify(X, y, G, solution.lam, 1.01 * solution.v, solution.w, formulation)
    assert loose.gap > 1e-5


def test_a_start_from_fewer_rows_leaves_little_to_do(few_are_many, monkeypatch):
    X, y, G = teacher(3, 4_000, 6, 60)
    lam = 0.1 * lambda_max(X, y, G)
    near = solve(X, y, G, lam)
    monkeypatch.setattr(DualNewton, "_start_from_fewer", lambda *_: None)
    cold = solve(X, y, G, lam)
    assert near.status == cold.status == "optimal"
    assert near.counts["projections"] < 0.7 * cold.counts["projections"]


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_a_sample_without_a_word_about_the_targets_is_no_start(formulation, few_are_many):
    X, y, G = teacher(4, 1_000, 4, 20)
    rows = np.random.default_rng(0).permutation(1_000)[:100]
    y[rows] = 0.0
    solution = solve(X, y, G, 0.1 * lambda_max(X, y, G, formulation), formulation=formulation)
    assert solution.status == "optimal"
    X[rows, 1] = X[rows, 0]  # the sample has lower rank than the data
    y = X[:, 0] + 0.1 * X[:, 1] ** 2
    solution = solve(X, y, G, 0.1 * lambda_max(X, y, G, formulation), formulation=formulation)
    assert solution.status == "optimal"
    assert solution.certify(recompute=True).gap <= 1e-6 * 1.05


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_an_intercept_of_many_rows_is_a_column_of_the_system(few_are_many, loss, formulation):
    X, y, patterns = teacher(0, 900, 4, 15)
    y = np.where(y > np.median(y), 1.0, -1.0) + (3.0 if loss == "squared" else 0.0)
    asked = {"formulation": formulation, "loss": loss, "intercept": True}
    lam = 0.05 * lambda_max(X, y, patterns, **asked)
    found = solve(X, y, patterns, lam, **asked)
    assert found.status == "optimal"
    assert found.counts["newton"] <= 40  # without the column ten times as many
    assert abs(found.dual.sum()) <= 1e-9 * np.abs(found.dual).sum()
