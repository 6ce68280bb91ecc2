"""What a list of masks must satisfy before anything is computed from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from relu_optima.errors import DataError

MAX_SIDE = 100_000
MAX_CELLS = 100_000_000  # of all layers together; deciding takes up to 25 bytes for each


def check_masks(masks: Sequence[object] | np.ndarray, where: str = "pattern") -> list[np.ndarray]:
    """Turn layers into validated masks.

    Parameters
    ----------
    masks : sequence of array-like, shape (n_out, n_in)
        Entries 0 and 1 (or booleans), first layer first.
    where : str, optional
        Config key or file to name in an error.

    Returns
    -------
    list of array of uint8, shape (n_out, n_in)
        C-contiguous copies.

    Raises
    ------
    DataError
        If there is no layer, a layer is not two-dimensional, is empty, holds a value other than
        0 and 1, is all zero, does not chain with the next layer, or is too large.
    """
    if isinstance(masks, np.ndarray) and masks.ndim == 2:
        raise DataError(
            "one array was given, not a list of layers",
            where=where,
            allowed="a sequence of 0/1 arrays (n_out, n_in), first layer first",
            fix="wrap the mask in a list",
        )
    if len(masks) == 0:
        raise DataError("there is no layer", where=where, allowed="one mask per layer")
    out = [_check_layer(mask, f"{where}: layer {k + 1}") for k, mask in enumerate(masks)]
    for k, (below, above) in enumerate(itertools.pairwise(out)):
        if above.shape[1] != below.shape[0]:
            raise DataError(
                f"layer {k + 1} has {below.shape[0]} outputs but layer {k + 2} has "
                f"{above.shape[1]} inputs",
                where=where,
                allowed="shapes (n_out, n_in) that chain, first layer first",
                fix="reverse the order of the layers or transpose them",
            )
    if sum(mask.size for mask in out) > MAX_CELLS:
        raise DataError(
            f"the masks have {sum(m.size for m in out)} cells",
            where=where,
            allowed=f"at most {MAX_CELLS}",
        )
    return out


def _check_layer(mask: object, where: str) -> np.ndarray:
    try:
        array = np.asarray(mask)
    except ValueError as error:
        raise DataError("its rows have different lengths", where=where) from error
    if array.ndim != 2:
        raise DataError(
            f"it has {array.ndim} dimensions", where=where, allowed="two: (n_out, n_in)"
        )
    if array.size == 0:
        raise DataError(f"its shape is {array.shape}", where=where, allowed="at least one cell")
    if max(array.shape) > MAX_SIDE:
        raise DataError(f"its shape is {array.shape}", where=where, allowed=f"sides <= {MAX_SIDE}")
    if array.dtype.kind not in "biuf":
        raise DataError(f"its entries are of type {array.dtype}", where=where, allowed="0 and 1")
    out = np.empty(array.shape, np.uint8)
    step = max(1, 10_000_000 // array.shape[1])  # bounds the memory of the comparisons
    for start in range(0, array.shape[0], step):
        part = array[start : start + step]
        ones = part == 1
        wrong = ~(ones | (part == 0))
        if bool(wrong.any()):
            value = part[wrong][0]
            raise DataError(
                f"it contains {'NaN' if value != value else value}", where=where, allowed="0 and 1"
            )
        out[start : start + step] = ones
    if not bool(out.any()):
        raise DataError("all its entries are zero", where=where, allowed="at least one 1")
    return out
