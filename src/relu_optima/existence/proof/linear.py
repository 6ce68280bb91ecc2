"""Exact ranks and Boolean products: arithmetic that both searches and checks may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
from scipy import sparse

from relu_optima.patterns.sparse import as_list, is_sparse

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

PRIME = 2_147_483_647
DENSE_SPEED = 20  # products that a dense multiplication makes while a sparse one makes one
BLOCK = 256  # rectangles that are compared with all others at once
ROWS_AT_ONCE = 4_000_000  # bytes of rows that are joined at once, for rows with one entry
DENSE_ENTRIES = 100_000_000  # of two sides of all rectangles, as float32


def rank_mod_p(matrix: np.ndarray) -> int:
    """Compute a rank modulo the prime 2^31 - 1."""
    m, n = matrix.shape
    return int(flint.nmod_mat(m, n, (matrix % PRIME).ravel().tolist(), PRIME).rank())


def product_mod_p(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply two matrices modulo the prime 2^31 - 1."""
    left, right = (flint.nmod_mat(*x.shape, x.ravel().tolist(), PRIME) for x in (a, b))
    values = [int(x) for x in (left * right).entries()]
    return np.array(values, np.int64).reshape(a.shape[0], b.shape[1])


def rational_rank(vectors: list[list[Fraction]]) -> int:
    """Compute an exact rank."""
    flat: list[Any] = [flint.fmpq(x.numerator, x.denominator) for row in vectors for x in row]
    return int(flint.fmpq_mat(len(vectors), len(flat) // max(len(vectors), 1), flat).rank())


def row_sizes(mask: Mask) -> np.ndarray:
    """Count the ones in every row."""
    if is_sparse(mask):
        return np.diff(mask.tocsr().indptr)
    return np.asarray(np.count_nonzero(mask, axis=1))


def column_sizes(mask: Mask) -> np.ndarray:
    """Count the ones in every column."""
    if is_sparse(mask):
        return np.bincount(mask.tocsr().indices, minlength=mask.shape[1])
    return np.asarray(np.count_nonzero(mask, axis=0))


def row_entries(mask: Mask, row: int) -> np.ndarray:
    """List the columns of the ones in a row, in order."""
    if is_sparse(mask):
        line = mask.tocsr()[[row]]
        return np.sort(line.indices)
    return np.flatnonzero(mask[row])


def has_ones(mask: Mask, rows: list[int], columns: list[int]) -> bool:
    """Say whether a mask is 1 in all of some cells."""
    if not is_sparse(mask):
        return bool(mask[rows, columns].all())
    cells = zip(rows, columns, strict=True)
    start, ones = mask.indptr, mask.indices
    return all((ones[start[i] : start[i + 1]] == j).any() for i, j in cells)


def first_in_columns(mask: Mask) -> np.ndarray:
    """Return the row of the first one of every column; each column has one."""
    if is_sparse(mask):
        turned = as_list(mask.T)
        return np.asarray(turned.indices[turned.indptr[:-1]])
    return np.asarray(mask.argmax(axis=0))


def rectangles(masks: Sequence[Mask]) -> tuple[np.ndarray, sparse.csr_array, sparse.csr_array]:
    """List the different rectangles of live neurons: first neuron, rows and columns of each."""
    lower, upper = masks
    live = np.flatnonzero((row_sizes(lower) > 0) & (column_sizes(upper) > 0))
    turned = as_list(upper.T) if is_sparse(upper) else upper.T
    names = zip(_row_names(turned, live), _row_names(lower, live), strict=True)
    first: dict[tuple[bytes, bytes], int] = {}
    for q, name in enumerate(names):
        first.setdefault(name, q)
    chosen = live[list(first.values())]
    return chosen, as_list(turned[chosen]), as_list(lower[chosen])


def _row_names(mask: Mask, rows: np.ndarray) -> Iterator[bytes]:
    """Give each of some rows a name; equal rows have equal names."""
    if is_sparse(mask):
        start = mask.indptr
        yield from (mask.indices[start[k] : start[k + 1]].tobytes() for k in rows)
    else:
        yield from (line.tobytes() for line in np.packbits(mask[rows], axis=1))


def meetings(
    rows: sparse.csr_array, columns: sparse.csr_array
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """List, in blocks, the pairs of rectangles that share a cell: numbers, shared rows, columns."""
    counts = [_shared_counts(sets) for sets in (rows, columns)]
    for start in range(0, rows.shape[0], BLOCK):
        s, t = (count(slice(start, start + BLOCK)) for count in counts)
        if is_sparse(s) and is_sparse(t):
            on_both = [x.multiply(y.astype(bool)).tocsr() for x, y in ((s, t), (t, s))]
            for x in on_both:
                x.sort_indices()
            first = np.repeat(np.arange(s.shape[0]), np.diff(on_both[0].indptr))
            second, shared = on_both[0].indices, [x.data for x in on_both]
        else:
            s, t = (x.toarray() if is_sparse(x) else x for x in (s, t))
            first, second = np.nonzero((s > 0) & (t > 0))
            shared = [x[first, second] for x in (s, t)]
        yield first + start, second, *shared


def _shared_counts(sets: sparse.csr_array) -> Callable[[slice], Any]:
    """Return a function that counts what some sets have in common with every set."""
    degrees = column_sizes(sets).astype(np.float64)
    entries = sets.shape[0] * sets.shape[1]
    cheap = float(degrees @ degrees) * DENSE_SPEED < float(sets.shape[0]) * entries
    if cheap or entries > DENSE_ENTRIES:
        turned = as_list(sets.T)
        return lambda block: sets[block] @ turned
    every = sets.toarray().astype(np.float32)  # counts below 2^24 are exact
    return lambda block: every[block] @ every.T


def packed_product(above: sparse.csr_array, packed: np.ndarray) -> np.ndarray:
    """Return the Boolean product of a mask with one whose rows are packed into bits."""
    out = np.zeros((above.shape[0], packed.shape[1]), np.uint8)
    word = np.uint64 if packed.shape[1] % 8 == 0 else np.uint8  # eight bytes at once, where whole
    below, into = np.ascontiguousarray(packed).view(word), out.view(word)
    filled = np.flatnonzero(row_sizes(above))
    step = max(1, ROWS_AT_ONCE // max(1, packed.shape[1]))
    for start in range(0, len(filled), step):
        rows = filled[start : start + step]
        begin, end = above.indptr[rows[0]], above.indptr[rows[-1] + 1]
        lines = below[above.indices[begin:end]]
        into[rows] = np.bitwise_or.reduceat(lines, above.indptr[rows] - begin, axis=0)
    return out


def boolean_product(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the Boolean product of two masks, by OR of packed rows."""
    packed = np.packbits(below, axis=1)
    out = np.zeros((above.shape[0], packed.shape[1]), np.uint8)
    for i, row in enumerate(above):
        np.bitwise_or.reduce(packed[np.flatnonzero(row)], axis=0, out=out[i])
    return np.unpackbits(out, axis=1, count=below.shape[1])
