"""Two-layer networks with several outputs: rescaling, and the objective that it leaves least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_optima.convex.shallow import ShallowNetwork


def network(seed: int, gated: bool) -> tuple[np.ndarray, np.ndarray, ShallowNetwork]:
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    U, V = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    U[2] = 0
    return X, Y, ShallowNetwork(U, V, rng.standard_normal((3, 5)) if gated else None)


@given(st.integers(0, 10**6), st.booleans())
def test_balancing_keeps_the_function_and_reaches_the_group_norms(seed, gated):
    X, Y, net = network(seed, gated)
    balanced = net.balanced()
    assert balanced.predict(X) == pytest.approx(net.predict(X))
    weights = float(np.sum(balanced.U**2) + np.sum(balanced.V**2))
    error = 0.5 * float(np.sum((net.predict(X) - Y) ** 2))
    assert net.objective(X, Y, 0.3) == pytest.approx(error + 0.15 * weights)
    assert balanced.n_neurons == net.n_neurons == 4


def test_one_output_is_one_column():
    X, Y, net = network(0, gated=False)
    one = ShallowNetwork(net.U, net.V[:, :1])
    assert one.objective(X, Y[:, 0], 0.1) == one.objective(X, Y[:, :1], 0.1)
