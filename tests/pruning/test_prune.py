"""Pruning: exact while it claims to be, equal to slow references, typed refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.config.plugins import plugin_names
from relu_optima.errors import ReluOptimaError, SolveInputError
from relu_optima.optimal_set import describe
from relu_optima.pruning import prune
from relu_optima.pruning.approximate import continue_least_squares
from relu_optima.pruning.exact import reduce_exactly
from tests.optimal_set.programs import FAN_X, FAN_Y, JUMP_X, JUMP_Y, gaussian, solve

METHODS = plugin_names("pruning")
TO_ONE = [m for m in METHODS if m not in ("optimal", "global_minimum")]


def network_value(path, beta, X, y):
    """Non-convex objective of the mapped two-layer ReLU network."""
    W1, w2 = path.optimal.neurons(beta)
    error = np.maximum(X @ W1.T, 0) @ w2 - y
    return 0.5 * error @ error + 0.5 * path.optimal.problem.lam * ((W1**2).sum() + (w2**2).sum())


def test_the_plugins_are_the_documented_methods():
    assert set(METHODS) == {
        "optimal",
        "optimal_ls",
        "magnitude",
        "gradient",
        "activation",
        "random",
        "global_minimum",
    }


@pytest.mark.parametrize(("X", "y"), [(FAN_X, FAN_Y), (JUMP_X, JUMP_Y)])
def test_algorithm_one_stops_at_two_and_the_integer_program_at_one(X, y):
    solved = solve(X, y, 1.0)
    greedy = prune(solved, X, y, method="optimal")
    smallest = prune(solved, X, y, method="global_minimum")
    assert greedy.n_neurons.tolist() == [3, 2]
    assert smallest.n_neurons.tolist() == [3, 1]
    assert smallest.lower_bound == 1
    assert smallest.status == "ok"


def test_algorithm_one_from_the_barycentre_of_the_fan():
    optimal = describe(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y)
    path = reduce_exactly(optimal.body.columns, np.full(3, 0.5), "max")
    assert [(b > 0).sum() for b in path] == [3, 2]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    formulation=st.sampled_from(["relu", "gated"]),
    method=st.sampled_from(["optimal", "global_minimum"]),
    rule=st.sampled_from(["max", "magnitude", "lp"]),
)
def test_exact_methods_leave_the_objective_unchanged(seed, formulation, method, rule):
    X, y = gaussian(seed, 8, 2)
    options = {"rule": rule} if method == "optimal" else {}
    path = prune(solve(X, y, 0.05, formulation), X, y, method=method, seed=seed, **options)
    best = path.optimal.objective
    assert np.abs(path.objective - best).max() <= 1e-8 * best
    assert path.is_optimal.all()
    assert np.all(np.diff(path.n_neurons) <= 0)
    np.testing.assert_allclose(path.penalty, path.penalty[0], rtol=1e-9)
    last = path.betas[-1]
    used = last > 0
    assert np.linalg.matrix_rank(path.optimal.body.columns[:, used], tol=1e-8) == used.sum()
    if formulation == "relu":
        for beta in path.betas:
            assert network_value(path, beta, X, y) == pytest.approx(best, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_integer_program_is_never_beaten(seed):
    X, y = gaussian(seed, 8, 2)
    solved = solve(X, y, 0.05)
    smallest = prune(solved, X, y, method="global_minimum")
    for rule in ("max", "magnitude", "lp"):
        assert smallest.n_exact <= prune(solved, X, y, rule=rule, seed=seed).n_exact
    by_vertices = (smallest.optimal.vertices() > 0).sum(axis=1).min()
    assert smallest.n_exact == by_vertices == smallest.lower_bound


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(TO_ONE))
def test_paths_end_at_one_neuron_and_never_beat_the_optimum(seed, method):
    X, y = gaussian(seed, 8, 2)
    path = prune(solve(X, y, 0.05), X, y, method=method, seed=seed)
    assert path.n_neurons[-1] == 1
    assert np.all(np.diff(path.n_neurons) < 0)
    assert path.betas.min() >= 0
    assert path.objective.min() >= path.optimal.objective * (1 - 1e-10)
    assert path.is_optimal[0]


def _least_score_first(path, score):
    """The path that removes the neuron of least score, recomputed at every model, one by one."""
    optimal = path.optimal
    beta, out = path.betas[0].copy(), [path.betas[0].copy()]
    while np.count_nonzero(beta) > 1:
        active = np.flatnonzero(beta)
        values = score(beta, optimal)
        values[values <= 1e-6 * 0.05 * beta] = 0.0  # ties up to the differences' error: by size
        order = np.lexsort((beta[active], values[active]))
        beta[active[order[0]]] = 0.0
        out.append(beta.copy())
    return np.array(out)


def _weight_size(beta, optimal):
    return beta * np.linalg.norm(optimal.directions, axis=1)


def _share_of_the_fit(beta, optimal):
    return np.linalg.norm(np.maximum(optimal.problem.X @ optimal.directions.T, 0) * beta, axis=0)


def _weight_times_gradient(beta, optimal):
    """|w_b * grad_b F(w)| with F = 0.5 |f - y|^2 + lam sum |w_b|, its gradient by differences."""
    X, y, units = optimal.problem.X, optimal.problem.y, optimal.directions
    blocks = [int(optimal.equicorrelation.blocks[m[0]]) for m in optimal.members]
    masks = optimal.problem.patterns[optimal.problem.pattern_of[blocks]]

    def value(b, w):
        weights = beta[:, None] * units
        weights[b] = w
        fit = optimal.signs @ (masks * (weights @ X.T))
        return 0.5 * np.sum((fit - y) ** 2) + 0.05 * np.linalg.norm(weights, axis=1).sum()

    scores = np.zeros(beta.size)
    for b in np.flatnonzero(beta):
        w, step = beta[b] * units[b], 1e-5 * beta[b]
        gradient = [
            (value(b, w + step * e) - value(b, w - step * e)) / (2 * step) for e in np.eye(w.size)
        ]
        scores[b] = np.linalg.norm(w * gradient)
    return scores


@pytest.mark.parametrize(
    ("method", "score"),
    [
        ("magnitude", _weight_size),
        ("activation", _share_of_the_fit),
        ("gradient", _weight_times_gradient),
    ],
)
@pytest.mark.parametrize("seed", [0, 2, 3])
def test_baselines_remove_the_neuron_of_least_score(method, score, seed):
    X, y = gaussian(seed, 8, 2)
    X *= np.geomspace(0.2, 3.0, 8)[:, None]  # rows of unlike size tell the scores apart
    path = prune(solve(X, y, 0.05), X, y, method=method)
    assert len(path.betas) > 3
    assert np.array_equal(path.betas > 0, _least_score_first(path, score) > 0)


def slow_continuation(columns, start):
    """Straightforward reference: one least-squares problem for every neuron at every step."""
    beta, path = start.copy(), [start.copy()]
    while (beta > 0).sum() > 1:
        active = np.flatnonzero(beta)
        scaled = columns[:, active] * beta[active]
        best = (np.inf, None)
        for b in range(active.size):
            others = np.delete(np.arange(active.size), b)
            c, *_ = np.linalg.lstsq(scaled[:, others], scaled[:, b], rcond=None)
            residual = np.linalg.norm(scaled[:, others] @ c - scaled[:, b])
            if residual < best[0]:
                full = np.full(active.size, -1.0)
                full[others] = c
                best = (residual, full)
        c = best[1]
        leaving = int(np.argmax(np.abs(c)))
        beta[active] *= 1 - c / c[leaving]
        beta[active[leaving]] = 0.0
        path.append(beta.copy())
    return np.array(path)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(8, 20), k=st.integers(1, 8))
def test_fast_continuation_equals_one_least_squares_problem_per_neuron(seed, n, k):
    rng = np.random.default_rng(seed)
    columns = np.maximum(rng.standard_normal((n, k)), 0)
    columns[0] += 0.1
    if np.linalg.matrix_rank(columns, tol=1e-3) < k:
        return
    start = rng.random(k) + 0.1
    np.testing.assert_allclose(
        continue_least_squares(columns, start), slow_continuation(columns, start), atol=1e-8
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 8),
    k=st.integers(1, 14),
    rule=st.sampled_from(["max", "magnitude"]),
)
def test_exact_reduction_of_any_cone_combination(seed, n, k, rule):
    """Caratheodory: any non-negative combination reduces to independent columns, one at a time."""
    rng = np.random.default_rng(seed)
    columns = rng.random((n, k))
    start = rng.random(k) + 0.01
    path = reduce_exactly(columns, start, rule)
    fit = columns @ start
    for beta in path:
        assert beta.min() >= 0
        np.testing.assert_allclose(columns @ beta, fit, atol=1e-9 * np.linalg.norm(fit))
    used = path[-1] > 0
    assert np.linalg.matrix_rank(columns[:, used]) == used.sum() == min(n, k)
    assert len(path) == max(k - n, 0) + 1


def test_ties_remove_several_neurons_at_once():
    columns = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]])
    path = reduce_exactly(columns, np.ones(4), "max")
    np.testing.assert_allclose(columns @ path[-1], columns @ np.ones(4))
    assert np.linalg.matrix_rank(columns[:, path[-1] > 0]) == (path[-1] > 0).sum()


@pytest.mark.parametrize("method", METHODS)
def test_above_lambda_max_there_is_nothing_to_prune(method):
    path = prune(solve(FAN_X, FAN_Y, 9.0), FAN_X, FAN_Y, method=method)
    assert path.n_neurons.tolist()[0] == 0
    assert path.n_exact == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_single_neuron_stays(method):
    X, y = np.array([[2.0, 0.0]]), np.array([3.0])
    path = prune(solve(X, y, 1.0), X, y, method=method)
    assert set(path.n_neurons.tolist()) == {1}
    assert path.n_exact == 1


@pytest.mark.parametrize("method", METHODS)
def test_scores_and_networks(method):
    X, y = gaussian(2, 8, 2)
    path = prune(solve(X, y, 0.05), X, y, method=method)
    signs = np.sign(y)
    found = path.scores(X, signs, "train", binary=True)
    W1, w2 = path.optimal.neurons(path.betas[-1])
    prediction = np.maximum(X @ W1.T, 0) @ w2
    assert found["train_mse"][-1] == pytest.approx(np.mean((prediction - signs) ** 2))
    assert found["train_accuracy"][-1] == np.mean(np.sign(prediction) == signs)
    assert path.neurons(int(path.n_neurons[-1]))[0].shape[0] == path.n_neurons[-1]


def test_refusals_name_the_key():
    X, y = FAN_X, FAN_Y
    solved = solve(X, y, 1.0)
    with pytest.raises(ReluOptimaError, match=r"pruning\.method.*'optimul'"):
        prune(solved, X, y, method="optimul")
    with pytest.raises(SolveInputError, match=r"pruning\.rule"):
        prune(solved, X, y, rule="best")
    with pytest.raises(SolveInputError, match=r"pruning\.depth"):
        prune(solved, X, y, depth=3)
    with pytest.raises(SolveInputError, match=r"pruning\.slack_tol"):
        prune(solved, X, y, slack_tol=-1.0)
    with pytest.raises(SolveInputError, match="at most 1"):
        prune(solved, X, y).neurons(1)


def test_same_seed_gives_identical_paths():
    X, y = gaussian(2, 8, 2)
    solved = solve(X, y, 0.05)
    for method in METHODS:
        one = prune(solved, X, y, method=method, seed=5).betas
        assert one.tobytes() == prune(solved, X, y, method=method, seed=5).betas.tobytes()
    orders = {prune(solved, X, y, method="random", seed=s).betas.tobytes() for s in range(6)}
    assert len(orders) > 1


def test_the_smallest_neuron_gives_its_mass_away():
    columns = np.array([[1.0, 1.0], [2.0, 2.0]])
    path = reduce_exactly(columns, np.array([1.0, 2.0]), "magnitude")
    np.testing.assert_allclose(path, [[1.0, 2.0], [0.0, 3.0]], atol=1e-12)
