"""Config group ``existence``: how much work a verdict may cost."""

from __future__ import annotations

from relu_optima.config.schema.base import Group, operational


class ExistenceConfig(Group):
    """Budget of the decision.

    Attributes
    ----------
    time_limit : float
        Wall-clock safety net in seconds; a run that hits it has status ``time_limit`` and is not
        kept.
    """

    time_limit: float = operational(
        600.0, gt=0, description="safety net in seconds of wall clock; never decides a verdict"
    )
