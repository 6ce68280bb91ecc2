"""``decide`` on modules, sparse matrices and operators: masks, or a refusal that names the part."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.linalg import LinearOperator
from torch import nn
from torch.nn.utils import prune

from relu_optima.errors import DataError
from relu_optima.existence import decide
from relu_optima.existence.networks import network_layers

UP = np.triu(np.ones((3, 3)))
LOW = UP.T


def network(*between):
    """Lower and upper triangular layers, with modules between them."""
    model = nn.Sequential(nn.Linear(3, 3), *between, nn.Linear(3, 3))
    prune.custom_from_mask(model[0], "weight", torch.tensor(UP))
    prune.custom_from_mask(model[-1], "weight", torch.tensor(LOW))
    return model


def masks(given):
    return [layer.mask.tolist() for layer in network_layers(given)]


def test_modules_are_read_in_the_order_in_which_they_are_applied():
    relu = nn.ReLU()
    model = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(2, 3), relu, nn.Dropout(0.5)),
        nn.Identity(),
        nn.Sequential(nn.Linear(3, 4), relu),
        nn.Linear(4, 1),
    )
    layers = network_layers(model)
    assert [layer.name for layer in layers] == ["1.0.weight", "3.0.weight", "4.weight"]
    assert [layer.mask.shape for layer in layers] == [(3, 2), (4, 3), (1, 4)]
    assert masks(network(nn.ReLU())) == [UP.tolist(), LOW.tolist()]
    assert masks(nn.Linear(2, 2)) == [[[1, 1], [1, 1]]]


def hooked():
    model = network(nn.ReLU())
    model[0].register_forward_hook(lambda module, inputs, output: output + inputs[0])
    return model


class Skip(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def patched():
    model = network(nn.ReLU())
    model[0].forward = lambda x: x
    return model


def weight_normed():
    model = network(nn.ReLU())
    prune.remove(model[0], "weight")
    nn.utils.parametrizations.weight_norm(model[0])
    return model


def repeated():
    layer = nn.Linear(3, 3)
    return nn.Sequential(layer, nn.ReLU(), layer)


REFUSED = {
    "batch norm": (lambda: network(nn.BatchNorm1d(3), nn.ReLU()), "'1': it is BatchNorm1d"),
    "leaky": (lambda: network(nn.LeakyReLU()), "'1': it is LeakyReLU"),
    "softmax inside": (lambda: network(nn.Sequential(nn.Softmax(1))), r"'1\.0': it is Softmax"),
    "no ReLU": (lambda: network(nn.Identity()), "no ReLU stands between 0.weight"),
    "ReLU last": (lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "after the last"),
    "ReLU first": (lambda: nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), "before the first"),
    "empty": (nn.Sequential, "no linear layer"),
    "skip": (lambda: Skip(nn.Linear(2, 2)), "it is Skip"),
    "forward replaced": (patched, "'0': it is Linear"),
    "hook": (hooked, "'0': it has a hook"),
    "parametrised": (weight_normed, "'0': its weight is parametrised by _WeightNorm"),
    "one layer twice": (repeated, "one tensor"),
    "widths": (lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(2, 3)), "layer 1 has 3"),
    "meta": (lambda: nn.Linear(2, 2, device="meta"), "no dense tensor"),
    "wrapped": (lambda: nn.DataParallel(network(nn.ReLU())), "DataParallel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_modules_are_refused_by_name(name):
    make, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        decide(make())


class Factor(LinearOperator):
    """A lazy operator in the way of lazylinop: `toarray` multiplies small integers."""

    def __init__(self, matrix):
        self.matrix = matrix
        super().__init__(None, matrix.shape)

    def _matmat(self, X):
        return self.matrix @ X

    def toarray(self):
        return self @ np.eye(self.shape[1], dtype="int8")


class Dense:
    """Anything else that has a shape and becomes an array."""

    def __init__(self, matrix):
        self.matrix, self.shape = matrix, matrix.shape

    def toarray(self):
        return self.matrix


@pytest.mark.parametrize(
    "form",
    [scipy.sparse.csr_array, scipy.sparse.coo_matrix, scipy.sparse.bsr_array, Factor, Dense],
)
def test_supports_of_sparse_matrices_and_operators(form):
    first, second = 0.3 * UP, -256.0 * LOW
    assert masks([form(first), form(second)]) == [UP.tolist(), LOW.tolist()]
    assert decide([form(first), LOW]).product_set == "not_closed"


def test_wide_operators_are_computed_in_blocks_of_columns():
    matrix = (np.arange(2 * 1201).reshape(2, 1201) % 7 == 0).astype(float)
    assert np.array_equal(network_layers([Factor(matrix)])[0].mask, matrix)


def test_what_is_no_certain_support_is_refused():
    stored = scipy.sparse.csr_array(UP)
    stored.data[0] = 0
    huge = scipy.sparse.csr_array((200_000, 2))
    for given, message in (
        ([stored, LOW], "1 of its stored entries are zero"),
        ([Factor(UP + 1e-17 * LOW)], "weights, or rounding"),
        ([Factor(UP * np.nan)], "NaN"),
        ([Dense(UP * 1j)], "complex128"),
        ([huge], r"\(200000, 2\)"),
        ([scipy.sparse.csr_array(UP), scipy.sparse.csr_array((3, 3))], "all its entries are zero"),
        ([object()], "0 dimensions"),
        ([nn.Parameter(torch.ones(2, 2))], "no array"),
        (scipy.sparse.csr_array(UP), "wrap the mask in a list"),
        (UP, "wrap the mask in a list"),
        (3, "int was given"),
        ([UP, 0.5 * LOW], "contains 0.5"),
    ):
        with pytest.raises(DataError, match=message):
            decide(given)


def test_masks_do_not_load_torch():
    code = (
        "import sys, numpy as np; from relu_optima.existence import decide;"
        "decide([np.ones((2, 2)), np.ones((1, 2))]); import relu_optima.existence.check;"
        "print(loaded := {'torch', 'safetensors'} & set(sys.modules)); sys.exit(bool(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
