"""Config group ``sensitivity``: the path in lam and the derivatives along it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.optimal_set.tolerances import SetTolerances


class SensitivityConfig(SetTolerances):
    """Parameters of one regularisation path with derivatives."""

    n_lams: int = Field(
        default=30, ge=2, description="knots, evenly spaced in log lam from lam_max downwards"
    )
    lam_min_fraction: float = Field(
        default=0.01, gt=0, lt=1, description="smallest lam as a share of lam_max"
    )
    path: Literal["grid", "trace"] = Field(
        default="grid",
        description="knots only, or also every change of structure between them",
    )
    breakpoint_tol: float = Field(
        default=1e-8, gt=0, le=1e-3, description="relative accuracy of traced breakpoints"
    )
    touches: bool = Field(
        default=False,
        description="look also between traced breakpoints for isolated degeneracies that change "
        "no structure; two or three times the solves",
    )
    folds: int = Field(
        default=0, ge=0, description="folds of cross-validation along the grid; 0 for none"
    )
    prediction_steps: int = Field(
        default=0,
        ge=0,
        description="steps below the solved lam at which the first-order prediction is compared "
        "with solving again; 0 for none",
    )
    degrees_of_freedom: Literal["jacobian", "finite_difference", "none"] = Field(
        default="jacobian",
        description="trace of d fit / d y: by implicit differentiation (missing at degenerate "
        "knots), by central differences of independent solves, or not at all",
    )
    step: float = Field(
        default=1e-5,
        gt=0,
        le=0.1,
        description="step of the central differences relative to the norm of y",
    )

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.folds > 0
