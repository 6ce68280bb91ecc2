"""The relaxation of the copositive program of vector-output networks: a lower bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    text("bound", "What the value is known to be: `optimal`, or a `lower_bound`."),
    number(
        "certified_objective",
        "Certified optimum of the program that is relaxed.",
        label="certified optimum",
    ),
    number("shortfall", "By how much the bound falls short of it, relatively."),
    number(
        "proved_tight",
        "1 if the relaxation is proved to have the value of the program, else 0.",
        label="proved tight",
    ),
    number("n_cells", "Cells of the arrangement.", label="cells"),
    number("n_cone_rows", "Largest number of rows that bound a cell.", label="cone rows"),
    number("n_iterations", "Interior-point iterations."),
)


class Config(ConvexConfig):
    """Parameters of the relaxation; the data's rows span three dimensions at most."""

    program: str = Field(default="copositive", description="this program")
    lam: float = Field(default=0.1, gt=0, description="regularisation strength")
    tol: float = Field(default=1e-7, gt=0, lt=1, description="relative accuracy of the value")
    budget: int = Field(default=2_000, ge=1, description="most cells before the run is refused")


def run(task: Task, config: Config) -> Outcome:
    """Solve the relaxation of one data set; its value is that of a feasible dual point."""
    from relu_optima.convex.vector import stage

    return stage.run_copositive(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored bound from the data alone."""
    from relu_optima.convex.vector import stage

    return stage.verify_relaxation(record, upstream)
