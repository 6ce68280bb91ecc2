"""The certificate document: plain JSON that holds the masks, the answers and their proofs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from relu_optima.existence.proof.values import integer
from relu_optima.patterns.sparse import is_sparse

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

FORMAT = "relu-optima/existence-certificate/1"
ORACLE = "oracle z3"  # the rule of an answer that z3 gave and nobody can re-check
FULL_DIMENSION = "full dimension, conjectured everything"  # a reason that has a proof
MAX_SIDE = 100_000  # of a mask that is a list of ones: bounds what a short text may ask for
ANSWERS = {
    "product": ("closed", "not_closed", "unknown"),
    "function": ("closed", "not_closed", "unknown"),
    "finite": ("always", "not_always", "unknown"),
}


def pack_masks(masks: Sequence[Mask]) -> list[dict[str, Any]]:
    """Write masks as JSON: their bits, or for a list of ones columns and row lengths."""
    out = []
    for mask in masks:
        if is_sparse(mask):
            lists = {"columns": mask.indices, "lengths": np.diff(mask.indptr)}
            parts = {name: _text(x.astype("<u4")) for name, x in lists.items()}
        else:
            parts = {"bits": _text(np.packbits(mask))}
        out.append({"shape": [int(side) for side in mask.shape], **parts})
    return out


def _text(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.tobytes()).decode("ascii")


def unpack_masks(layers: Any) -> list[Mask]:
    """Read what `pack_masks` wrote: layers that chain, each with a one."""
    if not isinstance(layers, list) or not layers:
        raise ValueError("there is no layer")
    out = [_unpacked(layer) for layer in layers]
    if any(above.shape[1] != below.shape[0] for below, above in pairwise(out)):
        raise ValueError("the layers do not chain")
    if not all(mask.sum() for mask in out):
        raise ValueError("all entries of a layer are zero")
    return out


def _unpacked(layer: Any) -> Mask:
    try:
        m, n = (integer(side) for side in layer["shape"])
        return _lists(layer, m, n) if "lengths" in layer else _bits(layer, m, n)
    except (TypeError, KeyError, binascii.Error) as error:
        raise ValueError(f"no packed masks: {error}") from error


def _bits(layer: dict[str, Any], m: int, n: int) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(layer["bits"], validate=True), np.uint8)
    if m < 1 or n < 1 or len(data) != (m * n + 7) // 8:
        raise ValueError("shape and bits of a layer disagree")
    return np.unpackbits(data, count=m * n).reshape(m, n)


def _lists(layer: dict[str, Any], m: int, n: int) -> sparse.csr_array:
    """Read a list of ones; the columns of every row must ascend."""
    columns, lengths = (
        np.frombuffer(base64.b64decode(layer[name], validate=True), "<u4").astype(np.int64)
        for name in ("columns", "lengths")
    )
    if not 1 <= m <= MAX_SIDE or not 1 <= n <= MAX_SIDE or len(lengths) != m:
        raise ValueError("shape and row lengths of a layer disagree")
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.repeat(np.arange(m), lengths) if starts[-1] == len(columns) else None
    if rows is None or (columns >= n).any() or (np.diff(rows * n + columns) <= 0).any():
        raise ValueError("the columns of a layer's rows are not ascending and in range")
    ones = np.ones(len(columns), np.int32)
    return sparse.csr_array((ones, columns.astype(np.int32), starts.astype(np.int32)), (m, n))


@dataclass(frozen=True)
class Biases:
    """Which biases of one hidden layer are free.

    Attributes
    ----------
    hidden : array of bool, shape (r,)
        Hidden neurons with a free bias.
    output : array of bool, shape (m,)
        Outputs with one.
    """

    hidden: np.ndarray
    output: np.ndarray


def unpack_biases(document: dict[str, Any], masks: list[Any]) -> Biases | None:
    """Read the free biases of a certificate; None where all are free."""
    if "biases" not in document:
        return None
    if len(masks) != 2:
        raise ValueError("missing biases are for one hidden layer")
    hidden, output = (_unpacked(layer).astype(bool) for layer in document["biases"])
    sizes = [(1, mask.shape[0]) for mask in masks]
    if [hidden.shape, output.shape] != sizes:
        raise ValueError("there is not one bias for each neuron and output")
    return Biases(hidden[0], output[0])
