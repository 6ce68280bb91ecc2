"""The estimators keep scikit-learn's conventions and the certificate."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from relu_optima.sklearn import (
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
)


@parametrize_with_checks(
    [
        ConvexReLURegressor(gates=10),
        ConvexReLUClassifier(gates=10, neurons="gated"),
        ConvexReLURegressorCV(gates=5, n_lams=3, cv=2),
        ConvexReLUClassifierCV(gates=5, n_lams=3, cv=2, neurons="gated"),
    ]
)
def test_sklearns_own_checks(estimator, check):
    check(estimator)


def test_a_fit_is_certified_and_its_network_predicts():
    X, y = load_diabetes(return_X_y=True)
    model = ConvexReLURegressor(lam=0.02).fit(X, y)
    assert model.dual_gap_ <= 1e-6
    assert model.certificate_.objective == pytest.approx(model.solution_.objective)
    ones = np.hstack([X, np.ones((len(X), 1))])
    assert model.predict(X) == pytest.approx(model.network_.predict(ones) + y.mean())
    assert pickle.loads(pickle.dumps(model)).predict(X) == pytest.approx(model.predict(X))
    assert model.fit(csr_matrix(X), y).predict(X) == pytest.approx(model.predict(csr_matrix(X)))


def test_the_strength_is_the_best_of_the_held_out_folds():
    X, y = load_breast_cancer(return_X_y=True)
    model = ConvexReLUClassifierCV(n_lams=5, cv=3, gates=20)
    fitted = make_pipeline(StandardScaler(), model).fit(X, y)[-1]
    means = fitted.scores_.mean(axis=0)
    assert fitted.lam_ == fitted.lams_[means.argmax()]
    assert means.max() > 0.93
    assert means[0] < means.max()  # the zero network knows no class


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge", "hinge"])
def test_a_classifier_with_another_loss_is_certified_and_fits_its_intercept(loss):
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    names = np.array(["malignant", "benign"])[y]
    model = ConvexReLUClassifier(lam=0.2, gates=10, loss=loss).fit(X, names)
    assert model.dual_gap_ <= 1e-6
    assert model.network_.b2 == model.solution_.found.intercept != 0
    ones = np.hstack([X, np.ones((len(X), 1))])
    assert model.decision_function(X) == pytest.approx(model.network_.predict(ones))
    # at the optimum of an intercept without penalty the slopes of the loss cancel
    assert abs(model.certificate_.dual.sum()) <= 1e-9 * np.abs(model.certificate_.dual).sum()
    assert model.score(X, names) > 0.85
    with pytest.raises(ValueError, match="several outputs"):
        model.fit(X[:9], np.arange(9) // 3)


def test_a_fitted_offset_is_no_worse_than_the_mean():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:60], y[:60]
    held = ConvexReLURegressor(lam=2.0, lam_scale="absolute", gates=10).fit(X, y)
    fitted = ConvexReLURegressor(lam=2.0, lam_scale="absolute", gates=10, fit_offset=True)
    assert fitted.fit(X, y).certificate_.objective < held.certificate_.objective
    assert fitted.predict(X).mean() == pytest.approx(y.mean())
