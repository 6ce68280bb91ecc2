"""Blocks under one wide neuron (rule X on a window): the limit is near but out of reach."""

import numpy as np
import pytest

from relu_optima.existence import decide
from relu_optima.existence.proof import laurent
from tests.existence.bases import beside


def monarch(blocks, side):
    """Blocks of neighbours below, blocks of entries equally far apart above, one dense neuron."""
    width = blocks * side
    lower = np.kron(np.eye(blocks, dtype=np.uint8), np.ones((side, side), np.uint8))
    index = np.arange(width)
    upper = (index[:, None] % side == index % side).astype(np.uint8)
    return beside([lower, upper], range(width), range(width))


@pytest.mark.parametrize(("blocks", "side"), [(3, 3), (4, 5), (8, 8)])
def test_monarch_beside_a_dense_neuron_is_not_closed(blocks, side):
    verdict = decide(monarch(blocks, side))
    assert verdict.method == "X"
    assert (verdict.product_set, verdict.function_set) == ("not_closed", "not_closed")
    assert verdict.certificate.problems() == []


def test_no_member_comes_near_the_limit_with_bounded_factors():
    """Alternating least squares from many starts: the error falls only as the factors grow."""
    proof = decide(monarch(3, 3)).certificate.document["product"]["proof"]
    A = np.zeros((9, 9))
    for (i, j), value in laurent.from_json(proof["limit"]).items():
        A[i, j] = float(value[0])
    lower, upper = (np.asarray(m, float) for m in monarch(3, 3))
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(4):
        V = rng.normal(size=lower.shape) * lower
        U = np.zeros(upper.shape)
        for _ in range(150):
            U = ridge(V, A, upper, 1e-4)
            V = ridge(U.T, A.T, lower.T, 1e-4).T
        errors.append(np.abs(U @ V - A).max())
    assert min(errors) > 1e-3
    grown = []
    for eps in (1e-1, 1e-2, 1e-3):
        V, U = (at(laurent.from_json(layer), eps) for layer in proof["curve"])
        grown.append((np.abs(U(9, 10) @ V(10, 9) - A).max(), np.abs(U(9, 10)).max()))
    assert [round(e, 9) for e, _ in grown] == [1e-1, 1e-2, 1e-3]
    assert [size for _, size in grown] == [10, 100, 1000]


def ridge(V, A, mask, weight):
    """Minimise |U V - A|^2 + weight |U|^2 over U on a mask, row by row."""
    U = np.zeros(mask.shape)
    for i, on in enumerate(mask.astype(bool)):
        B = V[on]
        U[i, on] = np.linalg.solve(B @ B.T + weight * np.eye(on.sum()), B @ A[i])
    return U


def at(matrix, eps):
    def value(m, n):
        out = np.zeros((m, n))
        for (i, j), entry in matrix.items():
            out[i, j] = sum(float(c) * eps**power for power, c in entry.items())
        return out

    return value
