"""Search for factors of a chain at which the product is 0 and open: rule Z of `proof.open_chain`.

One layer is 0 and the others are drawn: then only that layer moves the product, and it must reach
every cell. The first and the last layer are asked column by column and row by row; layers between
them need one elimination and are tried on small supports.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof.linear import PRIME, boolean_product, product_mod_p, rank_mod_p

MAX_SIDE = 300  # of any layer
MAX_INNER_CELLS = 300  # of the support, for a layer between others


def find_open_chain(masks: list[np.ndarray], deadline: float) -> dict[str, Any] | None:
    """Search for a proof by rule Z for chains."""
    if max(side for mask in masks for side in mask.shape) > MAX_SIDE:
        return None
    reach = masks[0]
    for mask in masks[1:]:
        reach = boolean_product(mask, reach)
    rng = np.random.default_rng(0)
    drawn = [
        np.where(mask, rng.integers(1, 1000, mask.shape), 0).astype(np.int64) for mask in masks
    ]
    for free in (0, len(masks) - 1, *range(1, len(masks) - 1)):
        check_time(deadline)
        if not _has_enough(masks, free, reach):
            continue
        if _reaches(masks, drawn, free, reach.astype(bool)):
            zero = [layer * (number != free) for number, layer in enumerate(drawn)]
            factors = [z[mask.astype(bool)].tolist() for z, mask in zip(zero, masks, strict=True)]
            return {"answer": "closed", "proof": {"rule": "Z chain", "factors": factors}}
    return None


def _has_enough(masks: list[np.ndarray], free: int, reach: np.ndarray) -> bool:
    """Say whether a layer has as many entries as there are cells for them to reach."""
    if free == 0:
        return bool((masks[0].sum(axis=0) >= reach.sum(axis=0)).all())
    if free == len(masks) - 1:
        return bool((masks[-1].sum(axis=1) >= reach.sum(axis=1)).all())
    return int(masks[free].sum()) >= int(reach.sum())


def _reaches(
    masks: list[np.ndarray], drawn: list[np.ndarray], free: int, reach: np.ndarray
) -> bool:
    """Say whether one layer alone reaches every cell."""
    below = np.eye(masks[0].shape[1], dtype=np.int64)
    for layer in drawn[:free]:
        below = product_mod_p(layer, below)
    above = np.eye(masks[-1].shape[0], dtype=np.int64)
    for layer in reversed(drawn[free + 1 :]):
        above = product_mod_p(above, layer)
    mask = masks[free].astype(bool)
    if free == 0:
        return all(
            rank_mod_p(above[reach[:, j]][:, mask[:, j]]) == reach[:, j].sum()
            for j in range(reach.shape[1])
        )
    if free == len(masks) - 1:
        return all(
            rank_mod_p(below[mask[i]][:, reach[i]]) == reach[i].sum() for i in range(len(reach))
        )
    if reach.sum() > MAX_INNER_CELLS:
        return False
    rows, columns = np.nonzero(reach)
    images = [above[rows, a] * below[b, columns] % PRIME for a, b in np.argwhere(mask)]
    return rank_mod_p(np.array(images)) == len(rows)
