"""Config group ``pattern``: which sparsity pattern, i.e. one 0/1 mask per layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from relu_optima.config.base import Group

MAX_WIDTH = 20_000  # a square mask of this size takes 400 MB
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]


class PatternConfig(Group):
    """Fields every pattern family shares; each family adds its own.

    Attributes
    ----------
    family : str
        Plug-in in ``relu_optima.patterns.families`` that makes the masks.
    """

    family: str = Field(description="pattern family, a module of relu_optima.patterns.families")
