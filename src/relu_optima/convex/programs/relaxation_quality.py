r"""How much the cones cost: the ReLU program's optimum beside the gated one over equal gates.

Kim & Pilanci 2024 bound the ratio of the two by O(sqrt(log n)) for Gaussian data and all gates.
Over sampled gates the ratio may exceed sqrt(2 log(2 n)), as it does at small lambda.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    number("ratio", "ReLU optimum over gated optimum, at most.", label="ReLU / gated optimum"),
    number("law", "sqrt(2 log(2 n)).", label="√(2 log 2n)"),
    number("share_of_law", "The ratio as a share of the law.", label="ratio / √(2 log 2n)"),
    number("gated_objective", "Optimum of the gated program."),
    number("gated_dual_objective", "Its lower bound."),
    number("n_gates", "Gates with distinct non-zero patterns.", label="gates"),
)


class Config(ConvexConfig):
    """Parameters of the pair of programs; lambda_max is that of the gated one."""

    program: str = Field(default="relaxation_quality", description="this program")
    count: int = Field(default=200, ge=1, le=100_000, description="gates drawn")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return True


def run(task: Task, config: Config) -> Outcome:
    """Solve both programs and compare their optima."""
    from relu_optima.convex.low_rank import recovery

    return recovery.run_relaxation(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check both stored solutions from the data alone."""
    from relu_optima.convex.low_rank import recovery

    return recovery.verify_relaxation(record, upstream)
