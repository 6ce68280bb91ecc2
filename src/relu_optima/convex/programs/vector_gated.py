"""Gated networks with several outputs over listed gates: a nuclear norm for every gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from relu_optima.config.result_columns import number
from relu_optima.convex.config import ConvexConfig
from relu_optima.convex.programs.listed import GatesConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    number(
        "exact",
        "1 if the bound holds over all activation patterns, else 0.",
        label="all patterns",
    ),
    number("weights", "Sum of |u_j| |v_j|, the penalty without its strength."),
    number("n_steps", "Steps of the method.", label="steps"),
    number("n_cg", "Conjugate-gradient iterations."),
    number("n_factors", "Matrices factored."),
)


class Config(ConvexConfig):
    """Parameters of the nuclear-norm program."""

    program: str = Field(default="vector_gated", description="this program")
    gates: GatesConfig = Field(default_factory=GatesConfig, description="gate vectors")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.gates.source == "sample"

    def from_training(self) -> tuple[str, ...]:
        """Name the fields whose value an upstream training run is to give."""
        source = ("gates.source",) if self.gates.source == "training" else ()
        return (*source, *super().from_training())


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex.vector import stage

    return stage.run_gated(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex.vector import stage

    return stage.verify_listed(record, upstream)
