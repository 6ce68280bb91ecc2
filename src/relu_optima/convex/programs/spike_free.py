"""The program of two neurons: the whole program for spike-free data, an upper bound for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import flag, number, series, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

SMALL = "at most 50 rows"
TWO = "two rows of rank two"

COLUMNS = (
    flag("spike_free", "Whether the data are spike-free.", label="spike-free"),
    number("spike", "Length of the spike of the witness, 1 if there is none.", label="spike"),
    number("n_row_directions", "Distinct directions of the rows.", label="directions of rows"),
    flag("exact", "Whether the bound holds over all patterns.", label="all patterns"),
    text("method", "How the answer was found: `spike_free`."),
    series("neuron.row", "Number of a row.", label="row", when=SMALL),
    series("neuron.output", "Largest output on it of a unit neuron off elsewhere.", when=SMALL),
    series("ellipsoid.first", "First output of X u, u a unit vector.", when=TWO),
    series("ellipsoid.second", "Second output of X u.", when=TWO),
    series("ellipsoid.spike", "1 where (X u)₊ is a spike.", when=TWO),
)


class Config(ConvexConfig):
    """Parameters of the program over the all-active pattern."""

    program: str = Field(default="spike_free", description="this program")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return False


def run(task: Task, config: Config) -> Outcome:
    """Test the data, solve the program of two neurons and certify the answer."""
    from relu_optima.convex.low_rank import records

    return records.run_spike_free(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.low_rank import records

    return records.verify_spike_free(record, upstream)
