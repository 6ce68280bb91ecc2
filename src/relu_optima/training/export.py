"""Hand a learned mask on: to ``relu-optima check``, or to any reader of npz or safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.errors import DataError
from relu_optima.patterns.masks import check_masks


def canonical_masks(masks: list[np.ndarray]) -> list[np.ndarray]:
    """Remove hidden neurons without inputs or without outputs, until none is left.

    Neither the set of matrix products nor, with free biases above, the set of functions changes:
    a neuron without inputs is a constant, one without outputs is nothing.

    Parameters
    ----------
    masks : list of array of uint8, shape (n_out, n_in)
        First layer first.

    Returns
    -------
    list of array of uint8, shape (n_out, n_in)
        Smaller masks of the same number of layers.

    Raises
    ------
    DataError
        If nothing connects inputs and outputs.
    """
    out = [m.copy() for m in masks]
    changed = True
    while changed:
        changed = False
        for k in range(len(out) - 1):
            live = out[k].any(axis=1) & out[k + 1].any(axis=0)
            if not live.all():
                out[k], out[k + 1] = out[k][live], out[k + 1][:, live]
                changed = True
    if any(m.size == 0 for m in out):
        raise DataError("no path leads from an input to an output", where="masks")
    return out


def save_network(
    path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any] | None = None
) -> None:
    """Write the masks of a training record, or its weights with the masks applied.

    Parameters
    ----------
    path : Path
        ``.npz``: the masks ``mask_0``, ``mask_1``, ...; ``.safetensors``: a state dict with
        ``layers.<k>.weight`` and ``layers.<k>.bias``, whose zeros are the pattern.
    arrays : mapping of str to array
        Arrays of the record.
    about : mapping, optional
        Method, seed, run id and the like, kept as text in a safetensors file.

    Raises
    ------
    DataError
        If the record has no masks, the ending is another, or a kept weight is exactly zero, which
        a state dict cannot tell from a masked one.
    """
    count = sum(name.startswith("mask_") for name in arrays)
    masks = check_masks([arrays[f"mask_{k}"] for k in range(count)], "training record")
    if path.suffix == ".npz":
        named: dict[str, Any] = {f"mask_{k}": m for k, m in enumerate(masks)}
        np.savez_compressed(path, **named)
        return
    if path.suffix != ".safetensors":
        raise DataError(f"cannot write {path.name}", where="path", allowed=".npz or .safetensors")
    from safetensors.numpy import save_file

    tensors = {}
    for k, mask in enumerate(masks):
        if np.any(arrays[f"W{k}"][mask == 1] == 0):
            raise DataError(
                f"layer {k + 1} has a kept weight that is exactly 0",
                where=path.name,
                fix="write the masks as .npz",
            )
        tensors[f"layers.{k}.weight"] = np.ascontiguousarray(arrays[f"W{k}"])
        if f"b{k}" in arrays:
            tensors[f"layers.{k}.bias"] = np.ascontiguousarray(arrays[f"b{k}"])
    save_file(tensors, str(path), {"about": json.dumps(dict(about or {}), sort_keys=True)})
