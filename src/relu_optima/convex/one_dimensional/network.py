r"""ReLU networks with free biases, and the balanced one that a spline is.

A ramp c (s (x - t))_+ with s = +-1 is the neuron of weights w1 = s sqrt|c|, b1 = -s t sqrt|c|,
w2 = sgn(c) sqrt|c|; then (w1^2 + w2^2) / 2 = |c|, the least over all scalings (AM-GM). Biases are
not penalised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FreeBiasNetwork:
    r"""A two-layer ReLU network with one output whose biases are not penalised.

    f(x) = sum_j w2_j (W1_j x + b1_j)_+ + b2.

    Attributes
    ----------
    W1 : array, shape (m, d)
        First-layer weights, one neuron in each row; d = 1 for one-dimensional inputs.
    b1 : array, shape (m,)
        First-layer biases.
    w2 : array, shape (m,)
        Second-layer weights.
    b2 : float
        Output bias.
    """

    W1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : array, shape (n, d), or (n,) if d = 1
            Inputs.

        Returns
        -------
        array, shape (n,)
            Outputs. Steep ramps cancel each other, so rounding grows with their weights times the
            range of the inputs; `SplineSolution.predict` reads the spline and has none of it.
        """
        inputs = np.asarray(X, dtype=np.float64).reshape(-1, self.W1.shape[1])
        output = np.full(len(inputs), self.b2)
        block = max(1, 2**22 // max(1, len(self.w2)))  # rows whose activations take 32 MiB
        for start in range(0, len(inputs), block):
            hidden = inputs[start : start + block] @ self.W1.T + self.b1
            output[start : start + block] += np.maximum(hidden, 0.0) @ self.w2
        return output

    def penalty(self) -> float:
        """Return half the squared norm of the weights, without the biases.

        Returns
        -------
        float
            (sum of W1^2 + sum of w2^2) / 2.
        """
        return 0.5 * float(np.sum(self.W1**2) + np.sum(self.w2**2))


def network_of_ramps(
    place: np.ndarray, height: np.ndarray, left: np.ndarray, anchor: float, value: float
) -> FreeBiasNetwork:
    """Make the network of the ramps height (+-(x - place))_+ that is `value` at `anchor`."""
    root = np.sqrt(np.abs(height))
    side = np.where(left, -1.0, 1.0)
    there = float(np.sum(height * np.maximum(side * (anchor - place), 0.0)))
    return FreeBiasNetwork(
        (side * root)[:, None], -side * place * root, np.sign(height) * root, value - there
    )
