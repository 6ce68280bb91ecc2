"""Train a sparse ReLU network by any of the package's methods, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.config.validate import config_of
from relu_optima.convex.network import TwoLayerNetwork
from relu_optima.convex.shallow import ShallowNetwork
from relu_optima.errors import SolveInputError, extras_named

if TYPE_CHECKING:
    from relu_optima.training import Trained


@dataclass(frozen=True, repr=False)
class TrainedNetwork:
    """What training reached.

    Attributes
    ----------
    trained : relu_optima.training.Trained
        Weights, masks and the series of every logged epoch.
    lam : float
        Canonical strength of its weight decay.
    """

    trained: Trained
    lam: float

    def __repr__(self) -> str:
        widths = [self.trained.masks[0].shape[1], *(m.shape[0] for m in self.trained.masks)]
        loss = self.trained.series["loss"]
        return (
            f"<network {'-'.join(map(str, widths))} after {self.trained.epochs} epochs: "
            f"{self.trained.status}, loss {loss[-1]:.3g}, lam {self.lam:.3g}>"
        )

    @property
    def network(self) -> TwoLayerNetwork | ShallowNetwork:
        """The network as the convex programs have it: two layers, no biases.

        Raises
        ------
        SolveInputError
            If it has more layers, or biases.
        """
        weights = self.trained.weights
        if len(weights) != 2 or any(np.any(b) for b in self.trained.biases):
            raise SolveInputError(
                f"it has {len(weights)} layers" + (" and biases" if self.trained.biases else ""),
                allowed="two layers without biases",
                where="network",
                fix="train with biases=False (append a column of ones for a penalised bias)",
            )
        if len(weights[1]) == 1:
            return TwoLayerNetwork(weights[0], weights[1][0])
        return ShallowNetwork(weights[0], weights[1].T)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : array, shape (m, d)
            Inputs.

        Returns
        -------
        array, shape (m, K)
            Outputs.
        """
        return self.trained.predict(np.asarray(X, dtype=np.float64))


@extras_named()
def train(
    X: np.ndarray,
    Y: np.ndarray,
    *,
    masks: Sequence[np.ndarray] | None = None,
    width: int = 50,
    method: str = "static",
    seed: int = 0,
    **options: Any,
) -> TrainedNetwork:
    r"""Train one ReLU network, sparse or dense, by a first-order method.

    .. math:: \min_\theta \tfrac12 \lVert f_\theta(X) - Y \rVert_F^2
              + \tfrac{\lambda}{2} \lVert \theta \rVert^2

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n,) or (n, K)
        Targets.
    masks : sequence of arrays of 0 and 1, shape (n_out, n_in), optional
        Weights that may be used, first layer first; by default two dense layers.
    width : int, default 50
        Hidden neurons where no masks are given.
    method : str, default "static"
        ``static``, ``rigl``, ``set``, ``top_kast``, ``gradual_pruning``, ``n_m``, …: a module of
        `relu_optima.training.methods`.
    seed : int, default 0
        Seed of the initial weights, the order of the data and the masks.
    **options
        Further fields of the method, e.g. ``epochs=50``, ``lam=0.1``, ``learning_rate=0.05``;
        networks have no biases unless ``biases=True``.

    Returns
    -------
    TrainedNetwork
        The network; a run that diverged says so in its status.

    Raises
    ------
    SolveInputError
        If an option does not exist or has a wrong value.
    DataError
        If the masks do not fit the data.
    """
    from relu_optima.training import Problem
    from relu_optima.training import train as train_all
    from relu_optima.training.problem import canonical_lam

    X = np.asarray(X, dtype=np.float64)
    Y = np.asarray(Y, dtype=np.float64).reshape(len(X), -1)
    if masks is None:
        masks = [np.ones((width, X.shape[1])), np.ones((Y.shape[1], width))]
    config = config_of("training", method, {"biases": False, **options}, SolveInputError)
    lam = canonical_lam(config.weight_decay, Y) if config.lam is None else config.lam
    used = [np.asarray(mask).astype(np.uint8) for mask in masks]
    if (used[0].shape[1], used[-1].shape[0]) != (X.shape[1], Y.shape[1]):
        raise SolveInputError(
            f"the masks have {used[0].shape[1]} inputs and {used[-1].shape[0]} outputs",
            allowed=f"{X.shape[1]} inputs and {Y.shape[1]} outputs, as the data",
            where="masks",
        )
    problem = Problem(config=config, seed=seed, masks=used, X=X, Y=Y, lam=lam)
    return TrainedNetwork(train_all([problem])[0], lam)
