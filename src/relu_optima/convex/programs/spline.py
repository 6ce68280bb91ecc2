"""One-dimensional data, biases free: the optimal spline over networks of any width.

The rows must lie on a line: one feature (beside it, columns that do not change are seen and change
nothing, as biases are not penalised), or data of rank one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.result_columns import number, series, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

REGRESSION = "loss squared, logistic, huber"
SMALL = "at most 2000 training rows"

COLUMNS = (
    text("regime", "What the penalty counts: `bends`, `ends`, or `border` between the two."),
    number("tau", "Slope multiplier over λ, in [-1, 1].", label="τ"),
    number("norm", "Least sum of |w||v| of a network with these values."),
    number("n_spline_knots", "Training inputs at which the slope changes.", label="knots"),
    number("least_width", "Neurons of the narrowest optimal network known.", label="least width"),
    number("least_width_bound", "No network with these values and this norm has fewer neurons."),
    number("network_objective", "Objective of the ReLU network made of the spline."),
    number("dual_height", "Largest excess of the dual curve over its tube, relative to λ."),
    number("n_tilts", "Values of τ that were solved for.", when=REGRESSION),
    number("n_rounds", "Rounds of pricing all points.", when=REGRESSION, label="rounds"),
    number("n_systems", "Tridiagonal systems solved.", when=REGRESSION),
    number("n_strict_rounds", "Rounds done over one knot at a time.", when=REGRESSION),
    number(
        "n_steps",
        "Interior-point steps (hinge) or Newton steps.",
        when="loss hinge, logistic, huber",
        label="steps",
    ),
    series("data.x", "Training inputs along the line, sorted.", when=SMALL),
    series("data.y", "Training targets.", when=SMALL),
    series("data.fit", "Optimal spline at the training inputs.", when=SMALL),
    series("data.dual", "Dual curve at the training inputs, over λ.", when=SMALL),
    series("knot.x", "Knots."),
    series("knot.fit", "Optimal spline at its knots."),
    series("knot.dual", "Dual curve at the knots, over λ."),
)


class Config(ConvexConfig):
    """Parameters of a spline: the loss, and how exactly it is to be solved."""

    loss: Literal["squared", "hinge", "logistic", "huber", "interpolation"] = Field(
        default="squared",
        description="half squared error, hinge or logistic loss of labels -1 and +1, squared error "
        "with a linear tail, or an exact fit of least norm",
    )
    delta: float = Field(default=1.0, gt=0, description="error where the Huber loss turns linear")
    tol: float = Field(default=1e-9, gt=0, lt=1, description="relative duality gap to reach")


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex.one_dimensional import record

    return record.run(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored spline from the data alone."""
    from relu_optima.convex.one_dimensional import record as checker

    return checker.verify(record, upstream)
