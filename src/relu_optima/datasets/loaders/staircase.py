"""Data on which a sparsity pattern has no optimum (Theorem F), or an attainable control.

One hidden layer. All inputs move along one line, at s = -2, -1, ..., 2r - 2 for r live hidden
neurons: 2r + 1 points. If neurons k and l share output i0 and k feeds another output i1, the
targets are ``2[s>0] + [s=0]`` in row i0, ``max(s, 0)`` in row i1, and for the q-th remaining neuron
``max(s - 2q - 1, 0)`` in one row it feeds. The infimum of the loss is 0 and is not attained: with
``v_k = s + ε, u_k = e_i0/ε + e_i1`` and ``v_l = s - ε, u_l = -e_i0/ε`` the loss is of order ε²
while the norm grows like ``ε^{-1/2}``. This module builds data and curve from the masks alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import InvalidGroup, validate_group
from relu_optima.config.validate import plugin_modules as group_modules
from relu_optima.config.validate import source_files as group_files
from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData, synthetic_generator
from relu_optima.errors import DataError
from relu_optima.patterns.masks import check_masks


class Config(DatasetConfig):
    """The pattern (usually ``${pattern}``: that of the run), and which targets."""

    drawn: ClassVar[str] = "data"

    test_fraction: float = Field(default=0.0, ge=0, le=0, description="All points train.")
    standardise: Literal[False] = Field(default=False, description="Would move the points.")
    bias: Literal[False] = Field(default=False, description="Networks have biases of their own.")
    pattern: dict[str, Any] = Field(description="Values of a pattern group; ${pattern} as a rule.")
    targets: Literal["staircase", "attainable"] = Field(
        default="staircase",
        description="The targets above, or the outputs of a random network with this pattern.",
    )
    start_epsilon: float = Field(
        default=0.5, gt=0, lt=1, description="Point of the curve stored as a start for training."
    )

    def draws(self) -> bool:
        """Tell whether the data depend on ``seed``."""
        return self.targets == "attainable" or super().draws()


def plugin_modules(values: Mapping[str, Any]) -> list[str]:
    """Name the modules of the pattern's family."""
    return pattern_plugin_modules(values["pattern"])


def source_files(config: Config) -> list[Path]:
    """List the files that the pattern's family reads."""
    return pattern_source_files(config.pattern)


def pattern_plugin_modules(pattern: dict[str, Any]) -> list[str]:
    """Name the modules of a pattern's family."""
    try:
        validate_group("pattern", pattern)
    except InvalidGroup:
        return []  # `load` says what is wrong
    return group_modules("pattern", pattern)


def pattern_source_files(pattern: dict[str, Any]) -> list[Path]:
    """List the files that a pattern's family reads."""
    try:
        return group_files("pattern", validate_group("pattern", pattern))
    except InvalidGroup:
        return []  # `load` says what is wrong


