"""The convex program over listed gates with another loss, or an intercept without penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from relu_optima.config.result_columns import number, text
from relu_optima.convex.programs import listed

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

COLUMNS = (
    text("loss_function", "Loss of the program.", label="loss"),
    number("intercept", "Intercept of the output, 0 where the program has none."),
    *listed.OURS,
)


class Config(listed.Config):
    """Parameters of the program; `listed` has those it shares."""

    program: str = Field(default="listed_loss", description="this program")
    loss: Literal["logistic", "squared_hinge", "hinge", "huber", "squared"] = Field(
        default="logistic", description="loss, summed over the rows"
    )
    delta: float = Field(
        default=1.0, gt=0, description="residual from which on the Huber loss is linear"
    )
    class_weight: Literal["balanced"] | None = Field(
        default=None, description="weigh rows inversely to the share of their label, or all alike"
    )
    intercept: bool = Field(
        default=False, description="give the output an intercept without penalty"
    )
    backend: Literal["auto"] = Field(default="auto", description="solution method; there is one")

    @model_validator(mode="after")
    def _combination_means_something(self) -> Config:
        if self.class_weight and self.loss in ("huber", "squared"):
            raise ValueError("class_weight goes with loss logistic, squared_hinge or hinge")
        if self.loss == "squared" and not self.intercept:
            raise ValueError(
                "the squared loss without an intercept is program listed (presets relu and gated)"
            )
        return self


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex import listed as program

    return program.run(task, config, _options(config.model_dump()))


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored solution from the data alone."""
    from relu_optima.convex import listed as program

    return program.verify(record, upstream, _options(record.config["groups"]["convex"]))


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name] for name in ("loss", "delta", "class_weight", "intercept")}
