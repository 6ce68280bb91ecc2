"""The convex program over all activation patterns: the global optimum of the network itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.result_columns import flag, number, series, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

ROUNDS = "methods price and ascent"

COLUMNS = (
    text("method", "How patterns were found: `price`, `enumerate` or `ascent`."),
    flag("exact", "Whether all patterns were visited.", label="all patterns"),
    number("rank", "Dimensions that the rows span."),
    number("n_hyperplanes", "Distinct hyperplanes of the rows.", label="hyperplanes"),
    number("n_patterns", "Patterns that the program was solved over.", label="patterns used"),
    number("cells", "Most patterns that so many hyperplanes can make.", label="patterns at most"),
    number("n_rounds", "Pricings of all patterns.", label="rounds", when=ROUNDS),
    series("round", "Number of the pricing.", when=ROUNDS),
    series("upper_bound", "Best objective after it.", label="upper bound", when=ROUNDS),
    series("lower_bound", "Best dual value after it.", label="lower bound", when=ROUNDS),
)


class Config(ConvexConfig):
    """Parameters of a program over all patterns."""

    program: str = Field(default="all_patterns", description="this program")
    method: Literal["auto", "price", "enumerate", "ascent"] = Field(
        default="auto",
        description=(
            "price patterns exactly (rank at most 3), list them all, look for them by ascent, or "
            "what the data allow"
        ),
    )
    budget: int = Field(
        default=200_000, ge=1, description="most cells enumerated beyond rank 3, before ascent"
    )
    search_seed: int = Field(default=0, ge=0, description="seed of the ascent's random starts")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return False


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex.low_rank import records

    return records.run_all_patterns(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.low_rank import records

    return records.verify_all_patterns(record, upstream)
