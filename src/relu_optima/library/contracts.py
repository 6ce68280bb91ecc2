"""What every plug-in promises, as one function that its author calls in a test."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.config.base import Group
from relu_optima.config.plugins import FUNCTIONS, PLUGIN_PACKAGES, load_plugin
from relu_optima.config.validate import group_model, validate_group
from relu_optima.errors import ContractError, ReluOptimaError, extras_named
from relu_optima.stage import Outcome, Record, Task

if TYPE_CHECKING:
    import pandas as pd

_SWEEP = "contract"  # the made-up sweep that a figure or table shows
_PRODUCT = {
    "sweeps": [_SWEEP], "title": "Contract", "caption": "Runs that were made up.",
    "category": "Contract",
}  # fmt: skip


@extras_named()
def check_plugin(
    group: str, name: str, *, frames: Mapping[str, pd.DataFrame] | None = None, **values: Any
) -> None:
    """Hold a plug-in against what its kind promises; say everything that it breaks.

    It is documented, its config survives JSON, equal calls give equal results, a change of the seed
    shows exactly where the config says that it draws, and results are what their readers expect.

    Parameters
    ----------
    group : str
        Config group: ``dataset``, ``pattern``, ``training``, ``pruning``, ``figure`` or ``table``.
    name : str
        The plug-in; its module's name.
    frames : mapping of str to DataFrame, optional
        For a figure or table: collected sweeps to show. By default six made-up runs with a number
        in each column that is read, one of them without an optimum.
    **values
        Fields of its ``Config`` that have no default, or shall have another value.

    Raises
    ------
    ContractError
        If it breaks a promise; the message lists all of them.
    ReluOptimaError
        If there is no such plug-in, or the values do not fit its config.
    """
    checks: dict[str, Callable[[Any], Iterator[str]]] = {
        "dataset": _dataset, "pattern": _pattern, "training": _training, "pruning": _pruning,
        "figure": lambda config: _product(config, frames),
        "table": lambda config: _product(config, frames),
    }  # fmt: skip
    if group not in checks:
        raise ReluOptimaError(f"{group!r} has no plug-ins", allowed=", ".join(checks))
    key = PLUGIN_PACKAGES[group][1]
    plugin = load_plugin(group, name)
    defaults = _PRODUCT if group in ("figure", "table") else {}
    config = validate_group(group, {**defaults, key: name, **values})
    broken = [*_documented(group, plugin), *checks[group](config)]
    if validate_group(group, config.model_dump(mode="json")) != config:
        broken.append("its config is not the same after it was written as JSON and read")
    if broken:
        raise ContractError(
            "\n  ".join(["it breaks its contract:", *broken]), where=f"{group}.{name}"
        )


def _documented(group: str, plugin: ModuleType) -> Iterator[str]:
    """Look for what people read: docstrings and descriptions."""
    model, config = group_model(group), plugin.Config
    if not issubclass(config, model):
        yield f"Config does not extend {model.__name__}"
    functions = [getattr(plugin, f) for f in FUNCTIONS[group] if hasattr(plugin, f)]
    for part in (plugin, config, *functions):
        if not part.__doc__:
            yield f"{getattr(part, '__name__', part)} has no docstring"
    for field, info in config.model_fields.items():
        if not info.description:
            yield f"field {field!r} of Config has no description"


def _same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[k].tobytes() == second[k].tobytes() for k in first
    )


def _dataset(config: Group) -> Iterator[str]:
    """Load the data twice, under another seed too, and have the stage verify its record."""
    from relu_optima.datasets.stage import run, verify

    def prepared(group: Group) -> Outcome:
        return run(Task("dataset", _SWEEP, {"dataset": group}, 0, {}))

    first, second = prepared(config), prepared(config)
    if first.row != second.row or not _same(first.arrays, second.arrays):
        yield "two calls with the same config give different data"
    scientific = {"groups": {"dataset": config.scientific()}}
    record = Record(_SWEEP, "", "dataset", scientific, "ok", first.row, arrays=first.arrays)
    yield from verify(record, {})
    json.dumps(first.row, allow_nan=False)
    other = prepared(config.model_copy(update={"seed": getattr(config, "seed", 0) + 1}))
    if not config.draws() and not _same(first.arrays, other.arrays):
        yield "draws() says that nothing depends on the seed; another seed gives other data"
    raw = "digest_raw"
    if (type(config).drawn == "data") != (first.row[raw] != other.row[raw]):  # type: ignore[attr-defined]
        yield "`drawn` is 'data' exactly if another seed gives other raw data; here it is not so"


def _pattern(config: Group) -> Iterator[str]:
    """Make the masks twice and read them as the stages do."""
    from relu_optima.patterns.masks import check_masks

    make = load_plugin("pattern", getattr(config, "family", "")).masks
    first, second = make(config), make(config)
    checked = check_masks(first, "pattern")
    if not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)):
        yield "two calls with the same config give different masks"
    if any(mask.dtype != np.uint8 for mask in first):
        yield "a mask is not of type uint8"
    if not all(np.array_equal(a, b) for a, b in zip(first, checked, strict=True)):
        yield "the masks are not what is read from them"


def _small_problem() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    X = generator.standard_normal((12, 4))
    return X, np.maximum(X[:, 0], 0) - np.maximum(X[:, 1] - X[:, 2], 0)


def _pruning(config: Group) -> Iterator[str]:
    """Prune the optimal network of a small program."""
    from relu_optima.convex import lambda_max, sample_gates, solve
    from relu_optima.optimal_set import describe
    from relu_optima.pruning.pruner import follow, start_of

    X, y = _small_problem()
    gates = sample_gates(X, 8, seed=0)
    solution = solve(X, y, gates, 0.05 * lambda_max(X, y, gates), tol=1e-9)
    optimal = describe(solution, X, y)

    def path(seed: int) -> Any:
        return follow(optimal, start_of(optimal, solution, config), config, seed)  # type: ignore[arg-type]

    first = path(0)
    if not np.array_equal(first.betas, path(0).betas):
        yield "two calls with the same seed give different networks"
    if not config.draws() and not np.array_equal(first.betas, path(1).betas):
        yield "draws() says that nothing depends on the seed; another seed gives other networks"
    if first.betas.ndim != 2 or not len(first.betas) or not np.isfinite(first.betas).all():
        yield "`betas` is no array of finite numbers with one row for each network"
    elif (first.betas < 0).any():
        yield "a coefficient is negative"
    elif (np.diff(first.n_neurons) > 0).any():
        yield "a later network has more neurons than an earlier one"


def _training(config: Group) -> Iterator[str]:
    """Train a small sparse network twice."""
    from relu_optima.training import Problem, train

    if hasattr(load_plugin("training", getattr(config, "method", "")), "train"):
        return  # a protocol of its own, on the masks of other runs
    X, y = _small_problem()
    masks = [np.ones((8, 4), np.uint8), np.ones((1, 8), np.uint8)]
    short = config.model_copy(update={"epochs": 20, "checkpoint_dir": None})

    def trained() -> Any:
        return train([Problem(config=short, seed=0, masks=masks, X=X, Y=y[:, None], lam=0.1)])[0]  # type: ignore[arg-type]

    first, second = trained(), trained()
    if not all(np.array_equal(a, b) for a, b in zip(first.weights, second.weights, strict=True)):
        yield "two calls with the same seed give different weights"
    for weights, mask in zip(first.weights, first.masks, strict=True):
        if np.any(weights[mask == 0]):
            yield "a weight outside of the mask is not zero"


def _product(config: Any, frames: Mapping[str, pd.DataFrame] | None) -> Iterator[str]:
    """Draw or tabulate twice into files, as a study does."""
    from relu_optima.publish.render import render_figure, render_table

    shown = frames if frames is not None else _made_up(config)
    kind = "figure" if hasattr(config, "plot") else "table"
    with tempfile.TemporaryDirectory() as folder:
        stems = [Path(folder, str(call), _SWEEP) for call in range(2)]
        for stem in stems:
            stem.parent.mkdir()
            (render_figure if kind == "figure" else render_table)(shown, config, stem)
        files = [{p.name: p.read_bytes() for p in stem.parent.iterdir()} for stem in stems]
    if files[0] != files[1]:
        yield "two calls with the same runs give different files"
    lines = files[0][f"{_SWEEP}.csv"].decode().splitlines()
    if len(lines) < 2:
        yield "its CSV has no row"
    if kind == "figure" and frames is None and "1 inaccurate" not in _below(shown, config):
        yield "the note below it does not count the run without an optimum"


def _below(frames: Mapping[str, pd.DataFrame], config: Any) -> str:
    """Draw a figure and return the note below it."""
    from relu_optima.publish.style import publication_style

    with publication_style():
        note: str = load_plugin("figure", config.plot).plot(frames, config).figure.get_supxlabel()
    return note.replace("\n", " ")


def _made_up(config: Any) -> dict[str, pd.DataFrame]:
    """Make six runs with a number in each column that is read, and a list in each series."""
    import pandas as pd

    number = np.arange(6.0)
    base: dict[str, Any] = {"run_id": [f"{k:012x}" for k in range(6)], "seed": np.arange(6)}
    frames = {sweep: dict(base) for sweep in config.sweeps}
    for read in config.reads():
        for sweep in read.sweeps:
            series = read.column.rpartition(".")[0].endswith("series")
            frames[sweep].setdefault(
                read.column, [k + np.arange(1.0, 4.0) for k in number] if series else number + 1
            )
    status = ["optimal"] * 5 + ["inaccurate"]
    return {sweep: pd.DataFrame({**found, "status": status}) for sweep, found in frames.items()}
