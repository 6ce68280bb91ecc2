"""Config group ``convex``: which program, how strongly regularised, how exactly solved."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.config.base import Group, operational


class ConvexConfig(Group):
    """Fields that every program shares; each program's ``Config`` adds its own."""

    program: str = Field(
        default="listed", description="program to solve, a module of relu_optima.convex.programs"
    )
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
    time_limit: float | None = operational(None, gt=0, description="safety net of a solve [s]")

    def from_training(self) -> tuple[str, ...]:
        """Name the fields whose value an upstream training run is to give."""
        return ("lam_scale",) if self.lam_scale == "training" else ()
