"""Closed forms of deep networks: printed values, networks that attain them, proved bounds."""

import numpy as np
import pytest

from relu_optima.convex import deep_value, solve_deep
from relu_optima.convex.deep.bounds import linear_bound, relu_bound
from relu_optima.convex.deep.scalar import objective, shrink
from relu_optima.errors import SolveInputError


def orthonormal(n: int, d: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.linalg.qr(generator.standard_normal((d, n)))[0].T


def one_hot(sizes) -> np.ndarray:
    return np.repeat(np.eye(len(sizes)), sizes, axis=0)


@pytest.mark.parametrize(
    ("depth", "sizes", "lam", "value"),
    [
        (2, [2, 2, 2], 0.3, 1.1377922061357855),
        (3, [2, 2], 0.2, 0.7227201459559929),
        (3, [3, 1], 0.15, 0.529616118941868),
        (4, [4, 2], 0.1, 0.5144908692974896),
        (3, [1] * 10, 0.03, 0.445454),
        (4, [1] * 10, 0.02, 0.397980),
    ],
)
def test_values_of_classes(depth, sizes, lam, value):
    found = deep_value(depth, lam, class_sizes=sizes)
    assert found.objective == pytest.approx(value, rel=1e-12 if value > 0.45 else 2e-6)
    assert found.status == ("optimal" if depth == 2 else "upper_bound")


@pytest.mark.parametrize("depth", [2, 3, 4, 7, 50])
@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("lam", [1e-6, 0.05, 0.4, 3.0])
def test_the_scalar_minimum_is_global(depth, sigma, lam):
    s = shrink(sigma, lam, depth)
    value = objective(s, sigma, lam, depth)
    grid = np.linspace(0, 1.2 * sigma + 1e-9, 20001)
    others = 0.5 * (sigma - grid) ** 2 + 0.5 * lam * depth * grid ** (2 / depth)
    assert value <= others.min() + 1e-14
    bound = linear_bound([sigma], lam, depth)
    assert value - 1e-14 * (1 + value) <= bound <= value + 1e-15


@pytest.mark.parametrize("seed", range(6))
def test_bound_of_relu_networks_is_the_minimum_over_all_spectra(seed):
    generator = np.random.default_rng(seed)
    depth, lam = int(generator.integers(2, 9)), float(generator.exponential(0.3))
    sigma = np.sort(generator.exponential(1.0, 4))[::-1]
    theta = np.linspace(0, sigma[0], 40001)
    A = np.maximum(sigma - theta[:, None], 0)
    values = 0.5 * ((sigma - A) ** 2).sum(axis=1) + 0.5 * lam * depth * A.sum(axis=1) ** (2 / depth)
    bound = relu_bound(sigma, lam, depth)
    assert values.min() * (1 - 1e-6) <= bound <= values.min() + 1e-14
    assert bound <= linear_bound(sigma, lam, depth) + 1e-14


def test_bound_of_relu_networks_holds_for_random_networks():
    generator = np.random.default_rng(1)
    X, Y = orthonormal(5, 7), one_hot([2, 2, 1])
    for _ in range(300):
        depth = int(generator.integers(2, 6))
        widths = [7, *[4] * (depth - 1), 3]
        lam = float(generator.exponential(0.2))
        H, penalty = X, 0.0
        for k in range(depth):
            W = generator.standard_normal((widths[k + 1], widths[k])) * generator.exponential(0.7)
            penalty += float((W**2).sum())
            H = H @ W.T if k == depth - 1 else np.maximum(H @ W.T, 0)
        value = 0.5 * float(((H - Y) ** 2).sum()) + 0.5 * lam * penalty
        assert value >= relu_bound(np.sqrt([2.0, 2.0, 1.0]), lam, depth) * (1 - 1e-12)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_linear_networks_are_certified_on_data(depth):
    generator = np.random.default_rng(depth)
    X, Y = orthonormal(6, 9), generator.standard_normal((6, 4))
    found = solve_deep(X, Y, 0.3, depth, neurons="linear", width=5)
    assert found.status == "optimal"
    assert abs(found.gap) < 1e-12
    assert found.network.balance() < 1e-12
    value = deep_value(depth, 0.3, singular_values=np.linalg.svd(Y, compute_uv=False))
    assert found.objective == pytest.approx(value.objective, rel=1e-12)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("shift", [0.0, 3.0, -3.0, "centred"])
def test_batch_normalisation_is_optimal_at_any_depth(depth, shift):
    generator = np.random.default_rng(0)
    X, Y = generator.standard_normal((9, 12)), one_hot([4, 3, 2])
    X = X - X.mean(axis=0) if shift == "centred" else X + shift
    found = solve_deep(X, Y, 0.5, depth, batch_norm=True)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(2.1981321849709863, rel=1e-12)
    assert found.network.balance() < 1e-12


def test_batch_normalisation_with_a_class_that_is_not_fitted():
    found = solve_deep(orthonormal(6, 6), one_hot([5, 1]), 1.2, 3, batch_norm=True)
    assert found.objective == pytest.approx(0.5 * 1.44 + 1.2 * (5**0.5 - 1.2) + 0.5, rel=1e-12)
    assert found.value.scales[1] == 0.0


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_rank_one_data_are_optimal_at_any_depth(depth, sign):
    generator = np.random.default_rng(2)
    X = sign * np.outer(generator.random(8), generator.standard_normal(3))
    Y = generator.standard_normal((8, 2))
    found = solve_deep(X, Y, 0.05, depth)
    assert (found.status, found.theorem) == ("optimal", "rank_one")
    assert abs(found.gap) < 1e-12
    # on a grid of outputs z = f(a) nothing is better: Σ|W|² ≥ L (|z|/|a|)^(2/L)
    c, a = np.linalg.norm(X, axis=1), 1.0
    for angle in np.linspace(0, 2 * np.pi, 73):
        for size in np.linspace(0.0, 3.0, 61):
            z = size * np.array([np.cos(angle), np.sin(angle)])
            fit = 0.5 * float(((np.outer(c, z) - Y) ** 2).sum())
            assert fit + 0.025 * depth * (size / a) ** (2 / depth) >= found.objective - 1e-12


def test_aligned_network_on_data_has_the_value_and_more_width_changes_nothing():
    X, Y = orthonormal(7, 11, 3), one_hot([2, 4, 1])
    for width in (3, 8):
        found = solve_deep(X, Y[:, [1, 0, 2]], 0.1, 4, width=width)
        value = deep_value(4, 0.1, class_sizes=[4, 2, 1])
        assert found.objective == pytest.approx(value.objective, rel=1e-13)
        assert found.status == "upper_bound"
        assert found.dual_objective < found.objective
        assert found.network.balance() < 1e-12


def test_float32_and_column_order_agree():
    X, Y = orthonormal(6, 6), one_hot([3, 3])
    plain = solve_deep(np.eye(6), Y, 0.2, 3)
    for change in (np.asfortranarray, lambda a: a.astype(np.float32)):
        other = solve_deep(change(np.eye(6)), change(Y), 0.2, 3)
        assert other.objective == plain.objective
    assert solve_deep(X, Y, 0.2, 3).objective == pytest.approx(plain.objective, rel=1e-13)
    line = np.arange(1.0, 5.0)
    flat = solve_deep(line[:, None], line, 0.2, 3)
    assert flat.objective == solve_deep(line[:, None], line[:, None], 0.2, 3).objective


X_GOOD, Y_GOOD = orthonormal(4, 5), one_hot([2, 2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: deep_value(1, 0.1, class_sizes=[2]), "depth"),
        (lambda: deep_value(2.5, 0.1, class_sizes=[2]), "depth"),
        (lambda: deep_value(3, -1.0, class_sizes=[2]), "lam"),
        (lambda: deep_value(3, 0.0, class_sizes=[2]), "lam"),
        (lambda: deep_value(3, np.nan, class_sizes=[2]), "lam"),
        (lambda: deep_value(3, 0.1), "class_sizes"),
        (lambda: deep_value(3, 0.1, class_sizes=[2], singular_values=[1.0]), "class_sizes"),
        (lambda: deep_value(3, 0.1, class_sizes=[2, 0]), "class_sizes"),
        (lambda: deep_value(3, 0.1, class_sizes=[]), "class_sizes"),
        (lambda: deep_value(3, 0.1, class_sizes=[1.5]), "class_sizes"),
        (lambda: deep_value(3, 0.1, singular_values=[-1.0]), "singular_values"),
        (lambda: deep_value(3, 0.1, singular_values=[np.inf]), "singular_values"),
        (lambda: deep_value(3, 0.1, singular_values=[1.0], batch_norm=True), "batch_norm"),
        (lambda: deep_value(3, 0.1, class_sizes=[2, 2]).network(width=1), "width"),
        (lambda: deep_value(3, 0.1, class_sizes=[3, 1]).network(X_GOOD, Y_GOOD), "Y"),
        (lambda: solve_deep(2 * X_GOOD, Y_GOOD, 0.1, 3), "X X'"),
        (lambda: solve_deep(X_GOOD.T, one_hot([3, 2]), 0.1, 3), "n <= d"),
        (lambda: solve_deep(X_GOOD, 2 * Y_GOOD, 0.1, 3), "one-hot"),
        (lambda: solve_deep(X_GOOD, np.eye(4, 5)[:, [0, 1, 2, 4]], 0.1, 3), "one-hot"),
        (lambda: solve_deep(X_GOOD, np.hstack([Y_GOOD, 0 * Y_GOOD]), 0.1, 3), "no row"),
        (lambda: solve_deep(X_GOOD * np.nan, Y_GOOD, 0.1, 3), "NaN"),
        (lambda: solve_deep(X_GOOD, Y_GOOD[:3], 0.1, 3), "shapes"),
        (lambda: solve_deep(X_GOOD, Y_GOOD, 0.1, 3, neurons="tanh"), "neurons"),
        (lambda: solve_deep(X_GOOD, Y_GOOD, 0.1, 3, neurons="linear", batch_norm=True), "batch"),
        (lambda: solve_deep(X_GOOD.T, one_hot([3, 2]), 0.1, 3, batch_norm=True), "n <= d"),
        (lambda: solve_deep(np.ones((4, 5)), Y_GOOD, 0.1, 3, batch_norm=True), "centred rank"),
    ],
)  # fmt: skip
def test_bad_input_is_one_error_that_names_it(call, words):
    with pytest.raises(SolveInputError) as caught:
        call()
    assert words in str(caught.value)
