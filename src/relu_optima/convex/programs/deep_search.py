"""Search for a deep ReLU network better than the aligned one, on data X = Y = I."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.result_columns import flag, number, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    number("depth", "Layers of weights."),
    number("classes", "Classes."),
    number("aligned_objective", "Value of the aligned network.", label="aligned value"),
    number("saving", "Share of the aligned value that the network found saves.", label="saved"),
    flag("beaten", "Whether a network better than the aligned one was found."),
    text("origin", "Where its descent started: `aligned`, `random` or a code."),
    text("bound", "What the objective is known to be: an `upper_bound`, or `optimal`."),
)


class Config(ConvexConfig):
    """Depth, strength and effort."""

    program: str = Field(default="deep_search", description="this program")
    depth: int = Field(default=5, ge=2, le=12, description="layers of weights")
    lam: float = Field(default=0.01, gt=0, description="regularisation strength")
    lam_scale: Literal["absolute"] = Field(default="absolute", description="lam is canonical")
    starts: int = Field(default=24, ge=0, le=10_000, description="random starts, up to 8 classes")

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return True


def run(task: Task, config: Config) -> Outcome:
    """Search from codes and random starts."""
    from relu_optima.convex.deep import stage

    return stage.search(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Evaluate the stored network on the data, and prove the bound anew."""
    from relu_optima.convex.deep import verify

    return verify.search(record, upstream)
