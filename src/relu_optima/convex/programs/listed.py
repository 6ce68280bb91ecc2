"""The convex program over listed gates: sampled, enumerated, or those of a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.base import Group
from relu_optima.config.result_columns import number, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

NEWTON = "the backends of ours"
CLARABEL = "backend clarabel"

OURS = (
    text("backend", "Solver that answered."),
    number("network_objective", "Objective of the ReLU network made of the blocks."),
    number("n_gates", "Gates with distinct non-zero patterns.", label="gates"),
    number("n_active", "Blocks that are not zero.", label="active blocks"),
    number("n_outer", "Outer iterations.", when=NEWTON),
    number("n_newton", "Newton steps.", label="Newton steps", when=NEWTON),
    number("n_pricings", "Pricings of all gates.", when=NEWTON),
    number("n_corrections", "Steps of the corrector along a path.", when=NEWTON),
    number("n_projections", "Projections on cones.", when=NEWTON),
    number("n_projection_steps", "Active-set steps of these projections.", when=NEWTON),
    number("n_cg", "Conjugate-gradient iterations.", when=NEWTON),
)
COLUMNS = (
    *OURS,
    number("n_iterations", "Interior-point iterations.", when=CLARABEL),
)


class GatesConfig(Group):
    """Where the gate vectors of a program come from."""

    source: Literal["sample", "enumerate", "training"] = Field(
        default="sample",
        description="draw gates, take every cell of the arrangement, or a trained first layer",
    )
    count: int = Field(
        default=50, ge=1, le=1_000_000, description="gates drawn when they are sampled"
    )
    nested: bool = Field(
        default=False,
        description="draw gate after gate, so that of one seed fewer gates are the first of more",
    )
    symmetrize: bool = Field(default=False, description="append the opposite of every gate")
    budget: int = Field(
        default=200_000, ge=1, description="most cells enumerated before the run is refused"
    )


class Config(ConvexConfig):
    """Parameters of a program over listed gates."""

    formulation: Literal["relu", "gated"] = Field(
        default="relu", description="cone-constrained ReLU program or free gated ReLU program"
    )
    gates: GatesConfig = Field(default_factory=GatesConfig, description="gate vectors")
    backend: Literal["auto", "newton", "clarabel"] = Field(
        default="auto", description="solution method"
    )

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.gates.source == "sample"

    def from_training(self) -> tuple[str, ...]:
        """Name the fields whose value an upstream training run is to give."""
        source = ("gates.source",) if self.gates.source == "training" else ()
        return (*source, *super().from_training())


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex import listed

    return listed.run(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex import listed

    return listed.verify(record, upstream)
