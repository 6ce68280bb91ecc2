"""Join the batches of a sweep into one table, refusing anything that is not what was planned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.config.identity import ID_LENGTH
from relu_optima.errors import StoreError
from relu_optima.files import write_atomically
from relu_optima.plan.columns import SweepColumns
from relu_optima.plan.model import Manifest
from relu_optima.run.batch import check_rows
from relu_optima.run.provenance import merged
from relu_optima.stage import STAGES
from relu_optima.store.layout import sweep_file, timings_file
from relu_optima.store.parquet import parquet_bytes
from relu_optima.store.soundness import read_batch

if TYPE_CHECKING:
    import pandas as pd

HEAD = ["run_id", "code_key", "sweep", "stage", "status"]


def collect_sweep(manifest: Manifest, sweep: str, results: Path) -> Path:
    """Join all batches of a sweep into one Parquet file and one file of timings."""
    from pandera.errors import SchemaError

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
    try:
        _contract(sweep).validate(frame)
    except SchemaError as error:
        raise StoreError(f"breaks the table contract: {error}", where=f"sweep {sweep}") from None
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
            name: [v for f in frames for v in (f[name] if name in f else [None] * len(f))]
            for name in columns
        }
    )
    return whole.infer_objects()


def _contract(sweep: str) -> Any:
    """State what every collected table promises."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "run_id": pa.Column(
                str, pa.Check.str_matches(f"^[0-9a-f]{{{ID_LENGTH}}}$"), unique=True
            ),
            "code_key": pa.Column(str, pa.Check.str_matches("^[0-9a-f]{16}$")),
            "sweep": pa.Column(str, pa.Check.eq(sweep)),
            "stage": pa.Column(str),
            "status": pa.Column(str, pa.Check.str_length(min_value=1)),
        },
        strict=False,
    )
