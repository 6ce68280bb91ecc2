"""Frank-Wolfe over all activation patterns, the published method for vector outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number, series, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    text("bound", "What the objective is known to be: `optimal`, or an `upper_bound`."),
    number(
        "exact",
        "1 if the bound holds over all activation patterns, else 0.",
        label="all patterns",
    ),
    number("weights", "Sum of |u_j| |v_j|, the penalty without its strength."),
    number("radius", "Largest sum of |u_j| |v_j| that the method may use."),
    number("frank_wolfe_gap", "How far the squared error can be above its least in the radius."),
    number("n_steps", "Steps of the method.", label="steps"),
    number(
        "certified_objective",
        "Certified optimum, where it gave the radius.",
        label="certified optimum",
    ),
    number(
        "excess",
        "By how much the network's objective exceeds it, relatively.",
        label="excess over the certified optimum",
    ),
    series("course.step", "Step."),
    series("course.objective", "Penalised objective of the network after it."),
    series("course.frank_wolfe_gap", "Frank-Wolfe gap after it."),
    series("course.excess", "Excess over the certified optimum after it."),
)


class Config(ConvexConfig):
    """Parameters of the method; the data's rows span three dimensions at most."""

    program: str = Field(default="frank_wolfe", description="this program")
    lam: float = Field(default=0.1, gt=0, description="strength at which the network is valued")
    steps: int = Field(default=1000, ge=1, le=1_000_000, description="steps")
    radius: float | None = Field(
        default=None,
        ge=0,
        description="largest sum of weights; none for that of the certified optimum, the best "
        "there is for the strength",
    )


def run(task: Task, config: Config) -> Outcome:
    """Run the method on one data set and certify the answer."""
    from relu_optima.convex.vector import stage

    return stage.run_frank_wolfe_program(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.vector import stage

    return stage.verify_all_patterns(record, upstream)
