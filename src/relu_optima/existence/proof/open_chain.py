r"""Check that a chain of layers reaches every matrix on its support: rule Z for chains.

**Z, open at zero (chains).** Let R be the support of the Boolean product of the masks. If at some
integer factors W_L ... W_1 = 0 and the derivative

    (W_1', ..., W_L') -> sum_l W_L ... W_{l+1} W_l' W_{l-1} ... W_1,    W_l' on its mask,

is onto R^R, the set of products is R^R, hence closed. *Proof.* By the implicit function theorem the
set contains a ball around 0 in R^R; it is a cone, as one factor may be scaled, and lies in R^R.
The case in which one layer is 0 and the others are generic (all layers but one are fixed) is rule
C3 of two layers. Onto modulo a prime implies onto over Q. As in two layers, columns j that the
entries of W_1 in column j alone reach may be left out first, then rows that W_L alone reaches.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

from relu_optima.existence.proof.linear import PRIME, boolean_product, product_mod_p, rank_mod_p
from relu_optima.existence.proof.values import integer

MAX_LEFT = 2000  # cells of one elimination: bounds what a short document may ask for


def check_open_chain(masks: list[np.ndarray], factors: list[list[int]]) -> list[str]:
    """Check integer factors, each the list of its entries on the mask, row by row."""
    if len(factors) != len(masks):
        return ["Z: one factor for each layer"]
    layers = []
    for mask, values in zip(masks, factors, strict=True):
        if len(values) != int(mask.sum()):
            return ["Z: a factor has the wrong number of entries"]
        layer = np.zeros(mask.shape, object)
        layer[mask.astype(bool)] = [integer(x) for x in values]
        layers.append(layer)
    product = flint.fmpz_mat(layers[0].tolist())
    for layer in layers[1:]:
        product = flint.fmpz_mat(layer.tolist()) * product
    if any(x != 0 for x in product.entries()):
        return ["Z: the product of the factors is not zero"]
    return [] if _reaches_all(masks, layers) else ["Z: the derivative of the chain is not onto"]


def _reaches_all(masks: list[np.ndarray], layers: list[np.ndarray]) -> bool:
    """Say whether the derivative reaches every cell of the chain's support."""
    left = masks[0]
    for mask in masks[1:]:
        left = boolean_product(mask, left)
    left = left.astype(bool)
    small = [np.asarray(layer % PRIME, np.int64) for layer in layers]
    above, below = _products(small, downwards=True), _products(small, downwards=False)
    for j in np.flatnonzero(left.any(axis=0)):
        own = above[0][left[:, j]][:, masks[0][:, j].astype(bool)]
        if rank_mod_p(own) == left[:, j].sum():
            left[:, j] = False
    for i in np.flatnonzero(left.any(axis=1)):
        own = below[-1][masks[-1][i].astype(bool)][:, left[i]]
        if rank_mod_p(own) == left[i].sum():
            left[i] = False
    if left.sum() > MAX_LEFT:
        raise ValueError("the derivative is too large to be looked at")
    rows, columns = np.nonzero(left)
    images = [np.zeros((0, len(rows)), np.int64)]
    for mask, top, bottom in zip(masks, above, below, strict=True):
        for a, b in np.argwhere(mask):
            images.append((top[rows, a] * bottom[b, columns] % PRIME)[None])
    return rank_mod_p(np.concatenate(images)) == len(rows)


def _products(layers: Sequence[np.ndarray], *, downwards: bool) -> list[np.ndarray]:
    """Multiply, for each layer, all layers above it (downwards) or below it, modulo the prime."""
    size = layers[-1].shape[0] if downwards else layers[0].shape[1]
    out = [np.eye(size, dtype=np.int64)]
    for layer in reversed(layers[1:]) if downwards else layers[:-1]:
        pair = (out[-1], layer) if downwards else (layer, out[-1])
        out.append(product_mod_p(*pair))
    return out[::-1] if downwards else out
