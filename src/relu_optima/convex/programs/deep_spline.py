"""Deep networks of one input as a lasso over mirrored ramps: parallel chains of scalar ReLUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.result_columns import number, series
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    number("depth", "Layers of weights."),
    number("path_norm", "Sum of the branches' weights |z|."),
    number("branches", "Branches."),
    number("interpolation_cost", "Least path norm of a fit of all points.", label="cost"),
    number(
        "weight_decay_objective",
        "Objective under weight decay of a network made of branches: an upper bound.",
        label="weight decay",
    ),
    series("point.x", "Input, in order."),
    series("point.y", "Mean target there."),
    series("point.fit", "Output of the network."),
)


class Config(ConvexConfig):
    """Depth and strength."""

    program: str = Field(default="deep_spline", description="this program")
    depth: int = Field(default=3, ge=2, le=1000, description="layers of weights")
    lam: float = Field(default=0.001, gt=0, description="regularisation strength")
    lam_scale: Literal["absolute"] = Field(default="absolute", description="lam is canonical")
    tol: float = Field(default=1e-8, gt=0, lt=1, description="relative duality gap to reach")


def run(task: Task, config: Config) -> Outcome:
    """Solve the lasso and make the network."""
    from relu_optima.convex.deep import stage

    return stage.spline(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Check the dual point against all ramps and clips, and evaluate the network on the data."""
    from relu_optima.convex.deep import verify

    return verify.spline(record, upstream)
