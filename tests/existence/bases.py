"""True certificates of every kind, small ones: what tests edit and forge."""

import functools

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.existence import decide
from relu_optima.existence.proof.document import unpack_biases, unpack_masks
from relu_optima.patterns import Layer
from relu_optima.patterns.layers import PARTIAL


def make(family, **fields):
    module = load_plugin("pattern", family)
    return module.masks(module.Config(family=family, **fields))


def mask(*rows):
    return np.array([[int(c) for c in row] for row in rows], np.uint8)


def with_biases(masks, hidden, output):
    """Masks whose biases are free where a text has a 1."""
    free = [np.array([c == "1" for c in text]) for text in (hidden, output)]
    return [Layer(f"layer {q}", m, bias=PARTIAL, bias_mask=free[q]) for q, m in enumerate(masks)]


LOW, UP = mask("10", "11"), mask("11", "01")


def beside(masks, rows, columns):
    """Add a neuron to a pair of masks."""
    sides = [np.isin(np.arange(n), x).astype(np.uint8) for n, x in (
        (masks[1].shape[0], rows), (masks[0].shape[1], columns))]  # fmt: skip
    return [np.vstack([masks[0], sides[1]]), np.hstack([masks[1], sides[0][:, None]])]


MASKS = {
    "lu": [UP, LOW],
    "limit": [mask("110", "101"), mask("11", "11")],  # a limit that is drawn
    "hole": [
        mask("100", "010", "111", "111"),
        mask("1101", "0011", "0011"),
    ],  # refuted by a determinant
    "solve": [mask("110", "101", "011"), mask("111", "110", "001")],  # by a Groebner basis
    "tree": [mask("110", "101", "011"), mask("110", "101", "011")],
    "deep": [np.eye(2, dtype=np.uint8), UP, LOW],
    "butterfly": make("butterfly", factors=3),
    "lul": [np.tril(np.ones((3, 3))), np.triu(np.ones((3, 3))), np.tril(np.ones((3, 3)))],
    "filled chain": [mask("1111", "1111", "1111"), mask("111", "111"), mask("11"), mask("1", "1")],
    "Z chain": [mask("110", "011", "111"), mask("111", "111"), mask("10", "11")],
    "paths": [np.eye(2, dtype=np.uint8)] * 3,
    "nearly full": make("regular", n_in=8, n_hidden=8, n_out=8, fan_in=None, density=0.75),
    "one layer": [np.eye(3, dtype=np.uint8)],
    "dense": [np.ones((2, 4)), np.ones((3, 2))],
    "scalar": [np.ones((2, 3)), np.ones((1, 2))],
    "staircase": [np.triu(np.ones((300, 300))), np.triu(np.ones((300, 300)))],  # nested
    "P": [mask("110", "001", "111"), mask("101", "011", "011")],
    "C3": [mask("110", "101", "011"), mask("111", "011")],
    "C4": [mask("110", "101", "011"), mask("111", "111", "001")],
    "C5": make("banded", n=3),
    "C6": [mask("100", "011", "110", "111"), mask("1011", "0101", "0011")],
    "C7": [mask("1111", "1011", "1111"), mask("111", "101", "111", "111")],
    "X": [
        mask("111111", "101011", "111101", "110000"),
        mask("1011", "1111", "0011", "0101"),
    ],
    "Z": [
        mask("1010", "0111", "0000", "0011", "0010", "1110", "0000"),
        mask("0100111", "1101101", "1001110"),
    ],
    "B4": [mask("11", "01", "11"), mask("101", "111")],
    "B5": [mask("10", "01", "11"), mask("101", "011")],
    "B6": [mask("100", "011", "110"), mask("111", "001")],
    "an output without bias": with_biases(
        [mask("110", "001"), mask("10", "10", "01")], "01", "101"
    ),
    "a constant of a neuron": with_biases([mask("11", "00"), mask("11", "10")], "11", "00"),
    "outputs alike": with_biases([mask("110", "001"), mask("10", "10", "01")], "00", "001"),
    "a fixed neuron": with_biases([mask("11", "10"), mask("11", "10")], "00", "10"),
    "F without biases": with_biases([mask("110", "111"), mask("10", "11")], "00", "01"),
    "outputs": [mask("10", "01", "11", "01"), mask("1010", "0110", "0001")],
}


def judged(masks):
    """Decide without looking at the clock: a loaded machine changes no verdict in a test."""
    return decide(masks, time_limit=600)


@functools.cache
def document(name):
    """Return the certificate of a pattern; callers copy before they edit."""
    return judged(MASKS[name]).certificate.document


def truth(value):
    """Decide what a document is about, its missing biases included."""
    masks = unpack_masks(value["layers"])
    biases = unpack_biases(value, masks)
    if biases is not None:
        free = (biases.hidden, biases.output)
        texts = ["".join(str(int(x)) for x in line) for line in free]
        masks = with_biases(masks, *texts)
    return judged(masks).certificate.document
