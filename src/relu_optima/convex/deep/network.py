r"""A network of any depth, its objective and its balance.

.. math:: \tfrac12 \lVert f(X) - Y \rVert_F^2 + \tfrac{\lambda}{2} \lVert \theta \rVert^2

θ holds all weights and no bias; with batch normalisation the scales γ, shifts α and the last layer
instead, since the layers below it may be scaled freely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Neurons = Literal["relu", "linear"]


@dataclass(frozen=True)
class BatchNorm:
    """Normalisation before the last ReLU: ``z ↦ γ (z - mean) / norm + α / √n`` in each column.

    ``norm`` is the length of the centred column over the n training rows, so γ and α are lengths
    too and ‖column‖² = γ² + α² on these rows. (Common code divides by the standard deviation,
    which is norm / √n: its scale and shift are γ / √n and α / √n.)

    Attributes
    ----------
    scale, shift : array, shape (m,)
        γ and α.
    mean, norm : array, shape (m,)
        Of the training rows; a column of norm 0 becomes its shift.
    rows : int
        Training rows n.
    """

    scale: np.ndarray
    shift: np.ndarray
    mean: np.ndarray
    norm: np.ndarray
    rows: int

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        """Normalise the columns of Z, shape (rows, m)."""
        inverse = np.divide(1.0, self.norm, out=np.zeros_like(self.norm), where=self.norm > 0)
        return np.asarray(self.scale * (Z - self.mean) * inverse + self.shift / np.sqrt(self.rows))

    @classmethod
    def of(cls, Z: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> BatchNorm:
        """Take the statistics from the training rows Z; noise around a constant counts as 0."""
        mean = Z.mean(axis=0)
        norm = np.linalg.norm(Z - mean, axis=0)
        noise = 1e-12 * np.linalg.norm(Z, axis=0)  # rounding of a column without variation
        return cls(scale, shift, mean, np.where(norm > noise, norm, 0.0), len(Z))


@dataclass(frozen=True)
class DeepNetwork:
    """Layers in a row with ReLU, or nothing, between them.

    Attributes
    ----------
    weights : tuple of array, shape (n_out, n_in)
        First layer first.
    neurons : {"relu", "linear"}
        What follows every layer but the last.
    biases : tuple of array, shape (n_out,)
        One for each layer, never penalised; empty for a network without.
    norm : BatchNorm or None
        Normalisation before the last ReLU.
    """

    weights: tuple[np.ndarray, ...]
    neurons: Neurons = "relu"
    biases: tuple[np.ndarray, ...] = ()
    norm: BatchNorm | None = None

    def __repr__(self) -> str:
        widths = "-".join(map(str, (self.weights[0].shape[1], *(len(w) for w in self.weights))))
        return f"<deep {self.neurons} network {widths}>"

    @property
    def depth(self) -> int:
        """Layers of weights."""
        return len(self.weights)

    def layers(self, X: np.ndarray) -> list[np.ndarray]:
        """Return inputs, hidden activations and outputs.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.

        Returns
        -------
        list of array, shape (n, width)
            ``depth + 1`` arrays.
        """
        out = [np.asarray(X, dtype=np.float64)]
        for k, W in enumerate(self.weights):
            Z = out[-1] @ W.T
            if self.biases:
                Z = Z + self.biases[k]
            if self.norm is not None and k == self.depth - 2:
                Z = self.norm(Z)
            last = k == self.depth - 1
            out.append(Z if last or self.neurons == "linear" else np.maximum(Z, 0.0))
        return out

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.

        Returns
        -------
        array, shape (n, K)
            Outputs.
        """
        return self.layers(X)[-1]

    def penalised(self) -> list[np.ndarray]:
        """Return the arrays θ that the penalty sees.

        Returns
        -------
        list of array
            All weights; with batch normalisation scales, shifts and the last layer.
        """
        if self.norm is None:
            return list(self.weights)
        return [self.norm.scale, self.norm.shift, self.weights[-1]]

    def objective(self, X: np.ndarray, Y: np.ndarray, lam: float) -> float:
        """Return the objective of the module docstring.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs; with batch normalisation the rows it was made on.
        Y : array, shape (n,) or (n, K)
            Targets.
        lam : float
            Canonical regularisation strength.

        Returns
        -------
        float
            Half the squared error plus half of lam times the squared norm of θ.
        """
        error = self.predict(X) - np.asarray(Y, dtype=np.float64).reshape(len(X), -1)
        penalty = sum(float(np.sum(part**2)) for part in self.penalised())
        return 0.5 * float(np.sum(error**2)) + 0.5 * lam * penalty

    def balance(self) -> float:
        """Return how far neighbouring layers are from balance.

        At a stationary point of the penalised objective λ W_l W_lᵀ and λ W_{l+1}ᵀ W_{l+1} agree on
        the diagonal, since rescaling a neuron leaves the function as it is; of a linear network
        whole, since any invertible map between two layers does. With batch normalisation γ² + α²
        and the squared column of the last layer agree.

        Returns
        -------
        float
            Largest difference, relative to the largest entry.
        """
        if self.norm is not None:  # the layers below the normalisation are not penalised
            below = self.norm.scale**2 + self.norm.shift**2
            above = np.sum(self.weights[-1] ** 2, axis=0)
            largest = max(float(below.max()), float(above.max()))
            return float(np.abs(below - above).max()) / largest if largest > 0 else 0.0
        worst = largest = 0.0
        for first, second in zip(self.weights[:-1], self.weights[1:], strict=True):
            A, B = first @ first.T, second.T @ second
            if self.neurons == "relu":
                A, B = np.diag(A), np.diag(B)
            worst = max(worst, float(np.abs(A - B).max()))
            largest = max(largest, float(np.abs(A).max()), float(np.abs(B).max()))
        return worst / largest if largest > 0 else 0.0
