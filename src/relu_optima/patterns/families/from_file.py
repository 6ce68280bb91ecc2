"""Masks from a file: arrays, lists, or those of a saved network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from relu_optima.config.base import operational
from relu_optima.patterns.config import PatternConfig
from relu_optima.patterns.reading import read_masks


class Config(PatternConfig):
    """Where the masks lie.

    Attributes
    ----------
    path : str
        File with all layers: npz, json, or a torch or safetensors state dict.
    layers : list of str
        Names of the layers in it, first layer first; empty: all.
    """

    path: str = operational(
        ..., min_length=1, description="npz, json, pt or safetensors file of all layers"
    )
    layers: list[str] = Field(
        default=[], description="layers to read from a state dict or npz, first layer first"
    )


def source_files(config: Config) -> list[Path]:
    """Name the files whose content decides the masks."""
    return [Path(config.path)]


def masks(config: Config) -> list[np.ndarray]:
    """Read the masks."""
    return read_masks([Path(config.path)], "pattern.path", config.layers, option="pattern.layers")
