"""ReLU networks with several outputs, or filters of a convolution, over all activation patterns."""

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
    number("n_rounds", "Pricings of all patterns.", label="rounds"),
    number("n_newton", "Newton steps.", label="Newton steps"),
)


class Config(ConvexConfig):
    """Parameters of the program over all patterns; its rows span three dimensions at most."""

    program: str = Field(default="vector_relu", description="this program")
    lam: float = Field(default=0.1, gt=0, description="regularisation strength")
    filter_size: int | None = Field(
        default=None,
        ge=1,
        le=3,
        description="length of the filters of a convolution with average pooling over each row; "
        "none for fully connected neurons",
    )
    tol: float = Field(default=1e-8, gt=0, lt=1, description="relative duality gap to reach")


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex.vector import stage

    return stage.run_relu(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.vector import stage

    return stage.verify_all_patterns(record, upstream)
