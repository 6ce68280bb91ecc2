"""Targets of several outputs: indicators of classes, and teachers that explain their data."""

import numpy as np
import pytest

from relu_optima.datasets.loaders import planted_filters, planted_vector, spiral
from relu_optima.datasets.preparation import prepare
from relu_optima.datasets.raw import RawData
from relu_optima.errors import DataError


def raw(y: np.ndarray) -> RawData:
    return RawData("r", np.arange(2.0 * len(y)).reshape(-1, 2), y, "classes", "1 for the class")


@pytest.mark.parametrize(
    "y",
    [
        np.ones((4, 1)),
        np.eye(3)[[0, 1, 1, 0]],
        np.array([[1.0, 1], [0, 1], [1, 0]]),
        np.array([[0.5, 0.5], [0, 1], [1, 0]]),
        np.array([0.0, 1, 1]),
    ],
    ids=["one class", "empty class", "two classes in a row", "no indicator", "one column"],
)
def test_targets_that_are_no_classes_are_refused(y):
    with pytest.raises(DataError, match="indicators"):
        prepare(raw(y), spiral.Config(loader="spiral"))


def test_a_class_that_the_split_leaves_without_training_rows_is_named():
    y = np.eye(3)[[0, 0, 0, 1, 1, 1, 2]]
    # of seven rows three train; the last class has one row
    kept = []
    for seed in range(8):
        config = spiral.Config(loader="spiral", test_fraction=0.5, seed=seed)
        rows = np.random.default_rng(seed).permutation(np.arange(7))[3:]
        kept.append(y[rows].any(axis=0).all())
        if kept[-1]:
            assert prepare(raw(y), config).y_train.any(axis=0).all()
        else:
            with pytest.raises(DataError, match=r"class \d has no training row"):
                prepare(raw(y), config)
    assert 0 < sum(kept) < 8


def test_arms_of_the_spiral_are_balanced_and_grow():
    data = spiral.load(spiral.Config(loader="spiral", per_class=7, classes=4, noise=0.0))
    assert data.task == "classes"
    np.testing.assert_array_equal(data.y.sum(axis=0), [7, 7, 7, 7])
    radius = np.linalg.norm(data.X, axis=1).reshape(4, 7)
    np.testing.assert_allclose(radius, np.tile(np.linspace(0, 0.5, 7), (4, 1)), atol=1e-15)


def test_teachers_explain_noiseless_targets():
    data = planted_vector.load(planted_vector.Config(loader="planted_vector", noise=0.0))
    U, V = data.extra["teacher_W1"], data.extra["teacher_W2"]
    np.testing.assert_allclose(np.maximum(data.X @ U.T, 0) @ V, data.y)
    config = planted_filters.Config(loader="planted_filters", noise=0.0, length=6, filter_size=3)
    data = planted_filters.load(config)
    U, V = data.extra["teacher_filters"], data.extra["teacher_W2"]
    pooled = np.mean([np.maximum(data.X[:, k : k + 3] @ U.T, 0) for k in range(4)], axis=0)
    np.testing.assert_allclose(pooled @ V, data.y)
    with pytest.raises(DataError, match="length"):
        planted_filters.load(config.model_copy(update={"filter_size": 7}))
