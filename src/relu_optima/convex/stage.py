"""Stage ``convex``: the certified global optimum of one data set, by the program a run names."""

from __future__ import annotations

from collections.abc import Mapping

from relu_optima.config.plugins import load_plugin
from relu_optima.convex.config import ConvexConfig
from relu_optima.errors import SolveInputError
from relu_optima.stage import Outcome, Record, Task


def run(task: Task) -> Outcome:
    """Solve the program and certify the answer; data it cannot take are a result too."""
    config = task.groups["convex"]
    assert isinstance(config, ConvexConfig)
    for key in config.from_training() if "training" not in task.upstream else ():
        raise SolveInputError(
            "it is to come from a training run, and there is none",
            where=f"convex.{key}",
            fix="build the sweep on one of stage training (on:), or choose another value",
        )
    try:
        outcome = load_plugin("convex", config.program).run(task, config)
    except SolveInputError as error:
        return Outcome({"message": " ".join(str(error).split())}, "infeasible_input")
    assert isinstance(outcome, Outcome)
    return outcome


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored answer from the data alone."""
    if record.status in ("infeasible_input", "refused"):
        return []
    program = record.config["groups"]["convex"]["program"]
    problems: list[str] = load_plugin("convex", program).verify(record, upstream)
    return problems
