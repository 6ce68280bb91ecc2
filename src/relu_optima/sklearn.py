r"""Estimators of scikit-learn on the certified convex program of a two-layer ReLU network.

All minimise, over networks f whose neurons have one of the sampled activation patterns,

.. math:: \tfrac12 \lVert f(X) - y \rVert^2 + \lambda \sum_j \lVert u_j \rVert \, \lVert v_j \rVert

and keep the certificate of the optimum. With several outputs, or more than two classes (least
squares on their indicators), each output has neurons of its own.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from relu_optima.convex import one_vs_all_lambda_max, regularization_path, sample_gates
from relu_optima.errors import extras_named
from relu_optima.library.solution import Solution
from relu_optima.library.solving import solve

with extras_named():
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.metrics import r2_score
    from sklearn.model_selection import check_cv
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data

FOLD_TOL = 1e-3  # relative gap on folds: they rank strengths, the final fit is solved to tol


class _ConvexReLU(BaseEstimator):  # type: ignore[misc]
    """What regressor and classifier share: parameters, the solve, the outputs."""

    def __init__(
        self,
        lam: float = 0.05,
        *,
        lam_scale: str = "max",
        gates: int = 50,
        neurons: str = "relu",
        fit_intercept: bool = True,
        tol: float = 1e-6,
        random_state: Any = 0,
    ) -> None:
        self.lam = lam
        self.lam_scale = lam_scale
        self.gates = gates
        self.neurons = neurons
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.random_state = random_state

    def _inputs(self, X: np.ndarray) -> np.ndarray:
        """Densify, and append the constant input of the penalised biases."""
        dense = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        return np.hstack([dense, np.ones((len(dense), 1))]) if self.fit_intercept else dense

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _solve(self, X: np.ndarray, Y: np.ndarray) -> None:
        """Fit a target that is centred, so that zero is the best constant."""
        self.offset_ = Y.mean(axis=0)
        seed = self._seed()
        solution = solve(
            self._inputs(X), Y - self.offset_, self._strength(X, Y - self.offset_, seed),
            lam_scale=self.lam_scale, gates=self.gates, neurons=self.neurons,
            outputs="separate", tol=self.tol, seed=seed,
        )  # fmt: skip
        self._keep(solution)

    def _strength(self, X: np.ndarray, Y: np.ndarray, seed: int) -> float:
        """Strength to solve for; subclasses choose it from the data."""
        return self.lam

    def _keep(self, solution: Solution) -> None:
        self.solution_ = solution
        self.network_ = solution.network
        self.certificate_ = solution.certify()
        self.dual_gap_ = self.certificate_.gap
        self.lam_max_ = solution.lam_max
        self.n_iter_ = int(solution.found.counts.get("outer", 1)) or 1

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=np.float64)
        return np.asarray(self.solution_.predict(self._inputs(X)) + self.offset_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ConvexReLURegressor(RegressorMixin, _ConvexReLU):  # type: ignore[misc]
    r"""Least-squares regression by a certified optimal two-layer ReLU network.

    .. math:: \min \tfrac12 \lVert f(X) - (y - \bar y) \rVert^2
              + \lambda \sum_j \lVert u_j \rVert \, \lVert v_j \rVert

    Parameters
    ----------
    lam : float, default 0.05
        Regularisation strength, positive.
    lam_scale : {"max", "absolute"}, default "max"
        ``lam`` is a share of the smallest strength whose optimum is zero, or canonical.
    gates : int, default 50
        Sampled activation patterns.
    neurons : {"relu", "gated"}, default "relu"
        ReLU neurons, or gated ones with free weights.
    fit_intercept : bool, default True
        Append a constant input to every neuron; its weight is penalised like the others. The mean
        of the target is taken out in any case.
    tol : float, default 1e-6
        Relative duality gap at which to stop.
    random_state : int, RandomState or None, default 0
        Draws the gates.

    Attributes
    ----------
    solution_ : relu_optima.Solution
        The solved program.
    network_ : TwoLayerNetwork or ShallowNetwork
        Its network, for inputs with the constant appended.
    certificate_ : Certificate
        Independent bounds of the optimum.
    dual_gap_ : float
        Its relative duality gap.
    lam_max_ : float
        Smallest strength whose optimum is zero.
    offset_ : float or array, shape (K,)
        Mean of the training targets.
    n_features_in_ : int
        Features of the training inputs.

    References
    ----------
    Pilanci & Ergen 2020; Mishkin, Sahiner & Pilanci 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ConvexReLURegressor(lam=0.1).fit(X, y)
    >>> bool(model.dual_gap_ <= 1e-6)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Solve the program of the training data.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, d)
            Inputs; sparse ones are made dense.
        y : array, shape (n,) or (n, K)
            Targets.

        Returns
        -------
        ConvexReLURegressor
            The fitted estimator.
        """
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True, y_numeric=True
        )
        self._solve(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array or sparse matrix, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,) or (m, K)
            Predictions.
        """
        return self._outputs(X)

    def _judge(self, outputs: np.ndarray, Y: np.ndarray) -> float:
        return float(r2_score(Y, outputs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class ConvexReLUClassifier(ClassifierMixin, _ConvexReLU):  # type: ignore[misc]
    r"""Classification by a certified optimal two-layer ReLU network, least squares on the labels.

    Two classes are coded -1 and +1; more are indicators, one output for each:

    .. math:: \min \tfrac12 \lVert f(X) - (Y - \bar Y) \rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert \, \lVert v_j \rVert

    Parameters
    ----------
    lam : float, default 0.05
        Regularisation strength, positive.
    lam_scale : {"max", "absolute"}, default "max"
        ``lam`` is a share of the smallest strength whose optimum is zero, or canonical.
    gates : int, default 50
        Sampled activation patterns.
    neurons : {"relu", "gated"}, default "relu"
        ReLU neurons, or gated ones with free weights.
    fit_intercept : bool, default True
        Append a constant input to every neuron; its weight is penalised like the others.
    tol : float, default 1e-6
        Relative duality gap at which to stop.
    random_state : int, RandomState or None, default 0
        Draws the gates.

    Attributes
    ----------
    classes_ : array, shape (K,)
        Labels.
    solution_, network_, certificate_, dual_gap_, lam_max_, offset_, n_features_in_
        As in `ConvexReLURegressor`.

    References
    ----------
    Pilanci & Ergen 2020; Sahiner et al. 2021 for several outputs.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ConvexReLUClassifier(lam=0.05, neurons="gated").fit(X[:100], y[:100])
    >>> float(model.score(X[:100], y[:100]))
    1.0
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Solve the program of the training data.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, d)
            Inputs; sparse ones are made dense.
        y : array, shape (n,)
            Labels of at least two classes.

        Returns
        -------
        ConvexReLUClassifier
            The fitted estimator.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("there is one class: a classifier needs at least two classes")
        if len(self.classes_) == 2:
            self._solve(X, 2.0 * codes - 1.0)
        else:
            self._solve(X, np.eye(len(self.classes_))[codes])
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the outputs of the network.

        Parameters
        ----------
        X : array or sparse matrix, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,) or (m, K)
            Positive for the second of two classes; largest for the class of several.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array or sparse matrix, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m,)
            Labels.
        """
        outputs = self._outputs(X)
        chosen = outputs.argmax(axis=1) if outputs.ndim == 2 else (outputs > 0).astype(int)
        return np.asarray(self.classes_[chosen])

    def _judge(self, outputs: np.ndarray, Y: np.ndarray) -> float:
        if Y.ndim == 1:
            return float(np.mean((Y.mean() < Y) == (outputs > Y.mean())))
        return float(np.mean(Y.argmax(axis=1) == outputs.argmax(axis=1)))


class _ChoosesStrength(_ConvexReLU):
    """Choose lam by cross-validation along one path for each fold."""

    def __init__(
        self,
        *,
        n_lams: int = 10,
        smallest: float = 1e-2,
        cv: Any = 5,
        gates: int = 50,
        neurons: str = "relu",
        fit_intercept: bool = True,
        tol: float = 1e-6,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            gates=gates, neurons=neurons, fit_intercept=fit_intercept, tol=tol,
            random_state=random_state,
        )  # fmt: skip
        self.n_lams = n_lams
        self.smallest = smallest
        self.cv = cv

    def _strength(self, X: np.ndarray, Y: np.ndarray, seed: int) -> float:
        """Share of lam_max whose mean score on the held-out folds is best, the larger of ties."""
        self.lams_ = np.geomspace(1.0, self.smallest, self.n_lams)
        sorts = isinstance(self, ClassifierMixin)
        labels = (Y.mean() < Y).astype(int) if Y.ndim == 1 else Y.argmax(axis=1)
        folds = check_cv(self.cv, labels if sorts else None, classifier=sorts)
        self.scores_ = np.array(
            [self._fold_scores(X, Y, fit, held, seed) for fit, held in folds.split(X, labels)]
        )
        self.lam_ = float(self.lams_[int(np.argmax(self.scores_.mean(axis=0)))])
        return self.lam_

    def _fold_scores(
        self, X: np.ndarray, Y: np.ndarray, fit: np.ndarray, held: np.ndarray, seed: int
    ) -> list[float]:
        Z, offset = self._inputs(X[fit]), Y[fit].mean(axis=0)
        targets = (Y[fit] - offset).reshape(len(fit), -1)
        gates = sample_gates(Z, self.gates, seed)
        top = one_vs_all_lambda_max(Z, targets, gates, self.neurons)
        lams = list((top or 1.0) * self.lams_)
        paths = [
            regularization_path(Z, target, gates, lams, formulation=self.neurons, tol=FOLD_TOL)
            for target in targets.T
        ]
        Z, found = self._inputs(X[held]), Y[held]
        scores = []
        for solutions in zip(*paths, strict=True):
            outputs = np.stack([Solution(one, top).predict(Z) for one in solutions], axis=-1)
            scores.append(self._judge(outputs.reshape(found.shape) + offset, found))
        return scores


class ConvexReLURegressorCV(_ChoosesStrength, ConvexReLURegressor):
    r"""`ConvexReLURegressor` with the strength chosen by cross-validation.

    .. math:: \min \tfrac12 \lVert f(X) - (y - \bar y) \rVert^2
              + \lambda \sum_j \lVert u_j \rVert \, \lVert v_j \rVert

    Parameters
    ----------
    n_lams : int, default 10
        Strengths tried, as shares of each fold's lam_max, equal in logarithm.
    smallest : float, default 0.01
        The last share, in (0, 1).
    cv : int, splitter or iterable, default 5
        Folds, as scikit-learn understands them.
    gates, neurons, fit_intercept, tol, random_state
        As in `ConvexReLURegressor`.

    Attributes
    ----------
    lam_ : float
        Chosen share of lam_max.
    lams_ : array, shape (n_lams,)
        Shares tried.
    scores_ : array, shape (folds, n_lams)
        R^2 on the held-out rows.
    solution_, network_, certificate_, dual_gap_, lam_max_, offset_, n_features_in_
        As in `ConvexReLURegressor`, of the refit on all rows.

    References
    ----------
    Mishkin & Pilanci 2023 for the path.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ConvexReLURegressorCV(n_lams=4, cv=3, gates=10).fit(X[:90], y[:90])
    >>> model.scores_.shape
    (3, 4)
    """


class ConvexReLUClassifierCV(_ChoosesStrength, ConvexReLUClassifier):
    r"""`ConvexReLUClassifier` with the strength chosen by cross-validation.

    .. math:: \min \tfrac12 \lVert f(X) - (Y - \bar Y) \rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert \, \lVert v_j \rVert

    Parameters
    ----------
    n_lams : int, default 10
        Strengths tried, as shares of each fold's lam_max, equal in logarithm.
    smallest : float, default 0.01
        The last share, in (0, 1).
    cv : int, splitter or iterable, default 5
        Folds, stratified where it is a number.
    gates, neurons, fit_intercept, tol, random_state
        As in `ConvexReLUClassifier`.

    Attributes
    ----------
    lam_ : float
        Chosen share of lam_max.
    lams_ : array, shape (n_lams,)
        Shares tried.
    scores_ : array, shape (folds, n_lams)
        Accuracy on the held-out rows.
    classes_, solution_, network_, certificate_, dual_gap_, lam_max_, offset_, n_features_in_
        As in `ConvexReLUClassifier`, of the refit on all rows.

    References
    ----------
    Mishkin & Pilanci 2023 for the path.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = ConvexReLUClassifierCV(n_lams=3, cv=3, gates=10).fit(X[:90] / 100, y[:90])
    >>> model.scores_.shape
    (3, 3)
    """
