"""Config group ``existence``: how much work a verdict may cost."""

from __future__ import annotations

from pydantic import Field

from relu_optima.config.base import Group, operational


class ExistenceConfig(Group):
    """Budget of the decision.

    Attributes
    ----------
    z3_rlimit : int
        Resource limit of z3 for two layers that no rule decides, in z3's own deterministic units;
        0 leaves them unknown. Such an answer has no certificate.
    time_limit : float
        Wall-clock safety net in seconds; a run that hits it has status ``time_limit`` and is not
        kept.
    """

    z3_rlimit: int = Field(
        default=0, ge=0, description="z3's resource limit for what no rule decides; 0: do not ask"
    )
    time_limit: float = operational(
        600.0, gt=0, description="safety net in seconds of wall clock; never decides a verdict"
    )
