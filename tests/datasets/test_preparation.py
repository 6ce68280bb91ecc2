"""Split, standardisation and checks, stated as properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.preparation import prepare
from relu_optima.datasets.raw import RawData, array_digest, binary_labels
from relu_optima.errors import DataError


def raw(n=40, d=3, seed=0, task="regression"):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((n, d))
    y = generator.standard_normal(n)
    return RawData("test", X, np.sign(y) if task == "binary" else y, task, "")


@given(
    n=st.integers(4, 60),
    fraction=st.sampled_from([0.1, 0.2, 0.25, 0.5]),
    seed=st.integers(0, 50),
)
def test_split_is_a_partition_as_published(n, fraction, seed):
    data = raw(n)
    config = DatasetConfig(loader="test", seed=seed, test_fraction=fraction, standardise=False)
    out = prepare(data, config)
    order = np.arange(n)
    np.random.default_rng(seed).shuffle(order)
    count = int(np.floor(n * fraction))
    assert np.array_equal(out.rows_test, order[:count])
    assert np.array_equal(out.rows_train, order[count:])
    assert np.array_equal(out.X_train, data.X[order[count:]])
    assert np.array_equal(out.y_test, data.y[order[:count]])


@given(n=st.integers(8, 60), fraction=st.sampled_from([0.1, 0.25, 0.5]), seed=st.integers(0, 50))
def test_validation_rows_are_taken_from_the_training_rows_in_the_same_way(n, fraction, seed):
    data = raw(n)
    config = DatasetConfig(
        loader="test", seed=seed, validation_fraction=fraction, validation_seed=seed + 1
    )
    out = prepare(data, config)
    whole = prepare(data, DatasetConfig(loader="test", seed=seed))
    order = np.arange(len(whole.rows_train))
    np.random.default_rng(seed + 1).shuffle(order)
    count = int(np.floor(order.size * fraction))
    assert np.array_equal(out.rows_valid, whole.rows_train[order[:count]])
    assert np.array_equal(out.rows_train, whole.rows_train[order[count:]])
    assert np.array_equal(out.rows_test, whole.rows_test)
    back = out.X_valid * data.X[out.rows_train].std(axis=0) + data.X[out.rows_train].mean(axis=0)
    assert np.allclose(back, data.X[out.rows_valid])
    assert np.array_equal(out.y_valid, data.y[out.rows_valid])


@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-100, 100), seed=st.integers(0, 20))
def test_standardising_forgets_the_units(scale, shift, seed):
    data = raw(seed=seed)
    config = DatasetConfig(loader="test")
    moved = RawData("test", data.X * scale + shift * scale, data.y, "regression", "")
    assert np.allclose(prepare(data, config).X_train, prepare(moved, config).X_train, atol=1e-6)
    assert np.allclose(prepare(data, config).X_test, prepare(moved, config).X_test, atol=1e-6)


def test_test_rows_do_not_influence_the_standardisation():
    data = raw()
    config = DatasetConfig(loader="test", test_fraction=0.25)
    first = prepare(data, config)
    X = data.X.copy()
    X[first.rows_test] *= 100
    second = prepare(RawData("test", X, data.y, "regression", ""), config)
    assert np.array_equal(first.X_train, second.X_train)


def test_constant_columns_are_dropped_and_named():
    data = raw()
    X = np.insert(data.X, [1, 3], [[0.1, 5e8]], axis=1)
    out = prepare(RawData("test", X, data.y, "regression", ""), DatasetConfig(loader="test"))
    assert out.columns.tolist() == [0, 2, 3]
    assert out.X_train.shape[1] == 3


def test_bias_column_and_subsample():
    config = DatasetConfig(loader="test", bias=True, max_rows=10, test_fraction=0.2)
    out = prepare(raw(), config)
    assert out.X_train.shape == (8, 4)
    assert np.array_equal(out.X_train[:, -1], np.ones(8))
    assert np.array_equal(out.X_test[:, -1], np.ones(2))


def test_official_test_split_is_kept():
    data = raw()
    official = RawData("test", data.X, data.y, "regression", "", data.X[:5] + 1, data.y[:5])
    out = prepare(official, DatasetConfig(loader="test", standardise=False, max_rows=20))
    assert out.X_train.shape[0] == 20
    assert np.array_equal(out.X_test, data.X[:5] + 1)


def with_entry(value):
    data = raw()
    X = data.X.copy()
    X[4, 1] = value
    return RawData("test", X, data.y, "regression", "")


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        (RawData("t", np.zeros((0, 3)), np.zeros(0), "regression", ""), {}, "shape"),
        (RawData("t", np.zeros((3, 0)), np.zeros(3), "regression", ""), {}, "shape"),
        (RawData("t", np.zeros((3, 2)), np.zeros(4), "regression", ""), {}, "4"),
        (with_entry(np.nan), {}, "row 4"),
        (with_entry(np.inf), {}, "row 4"),
        (RawData("t", raw().X, np.ones(40), "binary", ""), {}, "two classes"),
        (RawData("t", np.ones((5, 2)), np.arange(5.0), "regression", ""), {}, "constant"),
        (raw(task="binary"), {"standardise_target": True}, "standardise_target"),
        (raw(), {"sha256": "f" * 64}, "digest"),
    ],
)
def test_unusable_data_give_one_error_that_names_the_key(data, config, message):
    with pytest.raises(DataError, match=message) as caught:
        prepare(data, DatasetConfig(loader="test", **config))
    assert "dataset." in str(caught.value)


@pytest.mark.parametrize("classes", [[0, 0], [0, 9], [1]])
def test_classes_must_be_two_that_occur(classes):
    with pytest.raises(DataError, match="not two different classes"):
        binary_labels(np.array([0, 1, 2]), classes, "dataset.classes")


def test_digest_sees_shape_and_content_but_not_the_sign_of_zero():
    X = np.arange(6.0).reshape(2, 3)
    assert array_digest(X) != array_digest(X.reshape(3, 2))
    assert array_digest(X) != array_digest(X + 1e-12)
    assert array_digest(np.array([0.0])) == array_digest(np.array([-0.0]))
    assert array_digest(X) == array_digest(np.asfortranarray(X))


@given(n=st.integers(2, 8), extra=st.integers(0, 5), seed=st.integers(0, 20))
def test_whitening_makes_rows_orthonormal_by_the_least_change(n, extra, seed):
    data = raw(n, n + extra, seed)
    config = DatasetConfig(loader="test", test_fraction=0, standardise=False, whiten="zca_rows")
    X = prepare(data, config).X_train
    assert np.allclose(X @ X.T, np.eye(n), atol=1e-9)
    # the nearest orthonormal rows: X Z' is symmetric and positive semidefinite
    overlap = data.X @ X.T
    assert np.allclose(overlap, overlap.T, atol=1e-8)
    assert np.linalg.eigvalsh(overlap).min() > 0


def test_whitening_is_one_map_of_features_for_all_rows():
    data = raw(12, 9)
    config = DatasetConfig(
        loader="test", test_fraction=0.5, standardise=False, whiten="zca_rows", seed=3
    )
    out = prepare(data, config)
    train, test = data.X[out.rows_train], data.X[out.rows_test]
    inside = np.linalg.lstsq(train.T, test.T, rcond=None)[0]  # the part in the span of the rows
    assert np.allclose(out.X_test, inside.T @ out.X_train, atol=1e-8)


@pytest.mark.parametrize("standardise", [False, True])
def test_whitening_refuses_dependent_rows(standardise):
    config = DatasetConfig(
        loader="test", test_fraction=0, standardise=standardise, whiten="zca_rows"
    )
    data = raw(6, 9) if standardise else raw(6, 4)
    with pytest.raises(DataError, match=r"dataset\.whiten"):
        prepare(data, config)
