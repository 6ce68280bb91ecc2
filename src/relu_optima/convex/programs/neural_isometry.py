r"""Recovery of a linear function by the gated program with a skip connection.

.. math:: \min \tfrac12 \Big\lVert X w + \sum_i D_i X u_i - y \Big\rVert^2
          + \lambda \Big(\lVert w \rVert + \sum_i \lVert u_i \rVert\Big)

with sampled patterns D_i. At a small lambda the optimum is close to the interpolant of least
norm; where y = X w and n is above about 2 d, all of it is the skip connection (the "neural
isometry" of Wang, Hua, Candes & Pilanci 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    text("recovered", "`yes` if the skip connection has at least 99 % of all norm, else `no`."),
    number("skip_share", "Share of the norm that the skip connection has.", label="skip share"),
    number("n_gates", "Gates with distinct non-zero patterns.", label="gates"),
    number("rows_per_feature", "Training rows for each feature.", label="n / d"),
)


class Config(ConvexConfig):
    """Parameters of the program with a skip connection."""

    program: str = Field(default="neural_isometry", description="this program")
    count: int = Field(default=50, ge=1, le=100_000, description="gates drawn")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return True


def run(task: Task, config: Config) -> Outcome:
    """Solve the program and measure what the skip connection has."""
    from relu_optima.convex.low_rank import recovery

    return recovery.run_isometry(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.low_rank import recovery

    return recovery.verify_isometry(record, upstream)
