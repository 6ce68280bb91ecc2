"""How exactly an optimal set is resolved: said once for all stages that describe one."""

from __future__ import annotations

from pydantic import Field

from relu_optima.config.base import Group


class SetTolerances(Group):
    """Tolerances of every description of an optimal set."""

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
