"""Deep networks in closed form: linear, ReLU on whitened classes or rank one, batch normalised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.result_columns import number, series, text
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

CLASSES = "one-hot targets"

COLUMNS = (
    number("depth", "Layers of weights."),
    text("theorem", "Statement behind it: `linear`, `rank_one`, `whitened`, `batch_norm`."),
    text("bound", "What the objective is known to be: `optimal`, or an `upper_bound`."),
    number("rank", "Singular values of the outputs that are not zero."),
    number("balance", "Largest imbalance of neighbouring layers, relatively."),
    number("nc1", "Predicted scatter within classes.", label="NC1 predicted", when=CLASSES),
    number("nc2_norms", "Predicted spread of norms.", label="NC2 norms predicted", when=CLASSES),
    number("nc2_angles", "Predicted distance of the cosines from a simplex.",
           label="NC2 angles predicted", when=CLASSES),
    number("nc3", "Predicted distance of last layer and class means.",
           label="NC3 predicted", when=CLASSES),
    number("nc4", "Predicted share of rows decided otherwise than by the nearest class mean.",
           label="NC4 predicted", when=CLASSES),
    series("class.index", "Class.", when=CLASSES),
    series("class.size", "Its rows.", when=CLASSES),
    series("class.scale", "Its singular value in the outputs.", when=CLASSES),
    series("class.norm", "Predicted norm of its mean.", when=CLASSES),
    series("class.centred_norm", "The same less the mean of class means.", when=CLASSES),
)  # fmt: skip


class Config(ConvexConfig):
    """Depth and kind of the network; the data must be those of a theorem."""

    program: str = Field(default="deep", description="this program")
    depth: int = Field(default=3, ge=2, le=1000, description="layers of weights")
    neurons: Literal["relu", "linear"] = Field(default="relu", description="kind of network")
    batch_norm: bool = Field(
        default=False, description="normalise before the last ReLU; penalise only what follows"
    )
    lam: float = Field(default=0.1, gt=0, description="regularisation strength")
    lam_scale: Literal["absolute", "lambda_max", "data_norm", "per_sample", "training"] = Field(
        default="absolute",
        description="convention of lam; lambda_max: where the closed form becomes zero",
    )
    tol: float = Field(default=1e-8, gt=0, lt=1, description="relative gap of an optimal value")


def run(task: Task, config: Config) -> Outcome:
    """Build the network of the theorem that fits the data, and bound it."""
    from relu_optima.convex.deep import stage

    return stage.run(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Evaluate the stored network on the data, and prove the bound anew."""
    from relu_optima.convex.deep import verify

    return verify.closed_form(record, upstream)
