"""Cone projections against the certificate's own method, cold, warm-started and stopped early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.convex.cone_projection import project_on_cone
from relu_optima.convex.cones import ConeProjector


def setting(seed: int, n: int = 60, d: int = 6, count: int = 9):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    X[3] = 0.0
    X[5] = X[4]  # two equal rows: one of them depends on the other
    patterns = (X @ rng.standard_normal((d, count)) > 0).T
    return X, patterns, ConeProjector(X, patterns, 2 * count), rng


def independent(X, pattern, g):
    lengths = np.linalg.norm(X, axis=1)
    rows = X / np.where(lengths > 0, lengths, 1.0)[:, None]
    return project_on_cone(np.where(pattern, 1.0, -1.0)[:, None] * rows, g)[0]


@pytest.mark.parametrize("kept", [False, True])
def test_projections_agree_with_an_independent_method_wherever_they_start(kept):
    X, patterns, cones, rng = setting(0)
    blocks = np.arange(18)
    if kept:
        cones.keep(blocks[::2])
    G = rng.standard_normal((18, 6))
    for move in (0.0, 1.0, 0.3, 0.01, 3.0, 0.0):
        G = G + move * rng.standard_normal(G.shape)
        points, multipliers = cones.project(blocks, G, 0.0)
        expected = [independent(X, patterns[b % 9], g) for b, g in zip(blocks, G, strict=True)]
        np.testing.assert_allclose(points, expected, atol=1e-9)
        np.testing.assert_allclose(points - G, multipliers, atol=1e-9)
    assert cones.projections == 6 * 18


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), stop=st.floats(0.05, 3.0))
def test_an_early_stop_still_bounds_the_norm(seed, stop):
    X, patterns, cones, rng = setting(seed)
    blocks = np.arange(18)
    G = rng.standard_normal((18, 6))
    points, multipliers = cones.project(blocks, G, stop)
    norms = np.linalg.norm(points, axis=1)
    exact = [
        np.linalg.norm(independent(X, patterns[b % 9], g)) for b, g in zip(blocks, G, strict=True)
    ]
    assert np.all(norms >= np.array(exact) - 1e-9)
    done = norms > stop
    np.testing.assert_allclose(norms[done], np.array(exact)[done], atol=1e-9)
    np.testing.assert_allclose(points, G + multipliers, atol=1e-9)


def test_a_face_keeps_an_orthonormal_basis_of_its_rows_through_many_moves():
    _X, _patterns, cones, rng = setting(7, n=200, d=12)
    blocks = np.arange(18)
    cones.keep(blocks)
    G = rng.standard_normal((18, 12))
    for _ in range(200):
        G = G + 0.3 * rng.standard_normal(G.shape)
        points, _ = cones.project(blocks, G, 0.0)
    slots, lines, sizes = cones.faces(blocks)
    assert sizes.max() >= 8
    for slot, size, point in zip(slots, sizes, points, strict=True):
        basis = lines[slot, :size, :12]
        np.testing.assert_allclose(basis @ basis.T, np.eye(size), atol=1e-12)
        np.testing.assert_allclose(basis @ point, 0.0, atol=1e-12)


def test_faces_of_blocks_without_a_place_of_their_own_are_factorised_on_demand():
    _X, _patterns, cones, rng = setting(3)
    blocks = np.arange(18)
    points, _ = cones.project(blocks, rng.standard_normal((18, 6)), 0.0)
    slots, lines, sizes = cones.faces(blocks)
    for slot, size, point in zip(slots, sizes, points, strict=True):
        np.testing.assert_allclose(lines[slot, :size, :6] @ point, 0.0, atol=1e-12)
