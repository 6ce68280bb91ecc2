"""Join the batches of a sweep into one table, refusing anything that is not what was planned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.errors import StoreError
from relu_optima.files import write_atomically
from relu_optima.plan.columns import SweepColumns
from relu_optima.plan.model import Manifest
from relu_optima.run.batch import check_rows
from relu_optima.run.provenance import merged
from relu_optima.stage import STAGES
from relu_optima.store.layout import sweep_file, timings_file
from relu_optima.store.parquet import alike, parquet_bytes
from relu_optima.store.soundness import read_batch

if TYPE_CHECKING:
    import pandas as pd

HEAD = ["run_id", "code_key", "sweep", "stage", "status"]


def collect_sweep(manifest: Manifest, sweep: str, results: Path) -> Path:
    """Join all batches of a sweep into one Parquet file and one file of timings."""
    if sweep not in manifest.sweeps:
        raise StoreError(f"the plan has no sweep {sweep!r}", where=manifest.study)
    check_rows(manifest)
    frames: list[pd.DataFrame] = []
    seconds: dict[str, float] = {}
    origins: list[dict[str, Any]] = []
    for batch in manifest.batches_of(sweep):
        frame, metadata = read_batch(manifest, batch, results)
        frames.append(frame)
        seconds.update(metadata["seconds"])
        origins = merged([*origins, *metadata["origins"]])
    declared = SweepColumns.of_plan(manifest).of(sweep)
    frame = _joined(frames, declared)
    undeclared = [str(c) for c in frame.columns if c not in declared]
    if undeclared:
        stage = STAGES[manifest.sweeps[sweep].stage]
        raise StoreError(
            f"results hold columns that nothing declares: {', '.join(undeclared)}",
            where=f"sweep {sweep} of stage {stage.name}",
            fix=f"declare them in COLUMNS of {stage.package}.columns, or of the plug-in whose "
            "runs alone have them",
        )
    _check(frame, sweep)
    # no name of a study: others that plan the same take the file as it is
    metadata = {"sweep": sweep, "digest": manifest.sweep_digest(sweep), "origins": origins}
    target = sweep_file(results, manifest.study, sweep)
    write_atomically(target, parquet_bytes(frame, metadata))
    lines = ["run_id,cpu_seconds", *(f"{k},{v:.6f}" for k, v in seconds.items())]
    timings = timings_file(results, manifest.study, sweep)
    write_atomically(timings, ("\n".join(lines) + "\n").encode())
    return target


def _joined(frames: list[pd.DataFrame], declared: Iterable[str]) -> pd.DataFrame:
    """Concatenate, identity columns first; a declared column that a batch lacks is empty there."""
    import pandas as pd

    columns: dict[str, Any] = dict.fromkeys(HEAD)
    for frame in frames:
        columns.update(dict.fromkeys(frame.columns))
    columns.update(dict.fromkeys(declared))
    whole = pd.DataFrame(
        {
            name: alike([v for f in frames for v in (f[name] if name in f else [None] * len(f))])
            for name in columns
        }
    )
    return whole.infer_objects()


def _check(frame: pd.DataFrame, sweep: str) -> None:
    """Refuse a table with a run twice, of another sweep, or with a run that has no status."""
    for what, wrong in (
        ("is there twice", frame["run_id"].duplicated()),
        ("is of another sweep", frame["sweep"] != sweep),
        ("has no status", frame["status"].fillna("") == ""),
    ):
        if wrong.any():
            run = frame.loc[wrong, "run_id"].iloc[0]
            raise StoreError(f"run {run} {what}", where=f"sweep {sweep}")
