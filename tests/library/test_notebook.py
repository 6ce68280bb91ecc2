"""The lines of a notebook, as people type them."""

import numpy as np
import pytest

import relu_optima as ro
from relu_optima.errors import DataError, SolveInputError


@pytest.fixture(scope="module")
def data():
    X, y = ro.datasets.load("diabetes")
    return X[:120], y[:120]


@pytest.fixture(scope="module")
def solution(data):
    return ro.solve(*data, lam=0.1, lam_scale="max", gates=40)


def test_a_solution_says_what_it_is_in_a_line(data, solution):
    text = repr(solution)
    assert "relu 120 x 10" in text
    assert "(0.1 of max): optimal" in text
    assert len(text) < 120
    assert solution.lam == pytest.approx(0.1 * solution.lam_max)
    assert solution.certify().gap <= 1e-6
    X, y = data
    error = solution.network.predict(X) - y
    weights = np.sum(solution.network.W1**2) + np.sum(solution.network.w2**2)
    assert 0.5 * error @ error + solution.lam / 2 * weights == pytest.approx(solution.objective)
    assert solution.network.w2.size == solution.n_neurons


def test_a_path_is_indexed_by_strength_and_drawn(data):
    path = ro.path(*data, n_lams=6, gates=20)
    assert len(path) == len(path.lam) == 6
    assert path[0].n_neurons == 0
    assert np.all(np.diff(path.objective) < 0)
    assert path[3].network.predict(data[0]).shape == (120,)
    assert "path of 6 strengths" in repr(path)
    assert path.plot().get_xscale() == "log"


@pytest.mark.parametrize("neurons", ["relu", "gated"])
def test_all_optima_are_asked_of_the_solution(data, neurons):
    X = np.hstack([data[0][:40, :2], np.ones((40, 1))])
    gates = np.random.default_rng(0).standard_normal((3, 12))
    found = ro.solve(X, data[1][:40], 0.05, lam_scale="max", gates=gates, neurons=neurons)
    optima = found.optima()
    assert repr(optima).startswith("<optimal set")
    assert optima.vertices().shape[1] == len(optima.set.directions)
    small = optima.prune()
    assert small.n_neurons == small.network.w2.size <= found.n_neurons
    for network in (optima.network(), optima.smallest(), small.network, small[len(small) - 1]):
        assert network.objective(X, data[1][:40], found.lam) == pytest.approx(found.objective)
    assert found.jacobian().degrees_of_freedom >= 0


def test_what_training_reached_is_certified_by_its_own_gates(data):
    X, y = data
    masks = [np.ones((6, 10)), np.ones((1, 6))]
    net = ro.train(X, y, masks=masks, method="rigl", epochs=20, lam=2.0, density=0.5)
    assert "10-6-1 after 20 epochs: ok" in repr(net)
    again = ro.solve(X, y, lam=net.lam, gates=net.network)
    weights = np.sum(net.network.W1**2) + np.sum(net.network.w2**2)
    error = net.network.predict(X) - y
    assert again.objective <= 0.5 * error @ error + net.lam / 2 * weights + 1e-9
    assert ro.decide(masks).certificate.verify()


def test_all_patterns_several_outputs_and_supports_are_the_same_call(data):
    X, y = data[0][:30, :2], data[1][:30]
    best = ro.solve(X, y, lam=0.1, lam_scale="max", gates="all")
    assert (best.status, best.found.exact) == ("optimal", True)
    assert best.certify().gap <= 1e-5
    assert best.predict(X).shape == (30,)
    assert "-> 1" not in repr(best)
    sampled = ro.solve(X, y, best.lam, gates=10)
    assert best.dual_objective <= sampled.objective
    many = ro.solve(X, np.c_[y, y**2], lam=0.1, lam_scale="max", gates="all")
    assert many.predict(X).shape == (30, 2)
    assert "-> 2" in repr(many)
    assert many.certify().gap <= 1e-5
    gated = ro.solve(X, np.c_[y, y**2], 1.0, gates=10, neurons="gated")
    separate = ro.solve(X, np.c_[y, y**2], 1.0, gates=10, neurons="gated", outputs="separate")
    assert gated.certify().gap <= 1e-5
    assert separate.certify().gap <= 1e-5
    assert gated.dual_objective <= separate.objective
    pairs = ro.solve(data[0][:30, :4], y, lam=0.1, lam_scale="max", supports="pairs")
    assert pairs.certify().gap <= 1e-5
    assert np.all(np.count_nonzero(pairs.network.U, axis=1) <= 2)
    with pytest.raises(SolveInputError, match="one output over listed gates"):
        pairs.optima()


@pytest.mark.slow
def test_more_patterns_than_can_be_listed_are_a_sub_program_with_a_bound(data):
    X, y = data[0][:60, :5], data[1][:60]
    found = ro.solve(X, y, lam=3.0, gates="all", tol=1e-2)
    assert found.status == "sub_program"
    assert not found.found.exact
    assert found.dual_objective < found.objective
    with pytest.raises(SolveInputError, match="too many patterns"):
        ro.solve(X, y, lam=0.1, lam_scale="max", gates="all")
    with pytest.raises(SolveInputError, match="not kept"):
        found.certify()


def test_other_data_are_refused_where_they_could_be_given(data, solution):
    with pytest.raises(SolveInputError, match="shape"):
        solution.predict(data[0][:, :2])
    with pytest.raises(SolveInputError, match="no method"):
        ro.solve(*data, 0.1, gates="all", neurons="gated")
    with pytest.raises(SolveInputError, match="gates"):
        ro.solve(*data, 0.1, gates=None)
    with pytest.raises(DataError, match="diabetis"):
        ro.datasets.load("diabetis")
    with pytest.raises(DataError, match=r"dataset\.klasses"):
        ro.datasets.load("iris", klasses=[0, 1])
    with pytest.raises(SolveInputError, match=r"training\.epoch"):
        ro.train(*data, epoch=3)
