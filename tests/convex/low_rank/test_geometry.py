"""The rectified ellipsoid with its spikes, and neurons as residuals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from relu_optima.convex import extreme_neuron, is_spike_free, rectified_ellipsoid
from relu_optima.errors import SolveInputError


@pytest.mark.parametrize("seed", range(10))
def test_spikes_are_there_exactly_where_data_are_not_spike_free(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2 + seed % 2, 3))
    found = rectified_ellipsoid(X, 4000)
    assert found.spikes.any() == (is_spike_free(X).verdict is False)
    assert (found.rectified == np.maximum(found.ellipsoid, 0.0)).all()


def test_the_hull_holds_all_points():
    X = np.array([[1.0, -0.6], [-0.2, 1.0]])
    found = rectified_ellipsoid(X)
    corners = np.vstack([found.rectified[found.hull[found.hull >= 0]], np.zeros(2)])
    for point in found.rectified[::40]:
        answer = linprog(
            np.zeros(len(corners)),
            A_eq=np.vstack([corners.T, np.ones(len(corners))]),
            b_eq=np.append(point, 1.0),
        )
        assert answer.status == 0
    inner = rectified_ellipsoid(np.eye(2))  # no direction of this sample switches off both rows
    assert (inner.rectified[inner.hull].sum(axis=1) >= 0).all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_a_neuron_is_the_residual_of_its_row(seed, bias):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((5, 2 + seed % 3))
    row = seed % 5
    u, value = extreme_neuron(X, row, bias=bias)
    others = np.delete(X, row, axis=0)
    d = X.shape[1]
    # the neuron as the maximisation that defines it, by a general solver
    sides = [{"type": "ineq", "fun": lambda z: 1.0 - z[:d] @ z[:d]}]
    sides += [
        {"type": "ineq", "fun": lambda z, x=x: -(x @ z[:d] + (z[d] if bias else 0.0))}
        for x in others
    ]
    best = 0.0
    for start in range(8):
        z = np.random.default_rng(start).standard_normal(d + 1)
        answer = minimize(
            lambda z: -(X[row] @ z[:d] + (z[d] if bias else 0.0)), z, constraints=sides,
            method="SLSQP",
        )  # fmt: skip
        if answer.success:
            best = max(best, -answer.fun)
    assert value == pytest.approx(best, abs=1e-5)
    if value > 0:
        assert np.linalg.norm(u) == pytest.approx(1.0)
        shift = -(others @ u).max() if bias else 0.0
        assert (others @ u + shift).max() <= 1e-9
        assert X[row] @ u + shift == pytest.approx(value)


def test_orthonormal_rows_are_their_own_neurons_and_inner_points_have_none():
    u, value = extreme_neuron(np.eye(3), 1)
    assert (u == np.eye(3)[1]).all()
    assert value == 1.0
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1], [0.1, 0.2]])
    assert extreme_neuron(square, 4, bias=True)[1] == 0.0
    assert extreme_neuron(square[:4], 0, bias=True)[1] == pytest.approx(np.sqrt(2))


def test_what_has_no_picture_is_refused():
    with pytest.raises(SolveInputError, match="rank 4"):
        rectified_ellipsoid(np.eye(4))
    with pytest.raises(SolveInputError, match="row"):
        extreme_neuron(np.eye(2), 2)
