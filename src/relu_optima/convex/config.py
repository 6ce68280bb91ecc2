"""Config group ``convex``: which convex program, over which gates, how strongly regularised."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.config.base import Group, operational


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


class ConvexConfig(Group):
    """Parameters of one certified convex solve."""

    formulation: Literal["relu", "gated"] = Field(
        default="relu", description="cone-constrained ReLU program or free gated ReLU program"
    )
    gates: GatesConfig = Field(default_factory=GatesConfig, description="gate vectors")
    lam: float = Field(default=0.05, gt=0, description="regularisation strength")
    lam_scale: Literal["absolute", "lambda_max", "data_norm", "per_sample", "training"] = Field(
        default="lambda_max",
        description=(
            "convention of lam: canonical, a fraction of lambda_max (which depends on program and "
            "gates) or of ||X|| ||y|| (which does not), per training row, or a multiple of what "
            "the upstream training run used"
        ),
    )
    tol: float = Field(default=1e-6, gt=0, lt=1, description="relative duality gap to reach")
    backend: Literal["auto", "newton", "clarabel"] = Field(
        default="auto", description="solution method"
    )
    time_limit: float | None = operational(None, gt=0, description="safety net of a solve [s]")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.gates.source == "sample"
