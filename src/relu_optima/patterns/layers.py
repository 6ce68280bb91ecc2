"""A layer as it was read: its mask, the name it goes by, and what is known of its bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.patterns.masks import check_any_masks

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

FREE, ABSENT, PARTIAL = "free", "absent", "partly masked"


@dataclass(frozen=True, eq=False)
class Layer:
    """One linear layer.

    Attributes
    ----------
    name : str
        Parameter or array it was read from.
    mask : array or scipy.sparse.csr_array, shape (n_out, n_in)
        1 where a weight may be nonzero.
    source : str
        What the mask was read from, in words.
    bias : str
        ``free``, ``absent`` or ``partly masked``; files of masks alone are about free biases.
    bias_mask : array, shape (n_out,), optional
        1 where a partly masked bias is free.
    """

    name: str
    mask: Mask
    source: str = "0/1 mask"
    bias: str = FREE
    bias_mask: np.ndarray | None = None

    @property
    def free_biases(self) -> np.ndarray | None:
        """Which outputs have a free bias; None if that is not known."""
        if self.bias == PARTIAL:
            return None if self.bias_mask is None else self.bias_mask.astype(bool)
        return np.full(self.mask.shape[0], self.bias == FREE)


def check_layers(layers: Sequence[Layer], where: str) -> list[Layer]:
    """Validate the masks of layers."""
    masks = check_any_masks([layer.mask for layer in layers], where)
    return [replace(layer, mask=mask) for layer, mask in zip(layers, masks, strict=True)]


def mask_layers(masks: Sequence[Mask], where: str = "pattern") -> list[Layer]:
    """Take masks as the layers of a network with free biases."""
    return check_layers([Layer(f"mask {k}", mask) for k, mask in enumerate(masks)], where)
