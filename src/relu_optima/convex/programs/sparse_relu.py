"""The program over all networks whose neurons read given inputs: pairs, lists, or a mask's rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from relu_optima.config.base import operational
from relu_optima.config.result_columns import flag, number
from relu_optima.convex.config import ConvexConfig

if TYPE_CHECKING:
    from relu_optima.stage import Outcome, Record, Task

MASK = "supports: from_mask"
SAME = f"{MASK}, a trained network of this program"
BEST = "convex.compare"

COLUMNS = (
    number("penalty", "Sum of the norms of the neurons.", label="group penalty"),
    flag(
        "exact",
        "Whether the bound covers all activation patterns, not only those drawn.",
        label="all patterns",
    ),
    number(
        "all_patterns_bound",
        "Lower bound over all activation patterns, loose, where some were drawn.",
        when="drawn patterns",
    ),
    number("n_supports", "Different supports.", label="supports"),
    number("n_supports_used", "Supports with a neuron at the optimum.", label="supports in use"),
    number("largest_support", "Inputs of the largest support.", label="fan-in"),
    number("n_drawn", "Supports whose patterns were drawn, not enumerated or swept."),
    number("n_rounds", "Rounds of column generation.", label="rounds"),
    number("n_newton", "Newton steps of the restricted program.", label="Newton steps"),
    number("n_sweeps", "Supports priced, over all rounds."),
    number("n_slots", "Hidden neurons that the mask allows.", label="slots", when=MASK),
    flag("attained", "Whether the optimum found fits into the mask's slots.", when=MASK),
    number("trained_objective", "Objective of the trained network, rescaled.", when=SAME),
    number(
        "trained_excess",
        "Excess of the trained network over the best network found, relatively.",
        label="excess of training",
        when=SAME,
    ),
    number(
        "trained_gap",
        "Its excess over the bound on all patterns, relatively: at most so far from optimal.",
        label="certified gap of training",
        when=SAME,
    ),
    flag("trained_below", "Whether it lies below the bound: never.", when=SAME),
    number("best_objective", "Best found over all supports of the largest one's size.", when=BEST),
    number("best_dual_objective", "Lower bound over them and all patterns.", when=BEST),
    number("best_neurons", "Neurons of it.", when=BEST),
    number(
        "mask_excess",
        "Excess of the mask's optimum over that, relatively.",
        label="excess of the mask",
        when=BEST,
    ),
    number(
        "mask_gap",
        "Its excess over the bound, relatively: at most so far from the best mask of its size.",
        label="certified gap of the mask",
        when=BEST,
    ),
    flag(
        "best_fits",
        "Whether it has no more neurons than the mask, so that a mask of its size attains it.",
        when=BEST,
    ),
)


class Config(ConvexConfig):
    """Which supports, and how those of many inputs are priced."""

    program: str = Field(default="sparse_relu", description="this program")
    supports: (
        Literal["pairs", "pairs_with_bias", "triples", "from_mask", "file"] | list[list[int]]
    ) = Field(
        default="pairs",
        description="inputs that neurons may read: all sets of two or three, all pairs with the "
        "last input (a constant column), the rows of the first mask of the upstream training run "
        "or of a file, or a list",
    )
    file: str | None = operational(
        None, description="npz, npy, json or csv file of masks, first layer first (supports: file)"
    )
    budget: int = Field(
        default=20_000,
        ge=1,
        description="most cells of the arrangement of a support of rank above three that are "
        "enumerated",
    )
    count: int = Field(
        default=500, ge=1, le=1_000_000, description="patterns drawn for a support that has more"
    )
    compare: bool = Field(
        default=False,
        description="solve over all supports of the largest size too, if they are at most 500, or "
        "20000 of two or three inputs and one output",
    )

    def draws(self) -> bool:
        """Tell whether a run depends on its seed."""
        return self.supports not in ("pairs", "pairs_with_bias", "triples")

    def from_training(self) -> tuple[str, ...]:
        """Name the fields whose value an upstream training run is to give."""
        mask = ("supports",) if self.supports == "from_mask" else ()
        return (*mask, *super().from_training())


def source_files(config: Config) -> list[Path]:
    """Name the files whose content decides the supports."""
    return [Path(config.file)] if config.supports == "file" and config.file else []


def run(task: Task, config: Config) -> Outcome:
    """Solve the program of one data set and certify the answer."""
    from relu_optima.convex.sparse import runs

    return runs.run(task, config)


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored network from the data alone."""
    from relu_optima.convex.sparse import runs

    return runs.verify(record, upstream)
