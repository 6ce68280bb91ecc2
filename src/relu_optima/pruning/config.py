"""Config group ``pruning``: which neurons go first, and how exactly the start is resolved."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.config.base import Group


class PruningConfig(Group):
    """Fields that every pruning method shares; each method's ``Config`` adds its own."""

    method: str = Field(description="pruning method, a module of relu_optima.pruning.methods")
    mode: Literal["exact", "published"] = Field(
        default="exact",
        description="exact: start in the refined optimal set, boundary duplicates merged; "
        "published: every block that the solver left non-zero is a neuron, as the authors coded it",
    )
    slack_tol: float = Field(
        default=1e-12,
        gt=0,
        le=1e-2,
        description="relative slack up to which a block belongs to the equicorrelation set",
    )
    merge_tol: float = Field(
        default=1e-5,
        gt=0,
        le=1e-2,
        description="distance below which unit directions of one sign are one neuron",
    )
