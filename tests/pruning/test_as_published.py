"""Pruning as the authors coded it, held against the exact phase and the continuation."""

import numpy as np
import pytest

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import SolveInputError
from relu_optima.pruning import prune, stage
from relu_optima.pruning.approximate import continue_least_squares
from relu_optima.pruning.as_published import prune_as_published
from tests.optimal_set import records
from tests.optimal_set.programs import FAN_X, FAN_Y, WORKED_X, WORKED_Y, gaussian, solve


@pytest.mark.parametrize("seed", range(5))
def test_with_independent_columns_it_is_the_continuation(seed):
    rng = np.random.default_rng(seed)
    columns, start = rng.standard_normal((30, 9)), rng.uniform(0.5, 2, 9)
    expected = continue_least_squares(columns, start)
    found = prune_as_published(columns, start)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_dependent_columns_leave_without_changing_the_fit(seed):
    rng = np.random.default_rng(seed)
    columns = rng.standard_normal((30, 6)) @ rng.standard_normal((6, 9))
    start = rng.uniform(0.5, 2, 9)
    path = prune_as_published(columns, start)
    kept = np.linalg.norm((path - start) @ columns.T, axis=1) <= 1e-6 * np.linalg.norm(columns)
    sizes = np.count_nonzero(path, axis=1)
    assert sizes[kept].min() == 6
    assert sizes[-1] == 1
    assert path.min() >= 0


def test_a_split_neuron_counts_twice_until_it_is_merged():
    solution = solve(WORKED_X, WORKED_Y, 0.1)
    published = prune(solution, WORKED_X, WORKED_Y, "optimal_ls", mode="published")
    exact = prune(solution, WORKED_X, WORKED_Y, "optimal_ls")
    assert exact.n_neurons[0] == 2
    assert published.n_neurons[0] > exact.n_neurons[0]
    assert published.objective[0] == pytest.approx(exact.objective[0], rel=1e-6)
    # the norms of a split neuron add up, so the penalty is the optimal one
    assert published.penalty[0] == pytest.approx(exact.penalty[0], rel=1e-5)


@pytest.mark.parametrize("method", ["optimal_ls", "magnitude", "gradient", "activation", "random"])
def test_every_published_run_keeps_the_contract_and_verifies(method):
    X, y = gaussian(2, 8, 2)
    upstream = records.upstream(solve(X, np.sign(y), 0.05), X, np.sign(y), "binary")
    config = load_plugin("pruning", method).Config(method=method, mode="published")
    outcome = stage.run(records.task("pruning", config, upstream))
    records.assert_contract(outcome)
    assert outcome.row["mode"] == "published"
    assert outcome.row["n_start"] >= 1
    assert outcome.row["penalty_ratio"] == pytest.approx(1.0, abs=1e-4)
    assert outcome.row["fit_error"] < 1e-4
    assert stage.verify(records.stored("pruning", outcome), upstream) == []


@pytest.mark.parametrize("method", ["optimal_ls", "magnitude", "random"])
def test_beyond_lambda_max_there_is_nothing_to_prune(method):
    path = prune(solve(FAN_X, FAN_Y, 50.0), FAN_X, FAN_Y, method)
    assert path.betas.shape == (1, 0)


@pytest.mark.parametrize("method", ["optimal", "global_minimum"])
def test_exact_methods_refuse_to_start_outside_the_optimal_set(method):
    with pytest.raises(SolveInputError, match="mode"):
        prune(solve(FAN_X, FAN_Y, 1.0), FAN_X, FAN_Y, method, mode="published")
