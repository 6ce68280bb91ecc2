"""The certificate document: plain JSON that holds the masks, the answers and their proofs."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from relu_optima.existence.proof.values import integer

FORMAT = "relu-optima/existence-certificate/1"
ORACLE = "oracle z3"  # the rule of an answer that z3 gave and nobody can re-check
ANSWERS = {
    "product": ("closed", "not_closed", "unknown"),
    "function": ("closed", "not_closed", "unknown"),
    "finite": ("always", "not_always", "unknown"),
}


def pack_masks(masks: list[np.ndarray]) -> list[dict[str, Any]]:
    """Write masks as JSON."""
    return [
        {
            "shape": list(mask.shape),
            "bits": base64.b64encode(np.packbits(mask).tobytes()).decode("ascii"),
        }
        for mask in masks
    ]


def unpack_masks(layers: Any) -> list[np.ndarray]:
    """Read what `pack_masks` wrote."""
    out: list[np.ndarray] = []
    try:
        for layer in layers:
            m, n = (integer(side) for side in layer["shape"])
            data = np.frombuffer(base64.b64decode(layer["bits"], validate=True), np.uint8)
            if m < 1 or n < 1 or len(data) != (m * n + 7) // 8:
                raise ValueError("shape and bits of a layer disagree")
            out.append(np.unpackbits(data, count=m * n).reshape(m, n))
            if len(out) > 1 and n != out[-2].shape[0]:
                raise ValueError("the layers do not chain")
    except (TypeError, KeyError, binascii.Error) as error:
        raise ValueError(f"no packed masks: {error}") from error
    if not out:
        raise ValueError("there is no layer")
    return out