def load(config: Config) -> RawData:
    """Build the points, the targets and the start."""
    W0, W1 = pattern_masks(config.pattern)
    live = np.flatnonzero(W0.any(axis=1) & W1.any(axis=0))
    if live.size == 0:
        raise DataError("no hidden neuron has inputs and outputs", where="dataset.pattern")
    s = np.arange(-2.0, 2.0 * live.size - 1)
    shared = np.flatnonzero(W0[live].all(axis=0))
    X = np.zeros((s.size, W0.shape[1]))
    X[:, shared[:1] if shared.size else slice(None)] = s[:, None]
    if config.targets == "attainable":
        planted = _random_network(config, W0, W1, X)
        hidden = np.maximum(X @ planted["start_W0"].T + planted["start_b0"], 0)
        Y = hidden @ planted["start_W1"].T
        about = "outputs of a random network"
        return RawData("attainable", X, Y, "regression", about, extra=planted)
    clash = find_clash(W1[:, live])
    row_shared, row_other = 0, min(1, W1.shape[0] - 1)
    first = second = -1
    if clash is not None:
        first, second, row_shared, row_other = clash
    Y = np.zeros((s.size, W1.shape[0]))
    Y[:, row_shared] += 2.0 * (s > 0) + (s == 0)
    if row_other != row_shared:
        Y[:, row_other] += np.maximum(s, 0)
    rest = [q for q in range(live.size) if q not in (first, second)]
    if clash is None:
        return RawData("staircase_always", X, Y, "regression", "staircase")
    rows = [int(np.argmax(W1[:, live[q]])) for q in rest]
    for q, row in enumerate(rows, start=1):
        Y[:, row] += np.maximum(s - (2 * q + 1), 0)
    eps = config.start_epsilon
    neurons = [
        (first, eps, {row_shared: 1 / eps, row_other: 1.0}),
        (second, -eps, {row_shared: -1 / eps}),
    ]
    for q, (neuron, row) in enumerate(zip(rest, rows, strict=True), start=1):
        neurons.append((neuron, -(2.0 * q + 1), {row: 1.0}))
    start = _start(W0, W1, live, shared, neurons)
    return RawData("staircase", X, Y, "regression", "staircase", extra=start)


def find_clash(feeds: np.ndarray) -> tuple[int, int, int, int] | None:
    """Find two neurons that share an output while one feeds another output too."""
    for k in np.flatnonzero(feeds.sum(axis=0) >= 2):
        for row in np.flatnonzero(feeds[:, k]):
            others = [q for q in np.flatnonzero(feeds[row]) if q != k]
            if others:
                other_row = next(i for i in np.flatnonzero(feeds[:, k]) if i != row)
                return int(k), int(others[0]), int(row), int(other_row)
    return None


def pattern_masks(pattern: dict[str, Any]) -> list[np.ndarray]:
    """Make the masks of a pattern with one hidden layer."""
    try:
        group = validate_group("pattern", pattern)
    except InvalidGroup as error:
        text = "; ".join(f"{m.key}: {m.text}" for m in error.mistakes)
        raise DataError(text, where="dataset.pattern") from error
    masks = check_masks(load_plugin("pattern", pattern["family"]).masks(group), "dataset.pattern")
    if len(masks) != 2:
        raise DataError(
            f"the pattern has {len(masks) - 1} hidden layers",
            where="dataset.pattern",
            allowed="one",
        )
    return masks


def _start(
    W0: np.ndarray,
    W1: np.ndarray,
    live: np.ndarray,
    shared: np.ndarray,
    neurons: list[tuple[int, float, dict[int, float]]],
) -> dict[str, np.ndarray]:
    """Write neurons ``relu(s + offset) * u``, each with equal norms on both sides."""
    weights = {
        "start_W0": np.zeros(W0.shape),
        "start_b0": np.zeros(W0.shape[0]),
        "start_W1": np.zeros(W1.shape),
        "start_b1": np.zeros(W1.shape[0]),
    }
    for j, offset, outputs in neurons:
        neuron = live[j]
        column = shared[0] if shared.size else int(np.argmax(W0[neuron]))
        above = np.linalg.norm(list(outputs.values()))
        scale = float(np.sqrt(above / np.hypot(1.0, offset)))
        weights["start_W0"][neuron, column] = scale
        weights["start_b0"][neuron] = scale * offset
        for row, value in outputs.items():
            weights["start_W1"][row, neuron] = value / scale
    return weights


def _random_network(
    config: Config, W0: np.ndarray, W1: np.ndarray, X: np.ndarray
) -> dict[str, np.ndarray]:
    generator = synthetic_generator(config.seed)
    first = W0 * generator.standard_normal(W0.shape)
    offsets = generator.uniform(-2, X.max(), W0.shape[0])
    second = W1 * generator.standard_normal(W1.shape)
    zero = np.zeros(W1.shape[0])
    return {"start_W0": first, "start_b0": -offsets, "start_W1": second, "start_b1": zero}
