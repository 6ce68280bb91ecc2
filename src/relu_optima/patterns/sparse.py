"""Masks that are kept as lists of their ones: large ones with few.

Which form a mask has depends on its entries alone, so that whoever passes an array and whoever
passes a sparse matrix gets the same verdict and the same certificate.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.errors import DataError

if TYPE_CHECKING:
    from scipy import sparse

    Mask = np.ndarray | sparse.csr_array

DENSE_CELLS = 4_000_000  # up to here an array is as good: 4 MB
SHARE = 32  # cells for each one from which a larger mask is kept as a list
MAX_CELLS = 100_000_000  # of all arrays together; deciding takes up to 25 bytes for each
MAX_ONES = 20_000_000  # of all lists together


def is_sparse(mask: Any) -> bool:
    """Say whether a matrix is a scipy sparse matrix or array."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(mask))


def cell_count(masks: Sequence[Any]) -> int:
    """Count the cells of masks, zeros included."""
    return sum(int(mask.shape[0]) * int(mask.shape[1]) for mask in masks)


def as_list(mask: Any) -> sparse.csr_array:
    """Return a mask as sorted lists of the columns of its ones."""
    from scipy import sparse

    out = sparse.csr_array(mask, dtype=np.int32)
    if out is mask or out.data is getattr(mask, "data", None):
        out = out.copy()
    out.sum_duplicates()
    out.data[:] = 1
    return out


def compact(mask: Any) -> Mask:
    """Give a validated mask the form that its size and number of ones ask for."""
    cells = cell_count([mask])
    ones = int(mask.nnz) if is_sparse(mask) else int(np.count_nonzero(mask))
    if cells > DENSE_CELLS and (ones * SHARE <= cells or cells > MAX_CELLS):
        return as_list(mask)
    return np.asarray(mask.toarray(), np.uint8) if is_sparse(mask) else mask


def dense(masks: Sequence[Any], where: str = "masks") -> list[np.ndarray]:
    """Return masks as arrays, unless they are too large for that."""
    if cell_count(masks) > MAX_CELLS:
        raise DataError(
            f"the masks have {cell_count(masks)} cells", where=where, allowed=f"at most {MAX_CELLS}"
        )
    return [np.asarray(m.toarray(), np.uint8) if is_sparse(m) else m for m in masks]


def same_masks(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Say whether two lists of masks have the same shapes and the same ones."""
    if [m.shape for m in a] != [m.shape for m in b]:
        return False
    for x, y in zip(a, b, strict=True):
        if not is_sparse(x) and not is_sparse(y):
            if not np.array_equal(x, y):
                return False
        elif (as_list(x) != as_list(y)).nnz:
            return False
    return True
