"""Config group ``optimal_set``: how finely to resolve all optima, what to draw from them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.config.base import operational
from relu_optima.optimal_set.tolerances import SetTolerances


class OptimalSetConfig(SetTolerances):
    """Parameters of one description of an optimal set."""

    rank_tol: float = Field(
        default=1e-9,
        gt=0,
        le=1e-2,
        description="relative singular value below which contributions to the fit are dependent",
    )
    samples: int = Field(
        default=200, ge=0, description="optimal models drawn uniformly by hit-and-run"
    )
    vertex_budget: int = Field(
        default=100_000, gt=0, description="most vertices that a set may have to be enumerated"
    )
    node_limit: int = Field(
        default=20_000, gt=0, description="branch-and-bound nodes for the fewest neurons"
    )
    topology: bool = Field(
        default=False,
        description="count the components of the optimal networks of every width, and connect them",
    )
    tuning: Literal["none", "exact", "published"] = Field(
        default="none",
        description="choose networks by criteria: none; exact: in the optimal set; published: "
        "among the scalings of an interior-point solution that keep its fit, as the authors coded",
    )
    interior_tol: float = Field(
        default=1e-8,
        gt=0,
        le=1e-2,
        description="tolerance of that interior-point solution (tuning: published)",
    )
    time_limit: float | None = operational(
        None, gt=0, description="safety net of the integer program [s]"
    )

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.samples > 0
