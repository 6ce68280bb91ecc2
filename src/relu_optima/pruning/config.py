"""Config group ``pruning``: which neurons go first, and how exactly the start is resolved."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.optimal_set.tolerances import SetTolerances


class PruningConfig(SetTolerances):
    """Fields that every pruning method shares; each method's ``Config`` adds its own."""

    method: str = Field(description="pruning method, a module of relu_optima.pruning.methods")
    mode: Literal["exact", "published"] = Field(
        default="exact",
        description="exact: start in the refined optimal set, boundary duplicates merged; "
        "published: every block that the solver left non-zero is a neuron, as the authors coded it",
    )
