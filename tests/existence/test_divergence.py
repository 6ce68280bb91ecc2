"""Orders of the curves, and Theorem F's data for other activations with one kink."""

from fractions import Fraction

import numpy as np
import pytest

from relu_optima.errors import DegenerateError, SolveInputError
from relu_optima.existence import decide
from relu_optima.existence.proof import laurent
from tests.existence.bases import MASKS, mask


@pytest.mark.parametrize("name", ["lu", "limit", "X"])
def test_orders_agree_with_the_curve_itself(name):
    verdict = decide(MASKS[name])
    orders = verdict.divergence()
    proof = verdict.certificate.document["product"]["proof"]
    lower, upper = (laurent.from_json(layer) for layer in proof["curve"])
    shape = np.shape(MASKS[name][1])[0], np.shape(MASKS[name][0])[1]
    limit = at(laurent.from_json(proof["limit"]), 1.0, shape)
    norms, errors = [], []
    for eps in (1e-3, 1e-4):
        U = at(upper, eps, np.shape(MASKS[name][1]))
        V = at(lower, eps, np.shape(MASKS[name][0]))
        norms.append(np.sqrt(2 * (np.linalg.norm(U, axis=0) * np.linalg.norm(V, axis=1)).sum()))
        errors.append(((U @ V - limit) ** 2).sum())
    slope = np.log(errors[1] / errors[0]) / np.log(norms[1] / norms[0])
    assert abs(slope - float(orders.loss_exponent)) < 0.1


def test_lu_has_the_exponents_that_training_shows():
    orders = decide(MASKS["lu"]).divergence()
    assert (orders.error_order, orders.pole_order) == (1, 1)
    assert orders.loss_exponent == -4
    assert orders.decay_exponent == Fraction(-1, 6)
    with pytest.raises(DegenerateError, match="not closed"):
        decide(MASKS["dense"]).divergence()


def at(matrix, eps, shape):
    out = np.zeros(shape)
    for (i, j), entry in matrix.items():
        out[i, j] = sum(float(c) * eps**power for power, c in entry.items())
    return out


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0, 2.0])
@pytest.mark.parametrize("masks", [[mask("1", "1"), mask("11", "10")], MASKS["B6"], MASKS["X"]])
def test_data_without_optimum_for_one_kink_of_any_slope(masks, slope):
    """The curve tends to the targets; second differences are those of ReLU times 1 - a."""
    verdict = decide(masks)
    X, Y = verdict.counterexample_dataset(negative_slope=slope)
    plain = verdict.counterexample_dataset()[1]
    assert np.allclose(np.diff(Y, 2, axis=0), (1 - slope) * np.diff(plain, 2, axis=0))
    proof = verdict.certificate.document["finite"]["proof"]
    s = np.arange(-2, len(X) - 2)

    def sigma(x):
        return np.where(x >= 0, x, slope * x)

    errors = []
    for eps in (1e-2, 1e-4):
        made = np.zeros(Y.shape)
        made[:, proof["row_shared"]] += (sigma(s + eps) - sigma(s - eps)) / eps
        made[:, proof["row_other"]] += sigma(s + eps)
        for q, (_, row) in enumerate(proof["row_of"], start=1):
            made[:, row] += sigma(s - (2 * q + 1))
        errors.append(np.abs(made - Y).max())
    assert errors[1] < 1e-3
    assert errors[1] < 0.02 * errors[0]


def test_a_straight_activation_is_refused():
    with pytest.raises(SolveInputError, match="other than 1"):
        decide(MASKS["lu"]).counterexample_dataset(negative_slope=1.0)
