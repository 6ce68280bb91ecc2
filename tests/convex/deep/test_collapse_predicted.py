"""Predicted collapse: the printed unbalanced example, the simplex of balanced classes."""

import numpy as np
import pytest

from relu_optima.convex import deep_value, solve_deep
from relu_optima.errors import SolveInputError


def test_unbalanced_classes():
    seen = deep_value(3, 0.1, class_sizes=[5, 3, 1]).collapse()
    assert seen.norms == pytest.approx([0.746980, 0.805320, 0.929601], abs=5e-7)
    angles = seen.centred_cosines[np.triu_indices(3, 1)]
    assert angles == pytest.approx([-0.399393, -0.525456, -0.570151], abs=1e-6)
    assert seen.nc2_norms > 0.01
    assert (seen.nc1, seen.nc4) == (0.0, 0.0)


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_balanced_classes_are_a_simplex(classes, batch_norm):
    seen = deep_value(3, 0.1, class_sizes=[2] * classes, batch_norm=batch_norm).collapse()
    outside = seen.centred_cosines[~np.eye(classes, dtype=bool)]
    assert outside == pytest.approx(-1 / (classes - 1), abs=1e-12)
    assert seen.nc2_norms < 1e-12
    assert seen.nc2_angles < 1e-12


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_network_made_collapses_as_predicted(batch_norm):
    sizes = [4, 2, 1]
    Y = np.repeat(np.eye(3), sizes, axis=0)
    X = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 7)))[0].T
    found = solve_deep(X, Y, 0.1, 4, batch_norm=batch_norm)
    H = found.network.layers(X)[-2]
    means = (Y.T @ H) / np.array(sizes)[:, None]
    assert np.abs(H - Y @ means).max() < 1e-12
    seen = found.value.collapse()
    assert np.linalg.norm(means, axis=1) == pytest.approx(seen.norms, rel=1e-12)
    centred = means - means.mean(axis=0)
    assert np.linalg.norm(centred, axis=1) == pytest.approx(seen.centred_norms, rel=1e-12)
    V = found.network.weights[-1]
    distance = np.linalg.norm(V / np.linalg.norm(V) - centred / np.linalg.norm(centred))
    assert distance == pytest.approx(seen.nc3, rel=1e-10)


def test_linear_networks_have_no_classes():
    with pytest.raises(SolveInputError):
        deep_value(3, 0.1, singular_values=[1.0]).collapse()
