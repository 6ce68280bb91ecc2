"""The closed form for orthonormal rows: soft-thresholded singular values of the targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    number(
        "exact",
        "1 if the bound holds over all activation patterns, else 0.",
        label="all patterns",
    ),
    number("weights", "Sum of |u_j| |v_j|, the penalty without its strength."),
)


class Config(ConvexConfig):
    """Parameters of the closed form; rows must be orthonormal, targets one-hot or alike."""

    program: str = Field(default="soft_threshold", description="this program")
    lam: float = Field(default=0.1, gt=0, description="regularisation strength")


def run(task: Task, config: Config) -> Outcome:
    """Apply the closed form to one data set and certify the answer."""
    from relu_optima.convex.vector import stage

    return stage.run_soft_threshold(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored answer from the data alone."""
    from relu_optima.convex.vector import stage

    return stage.verify_orthonormal(record, upstream)
