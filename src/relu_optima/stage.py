"""The contract between the pipeline and a stage: what a run receives and what it returns.

A stage is a package with a module ``stage.py`` that defines ``run(task: Task) -> Outcome``, and
``verify(record, upstream) -> list[str]`` that re-checks a stored record from scratch and lists
what is wrong with it. It may also define ``run_batch(tasks) -> list of Outcome`` for runs that are
cheaper side by side; the outcome of a run must not depend on which others share the call. Nothing
else in a stage knows about files, batches or Snakemake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from relu_optima.config.base import Group

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Stage:
    """A kind of computation, named alike in config group, package and results.

    Attributes
    ----------
    name : str
        Name of the stage, its config group and its package.
    package : str
        Python package; ``<package>.stage`` is the entry module.
    verb : str
        Snakemake rule and command-line verb.
    groups : tuple of str
        Config groups a run reads. A group that an upstream run has fixed is not read again.
    needs : tuple of str
        Stages of which exactly one upstream run must be there.
    drawn : str
        What a run draws from its seed, in words; empty if runs of this stage draw nothing. Whether
        one run draws is told by its config (`Group.draws`).
    """

    name: str
    package: str
    verb: str
    groups: tuple[str, ...]
    needs: tuple[str, ...] = ()
    drawn: str = ""


STAGES: dict[str, Stage] = {
    s.name: s
    for s in (
        Stage("dataset", "relu_optima.datasets", "prepare_dataset", ("dataset",)),
        Stage("existence", "relu_optima.existence", "decide_existence", ("pattern", "existence")),
        Stage(
            "training",
            "relu_optima.training",
            "train_network",
            ("dataset", "pattern", "training"),
            ("dataset",),
            "initial weights",
        ),
        Stage(
            "convex",
            "relu_optima.convex",
            "solve_convex",
            ("dataset", "convex"),
            ("dataset",),
            "gates",
        ),
        Stage(
            "optimal_set",
            "relu_optima.optimal_set",
            "explore_optimal_set",
            ("optimal_set",),
            ("dataset", "convex"),
            "sampled optima",
        ),
        Stage(
            "pruning",
            "relu_optima.pruning",
            "prune_network",
            ("pruning",),
            ("dataset", "convex"),
            "pruning order",
        ),
        Stage(
            "sensitivity",
            "relu_optima.sensitivity",
            "analyse_sensitivity",
            ("sensitivity",),
            ("dataset", "convex"),
            "folds",
        ),
    )
}


@dataclass(frozen=True)
class Record:
    """A finished run as the store holds it.

    Attributes
    ----------
    run_id, code_key : str
        The two halves of the record's address.
    stage : str
        Stage that made it.
    config : dict
        Scientific part of the resolved config, upstream run ids included.
    status : str
        ``ok`` or a stage's own word for what happened (``diverged``, ``inaccurate``, ...).
    row : dict of str to scalar
        One table row: the result columns.
    series : dict of str to array, shape (k,)
        Values that belong together line by line (epochs, path knots, pruning steps). Those whose
        names share what is before a dot (``neurons.id``) belong together, apart from the others.
    arrays : dict of str to array
        Weights, masks, data; kept in the store only.
    documents : dict of str to JSON value
        Certificates and other structured text.
    seconds : float
        Compute time of the run.
    origin : dict
        What computed it: ``code``, ``environment``, keys of the ``upstream`` records, ``machine``
        and ``source``; empty in records of older versions.
    """

    run_id: str
    code_key: str
    stage: str
    config: dict[str, Any]
    status: str
    row: dict[str, Scalar]
    series: dict[str, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    origin: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a stage returns for one run; the fields are those of `Record`."""

    row: dict[str, Scalar]
    status: str = "ok"
    series: dict[str, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One run: validated config groups, seed, and the records it builds on.

    Attributes
    ----------
    stage, run_id : str
        Stage and run id.
    groups : mapping of str to Group
        The stage's own validated config groups.
    seed : int
        Seed of this run, 0 if it draws nothing; the only source of randomness besides the config
        groups' own seeds.
    upstream : mapping of str to Record
        Upstream records by stage name, transitively (pruning sees ``convex`` and ``dataset``).
    code_key : str
        Hash of all code, files and libraries that decide the run.
    """

    stage: str
    run_id: str
    groups: Mapping[str, Group]
    seed: int
    upstream: Mapping[str, Record]
    code_key: str = ""
