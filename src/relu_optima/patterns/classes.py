"""All two-layer patterns of a size up to symmetry: the atlas that verdicts are published for.

Two patterns are the same up to permutations of outputs, inputs and hidden neurons; for the
product set also up to transposition, which exchanges the two layers. Only patterns whose
rectangles use every output and every input are listed: others are smaller patterns with idle
rows or columns.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from relu_optima.errors import BudgetError

MAX_PATTERNS = 5_000_000


@cache
def pattern_classes(m: int, n: int, r: int, transpose: bool = True) -> np.ndarray:
    """List one representative of each class.

    Parameters
    ----------
    m, n : int
        Outputs and inputs.
    r : int
        Hidden neurons, each with at least one input and one output.
    transpose : bool, optional
        Also identify a pattern with its transpose (only matters for m = n; for m != n the classes
        of (m, n) and (n, m) correspond).

    Returns
    -------
    array of int, shape (classes, r)
        Each neuron coded as ``(row set - 1) * (2**n - 1) + (column set - 1)``, sets as bit
        masks; neurons in ascending order; the class is its lexicographically least member.

    Raises
    ------
    BudgetError
        If there are more than `MAX_PATTERNS` patterns before symmetry.
    """
    types = (2**m - 1) * (2**n - 1)
    count = 1
    for q in range(r):
        count = count * (types + q) // (q + 1)
    if count > MAX_PATTERNS:
        raise BudgetError(f"{count} patterns of size {m}x{n}, r = {r}", allowed=f"{MAX_PATTERNS}")
    codes = np.array(
        list(itertools.combinations_with_replacement(range(types), r)), dtype=np.int32
    ).reshape(count, r)
    rows, columns = codes // (2**n - 1) + 1, codes % (2**n - 1) + 1
    full = (np.bitwise_or.reduce(rows, axis=1) == 2**m - 1) & (
        np.bitwise_or.reduce(columns, axis=1) == 2**n - 1
    )
    codes = codes[full]
    weights = np.int64(types) ** np.arange(r - 1, -1, -1)
    own = codes @ weights
    least = np.ones(len(codes), bool)
    for image in _symmetries(m, n, transpose and m == n):
        least &= own <= np.sort(image[codes], axis=1) @ weights
    classes: np.ndarray = codes[least]
    return classes


def _symmetries(m: int, n: int, transpose: bool) -> list[np.ndarray]:
    """Image of every neuron code under each symmetry of the outer sizes."""
    row_sets = np.arange(1, 2**m)
    column_sets = np.arange(1, 2**n)
    out = []
    for p in itertools.permutations(range(m)):
        rows = np.sum([((row_sets >> i) & 1) << p[i] for i in range(m)], axis=0)
        for q in itertools.permutations(range(n)):
            columns = np.sum([((column_sets >> j) & 1) << q[j] for j in range(n)], axis=0)
            out.append(((rows - 1)[:, None] * (2**n - 1) + (columns - 1)[None, :]).ravel())
            if transpose:
                out.append(((columns - 1)[None, :] * (2**m - 1) + (rows - 1)[:, None]).ravel())
    return out


def class_masks(code: np.ndarray, m: int, n: int) -> list[np.ndarray]:
    """Turn one row of `pattern_classes` into masks.

    Parameters
    ----------
    code : array of int, shape (r,)
        Neuron codes.
    m, n : int
        Outputs and inputs.

    Returns
    -------
    list of array of uint8
        Masks (r, n) and (m, r), first layer first.
    """
    rows, columns = code // (2**n - 1) + 1, code % (2**n - 1) + 1
    lower = ((columns[:, None] >> np.arange(n)) & 1).astype(np.uint8)
    upper = ((rows[None, :] >> np.arange(m)[:, None]) & 1).astype(np.uint8)
    return [lower, upper]


def atlas_sizes(side: int) -> list[tuple[int, int]]:
    """List the outer sizes of an atlas, m <= n <= side.

    Parameters
    ----------
    side : int
        Largest outer size.

    Returns
    -------
    list of (int, int)
        Sizes (m, n).
    """
    return [(m, n) for n in range(1, side + 1) for m in range(1, n + 1)]
