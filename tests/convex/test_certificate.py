"""The certificate's own projection, and inputs it must refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.convex import lambda_max, sample_gates
from relu_optima.convex.certificate import certify, dual_norm, relative_gap
from relu_optima.convex.cone_projection import project_on_cone
from relu_optima.convex.cones import ConeProjector
from relu_optima.errors import SolveInputError


def random_cone(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 30)), int(rng.integers(1, 8))
    rows = rng.standard_normal((n, d))
    if seed % 3 == 0:
        rows = rng.integers(-1, 2, size=(n, d)).astype(float)  # dependent and opposite rows
    lengths = np.linalg.norm(rows, axis=1)
    return rows / np.where(lengths > 0, lengths, 1.0)[:, None], rng.standard_normal(d)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_projections_satisfy_moreaus_conditions(seed):
    """p in K, g - p in the polar cone, p orthogonal to g - p: that is the projection."""
    rows, g = random_cone(seed)
    p, error = project_on_cone(rows, g)
    size = np.linalg.norm(g)
    assert error <= 1e-9
    assert (rows @ p).min() >= -1e-9 * size
    assert abs(p @ (g - p)) <= 1e-9 * size**2
    # polar: no feasible direction is closer; test the generators of K found by projecting
    others = [
        project_on_cone(rows, z)[0] for z in np.random.default_rng(seed).normal(size=(5, g.size))
    ]
    assert all((g - p) @ z <= 1e-8 * size * max(np.linalg.norm(z), 1.0) for z in others)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_the_solvers_projections_are_the_certificates(seed):
    """Two implementations, one warm-started from another vector, one cold."""
    rng = np.random.default_rng(seed)
    n, d, count = int(rng.integers(1, 40)), int(rng.integers(1, 8)), 6
    X = rng.standard_normal((n, d)) if seed % 2 else rng.integers(-1, 2, size=(n, d)).astype(float)
    patterns = (X @ rng.standard_normal((d, count)) > 0).T
    cones = ConeProjector(X, patterns, 2 * count)
    blocks = np.arange(2 * count)
    cones.keep(blocks[::2])
    side = np.where(patterns, 1.0, -1.0)
    for scale in (1.0, 1e-3):
        G = rng.standard_normal((2 * count, d)) * scale
        P, shift = cones.project(blocks, G, 0.0)
        np.testing.assert_allclose(P, G + shift, atol=1e-12 * scale)
        for b in blocks:
            expected, _ = project_on_cone(side[b % count][:, None] * cones.unit_rows, G[b])
            np.testing.assert_allclose(P[b], expected, atol=1e-8 * scale)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1_000_000), share=st.floats(0.0, 1.5))
def test_stopping_early_is_a_valid_upper_bound(seed, share):
    rows, g = random_cone(seed)
    exact, _ = project_on_cone(rows, g)
    early, _ = project_on_cone(rows, g, stop=share * float(np.linalg.norm(g)))
    assert np.linalg.norm(early) >= np.linalg.norm(exact) - 1e-9


def test_dual_norm_is_the_largest_gain_over_the_cones():
    """Random feasible directions never beat it; the best of many comes close in the plane."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 2))
    nu = rng.standard_normal(8)
    angles = np.linspace(0, 2 * np.pi, 20_001)
    directions = np.array([np.cos(angles), np.sin(angles)])
    gains = np.abs(nu @ np.maximum(X @ directions, 0.0))
    value = dual_norm(X, nu, directions[:, ::7], "relu")
    assert value >= gains.max() - 1e-12
    assert value == pytest.approx(gains.max(), rel=1e-6)


def test_relative_gap_by_definition():
    y = np.array([3.0, 4.0])
    assert relative_gap(2.0, 1.0, y) == 1.0
    assert relative_gap(1.0, 0.0, y) == pytest.approx(1.0 / 12.5e-12)
    assert relative_gap(1.0, 0.0, 0 * y) == 0.0


@pytest.mark.parametrize(
    "change",
    [
        {"lam": 0.0},
        {"formulation": "tanh"},
        {"v": np.zeros((2, 3))},
        {"w": np.full((2, 2), np.nan)},
        {"gates": np.zeros((3, 2))},
        {"gates": np.full((2, 2), np.inf)},
        {"y": np.zeros(2)},
        {"dual": np.zeros(2)},
    ],
)
def test_senseless_input_is_refused(change):
    zero = np.zeros((2, 2))
    arguments = {
        "X": np.eye(3, 2),
        "y": np.ones(3),
        "gates": np.eye(2),
        "lam": 1.0,
        "v": zero,
        "w": zero,
    } | change
    with pytest.raises(SolveInputError):
        certify(**arguments)


def test_residuals_are_those_of_their_definitions():
    """Of a point outside its cones, and of the zero network below lambda_max."""
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((14, 3)), rng.standard_normal(14)
    gates = sample_gates(X, 6, 0)
    patterns = X @ gates > 0
    v, w = (rng.standard_normal((gates.shape[1], 3)) for _ in range(2))
    rows = X / np.linalg.norm(X, axis=1)[:, None]
    signs = np.where(patterns, 1.0, -1.0).T
    least = min(float((signs * (u @ rows.T)).min()) for u in (v, w))
    longest = np.linalg.norm([*v, *w], axis=1).max()
    assert certify(X, y, gates, 0.1, v, w).violation == pytest.approx(-least / longest)
    zero, top = np.zeros_like(v), lambda_max(X, y, gates)
    found = certify(X, y, gates, 0.25 * top, zero, zero)
    assert found.kkt_residual == pytest.approx(3.0, rel=1e-6)
