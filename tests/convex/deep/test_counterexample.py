"""Where the aligned value is beaten: networks that anyone can evaluate."""

import numpy as np
import pytest

from relu_optima.convex import deep_counterexample, deep_value
from relu_optima.convex.deep import counterexample
from relu_optima.convex.deep.counterexample import code_layers, polygon_layers
from relu_optima.errors import SolveInputError


def value_of(found) -> float:
    """Evaluate the network of a counterexample with nothing of ours."""
    H, penalty = np.eye(found.classes), 0.0
    for k, W in enumerate(found.network.weights):
        H = H @ W.T
        H = H if k == found.depth - 1 else np.maximum(H, 0)
        penalty += float((W**2).sum())
    return 0.5 * float(((H - np.eye(found.classes)) ** 2).sum()) + 0.5 * found.lam * penalty


def test_three_classes_and_five_layers_suffice(monkeypatch):
    monkeypatch.setattr(counterexample, "KEPT", 1)
    monkeypatch.setattr(counterexample, "FINISHED", 1)
    found = deep_counterexample(5, 3, 0.01, starts=4)
    assert found.aligned == pytest.approx(0.07484908964740121, rel=1e-12)
    assert found.beaten
    assert found.found <= 0.07418
    assert value_of(found) == pytest.approx(found.found, rel=1e-13)
    assert found.lower_bound < found.found


@pytest.mark.parametrize(
    ("depth", "classes", "lam", "at_most"),
    [
        pytest.param(6, 3, 0.005, 0.041732, marks=pytest.mark.slow),
        pytest.param(8, 3, 0.002, 0.020516, marks=pytest.mark.slow),
        pytest.param(6, 4, 0.005, 0.0567354, marks=pytest.mark.slow),
        pytest.param(5, 5, 0.01, 0.1191253, marks=pytest.mark.slow),
        pytest.param(5, 6, 0.01, 0.1398409, marks=pytest.mark.slow),
        pytest.param(5, 10, 0.01, 0.221475, marks=pytest.mark.slow),
        pytest.param(4, 10, 0.001, 0.0195, marks=pytest.mark.slow),
        pytest.param(4, 21, 0.001, 0.037327, marks=pytest.mark.slow),
        pytest.param(4, 28, 0.001, 0.048858, marks=pytest.mark.slow),
    ],
)
def test_other_cases(depth, classes, lam, at_most):
    found = deep_counterexample(depth, classes, lam, starts=48)
    assert found.found <= at_most < found.aligned
    assert value_of(found) == pytest.approx(found.found, rel=1e-13)


@pytest.mark.parametrize("classes", [4, 6, 10, 15])
@pytest.mark.parametrize("t", [2, 3])
def test_codes_return_the_identity_through_fewer_dimensions(classes, t):
    H = np.eye(classes)
    layers = code_layers(5, classes, t)
    for k, W in enumerate(layers):
        H = H @ W.T if k == 4 else np.maximum(H @ W.T, 0)
    assert pytest.approx(H[0, 0] * np.eye(classes), abs=1e-12) == H
    assert H[0, 0] > 0
    assert t == 3 or min(W.shape[0] for W in layers) < classes or classes == 4


@pytest.mark.parametrize("classes", [4, 5, 6, 12])
@pytest.mark.parametrize("depth", [3, 5])
def test_polygons_return_the_identity_through_three_dimensions(classes, depth):
    H = np.eye(classes)
    layers = polygon_layers(depth, classes)
    for k, W in enumerate(layers):
        H = H @ W.T if k == depth - 1 else np.maximum(H @ W.T, 0)
    assert pytest.approx(H[0, 0] * np.eye(classes), abs=1e-12) == H
    assert H[0, 0] > 0
    assert [W.shape[0] for W in layers] == [3] * (depth - 2) + [classes, classes]
    assert np.ptp([np.linalg.norm(W) for W in layers]) < 1e-12


def test_a_search_that_finds_nothing_returns_the_aligned_network():
    found = deep_counterexample(2, 4, 0.1)
    assert (found.origin, found.beaten) == ("aligned", False)
    assert found.found == pytest.approx(deep_value(2, 0.1, class_sizes=[1] * 4).objective)
    small = deep_counterexample(3, 2, 0.05, starts=2)
    assert not small.beaten
    assert value_of(small) == pytest.approx(small.found, rel=1e-13)


def test_the_same_search_twice():
    first, second = (deep_counterexample(4, 2, 0.01, starts=1, seed=1) for _ in range(2))
    for a, b in zip(first.network.weights, second.network.weights, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "call",
    [
        lambda: deep_counterexample(1, 3, 0.1),
        lambda: deep_counterexample(13, 3, 0.1),
        lambda: deep_counterexample(3, 0, 0.1),
        lambda: deep_counterexample(3, 2.5, 0.1),
        lambda: deep_counterexample(3, 3, -0.1),
        lambda: deep_counterexample(3, 3, 0.1, starts=-1),
    ],
)
def test_bad_input(call):
    with pytest.raises(SolveInputError):
        call()
