"""What a list of masks must satisfy before anything is computed from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.errors import DataError
from relu_optima.patterns.sparse import MAX_CELLS, MAX_ONES, compact, is_sparse

if TYPE_CHECKING:
    from scipy import sparse

    from relu_optima.patterns.sparse import Mask

MAX_SIDE = 100_000


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
    _check_chain(out, where)
    _check_cells(out, where)
    return out


def check_any_masks(masks: Sequence[object] | np.ndarray, where: str) -> list[Mask]:
    """Validate masks that may be scipy sparse matrices; large ones with few ones stay lists."""
    if not any(is_sparse(mask) for mask in masks):
        arrays: list[Mask] = [compact(mask) for mask in check_masks(masks, where)]
        return arrays
    out: list[Mask] = []
    for k, mask in enumerate(masks):
        place = f"{where}: layer {k + 1}"
        out.append(
            compact(_check_list(mask, place) if is_sparse(mask) else _check_layer(mask, place))
        )
    _check_chain(out, where)
    _check_cells([mask for mask in out if not is_sparse(mask)], where)
    ones = sum(int(mask.nnz) for mask in out if is_sparse(mask))
    if ones > MAX_ONES:
        raise DataError(f"the masks have {ones} ones", where=where, allowed=f"at most {MAX_ONES}")
    return out


def _check_chain(masks: Sequence[Mask], where: str) -> None:
    for k, (below, above) in enumerate(itertools.pairwise(masks)):
        if above.shape[1] != below.shape[0]:
            raise DataError(
                f"layer {k + 1} has {below.shape[0]} outputs but layer {k + 2} has "
                f"{above.shape[1]} inputs",
                where=where,
                allowed="shapes (n_out, n_in) that chain, first layer first",
                fix="reverse the order of the layers or transpose them",
            )


def _check_cells(masks: Sequence[Mask], where: str) -> None:
    if sum(mask.size for mask in masks) > MAX_CELLS:
        raise DataError(
            f"the masks have {sum(m.size for m in masks)} cells",
            where=where,
            allowed=f"at most {MAX_CELLS}",
            fix="pass scipy sparse matrices",
        )


def _check_list(mask: Any, where: str) -> sparse.csr_array:
    """Validate a scipy sparse matrix: stored entries are ones."""
    from scipy import sparse

    if mask.ndim != 2 or min(mask.shape) == 0 or max(mask.shape) > MAX_SIDE:
        raise DataError(
            f"its shape is {mask.shape}", where=where, allowed=f"two sides from 1 to {MAX_SIDE}"
        )
    out = sparse.csr_array(mask, copy=True)
    if not (out.data == 1).all():
        raise DataError(
            "it stores entries other than 1", where=where, allowed="1 for each kept weight",
            fix="pass the support: (W != 0) with eliminate_zeros()",
        )  # fmt: skip
    out.sum_duplicates()
    if not (out.data == 1).all():
        raise DataError("it stores an entry twice", where=where, allowed="each entry once")
    if out.nnz == 0:
        raise DataError("all its entries are zero", where=where, allowed="at least one 1")
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
