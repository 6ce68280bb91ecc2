"""The Newton matrix against its definition; the ways to solve it against each other."""

from __future__ import annotations

import numpy as np
import pytest

from relu_optima.convex import curvature, newton_system
from relu_optima.convex.cones import ConeProjector
from relu_optima.convex.curvature import complete_wide, curvature_at
from relu_optima.convex.follow_matrix import ByColumns, ByRows, factorise
from relu_optima.convex.newton_system import NewtonSystem

SIGMA, LAM = 0.3, 0.7


def system(relu: bool, n: int, d: int, count: int):
    """A system at random projections, and its matrix from the definition."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, d))
    patterns = (X @ rng.standard_normal((d, count)) > 0).T
    cones = ConeProjector(X, patterns, count) if relu else None
    G = 5.0 * rng.standard_normal((count, d))
    P = G if cones is None else cones.project(np.arange(count), G, 0.0)[0]
    active = np.flatnonzero(np.linalg.norm(P, axis=1) > 1.5 * SIGMA * LAM)
    masks = patterns[active].astype(float)
    found = curvature_at(cones, active, masks, P[active], SIGMA, LAM)
    matrix = np.eye(n)
    for place, b in enumerate(active):
        F = np.eye(d)
        if cones is not None:
            slots, lines, sizes = cones.faces(np.array([b]))
            basis = lines[slots[0], : sizes[0], :d]
            F = F - basis.T @ basis
        q = P[b] / np.linalg.norm(P[b])
        a = SIGMA * LAM / np.linalg.norm(P[b])
        M = F @ ((1 - a) * np.eye(d) + a * np.outer(q, q)) @ F
        Xb = masks[place][:, None] * X
        matrix += SIGMA * Xb @ M @ Xb.T
    return X, found, matrix, rng


SIZES = [(True, 80, 6, 30), (True, 40, 12, 25), (False, 30, 4, 12), (False, 90, 5, 3)]


@pytest.mark.parametrize(("relu", "n", "d", "count"), SIZES)
def test_the_operator_and_the_answers_are_those_of_the_definition(relu, n, d, count):
    X, curvature, matrix, rng = system(relu, n, d, count)
    x = rng.standard_normal(n)
    np.testing.assert_allclose(curvature.operator(X)(x), matrix @ x, rtol=1e-10, atol=1e-10)
    assert curvature.on_faces()
    roots, free = curvature.roots()
    V = rng.standard_normal(curvature.q.shape)
    T = np.split(roots, np.cumsum(free)[:-1])
    expected = [SIGMA * t.T @ (t @ v) for t, v in zip(T, V, strict=True)]
    np.testing.assert_allclose(curvature.answer()(V.copy()), expected, atol=1e-10)


@pytest.mark.parametrize("way", ["_by_columns", "_by_rows", "_by_sample", "_by_products"])
@pytest.mark.parametrize(("relu", "n", "d", "count"), SIZES)
def test_each_way_solves_the_system(relu, n, d, count, way, monkeypatch):
    X, curvature, matrix, rng = system(relu, n, d, count)
    monkeypatch.setattr(newton_system, "SINGLE", 1.0)  # all of it in double precision
    g = rng.standard_normal(n)
    monkeypatch.setattr(newton_system, "LEAST_SAMPLE", 30)
    arguments = {"_by_columns": (), "_by_products": (1e-10, 300)}.get(way, (1e-10,))
    x = getattr(NewtonSystem(X), way)(curvature, g, *arguments)
    x = x[0] if way == "_by_products" else x
    np.testing.assert_allclose(matrix @ x, -g, atol=1e-7)


@pytest.mark.parametrize("size", [0, 5, 11])
def test_a_wide_face_is_completed_to_a_basis(size):
    rng = np.random.default_rng(size)
    d = 12
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0].T
    rows, q, out = Q[:size], Q[size], np.empty((d - size, d))
    complete_wide(rows, q, out)
    np.testing.assert_array_equal(out[0], q)
    np.testing.assert_allclose(out @ out.T, np.eye(d - size), atol=1e-14)
    np.testing.assert_allclose(out @ rows.T, 0.0, atol=1e-14)


def test_wide_systems_are_those_of_the_definition(monkeypatch):
    monkeypatch.setattr(curvature, "WIDE", 1)
    X, at, matrix, rng = system(True, 40, 12, 25)
    g = rng.standard_normal(40)
    np.testing.assert_allclose(matrix @ NewtonSystem(X)._by_columns(at, g), -g, atol=1e-7)


def test_a_direction_off_the_held_faces_is_noticed():
    _X, curvature, _, _ = system(True, 80, 6, 30)
    curvature.q[0] = np.roll(curvature.q[0], 1)
    assert not curvature.on_faces()


@pytest.mark.parametrize(("count", "kind"), [(2, ByColumns), (40, ByRows)])
def test_whitening_gives_the_inverse_of_the_corrector_s_matrix(count, kind):
    rng = np.random.default_rng(0)
    n, d = 60, 4
    X = rng.standard_normal((n, d)).astype(np.float32)
    masks = (rng.random((count, n)) < 0.5).astype(np.float32)
    c = rng.random(count).astype(np.float32)
    matrix = np.eye(n)
    for mask, weight in zip(masks, c, strict=True):
        Xb = mask[:, None] * X
        matrix += weight * Xb @ Xb.T
    factor = factorise(X, lambda: X @ X.T, masks, c)
    assert isinstance(factor, kind)
    V = np.asfortranarray(rng.standard_normal((n, 5)).astype(np.float32))
    expected = np.linalg.solve(matrix, V)
    whitened = factor.whiten(V.copy(order="F"))
    np.testing.assert_allclose(whitened.T @ whitened, V.T @ expected, atol=1e-4)
    for j in range(5):
        one = factor.whiten(V[:, j : j + 1].copy(order="F"))[:, 0]
        np.testing.assert_allclose(factor.back(one), expected[:, j], atol=1e-4)
