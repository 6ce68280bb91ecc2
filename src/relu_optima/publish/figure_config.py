"""Config group ``figure``: which runs a figure shows, how, and at which printed size."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relu_optima.publish.config import ColumnName, PooledName, ProductConfig


class FigureConfig(ProductConfig):
    """What every figure has; a plug-in's ``Config`` adds its own keys."""

    plot: str = Field(min_length=1, description="Plug-in in publish/figures.")
    width: Literal["icml_column", "icml_text", "neurips_text", "jmlr_text"] = Field(
        default="neurips_text", description="Printed width, exact for the venue."
    )
    aspect: float = Field(
        default=0.7, gt=0.1, le=3, description="Height of one panel divided by its width."
    )


class PanelConfig(FigureConfig):
    """Figures made of one panel for each value of a column, coloured by another column."""

    hue: ColumnName | None = Field(
        default=None, description="Column told apart by colour and marker."
    )
    panel: ColumnName | None = Field(
        default=None, description="Column with one panel for each value."
    )
    panel_columns: int = Field(default=2, ge=1, le=4, description="Panels side by side.")
    share_y: bool = Field(default=False, description="One y range for all panels of a row.")
    log_x: bool = Field(default=False, description="Logarithmic x axis.")
    log_y: bool = Field(default=False, description="Logarithmic y axis.")


class PooledConfig(PanelConfig):
    """Figures that summarise the seeds of each setting by median and interval."""

    pool: list[PooledName] = Field(
        default=[],
        description="Config columns besides seeds over which runs are pooled on purpose.",
    )
