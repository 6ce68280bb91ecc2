"""What a job does: compute the missing runs of one batch and write the batch's Parquet file."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.identity import digest
from relu_optima.errors import ReluOptimaError, StaleCodeError, StoreError
from relu_optima.files import write_atomically
from relu_optima.plan.code_key import rows_key
from relu_optima.plan.columns import SIZES, config_columns
from relu_optima.plan.model import Batch, Entry, Manifest
from relu_optima.run.provenance import merged, origin_of
from relu_optima.run.runner import NOT_CACHED, Workshop
from relu_optima.run.supervisor import Watch
from relu_optima.stage import Record
from relu_optima.store.layout import batch_file
from relu_optima.store.parquet import parquet_bytes
from relu_optima.store.records import Store

log = logging.getLogger(__name__)


@dataclass
class _Done:
    """What a batch gave: rows, seconds by run, what computed them, and what went wrong."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    origins: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def work(
    manifest: Manifest, batch_id: str, results: Path, root: Path, watch: Watch | None = None
) -> Path:
    """Compute a batch and write its Parquet file."""
    batch = manifest.batches.get(batch_id)
    if batch is None:
        raise StoreError(f"the plan has no batch {batch_id!r}", where=manifest.study)
    check_rows(manifest)
    limit = manifest.sweeps[batch.sweep].hard_limit
    shop = Workshop(manifest, Store(results / "store"), watch, limit, root)
    progress = results / manifest.study / "timings" / "progress.log"
    progress.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = _finish(shop, batch, progress)
    finally:
        shop.settle()
    if done.failures:
        raise ReluOptimaError(
            "\n".join(done.failures),
            fix="correct the cause; the other runs are finished and kept in the store",
        )
    target = batch_file(results, manifest.study, batch_id)
    write_atomically(target, _parquet(manifest, batch, done))
    return target


def check_rows(manifest: Manifest) -> None:
    """Refuse to write rows with other code or libraries than those that were planned."""
    if rows_key() != manifest.rows:
        raise StaleCodeError(
            "the code or the libraries that write rows changed since planning",
            where=manifest.study,
            fix="run the same command again: it plans anew and keeps what is still valid",
        )


def _finish(shop: Workshop, batch: Batch, progress: Path) -> _Done:
    """Compute what is missing."""
    done = _Done()
    sizes: dict[str | None, dict[str, Any]] = {}
    fresh = shop.compute_together([entry.run for entry in batch.entries])
    for entry in batch.entries:
        try:
            record, cached = (
                (fresh[entry.run], False)
                if entry.run in fresh
                else shop.record(entry.run, arrays=False)
            )
        except (StaleCodeError, StoreError, OSError):
            raise  # concerns every run
        except ReluOptimaError as error:
            done.failures.append(f"run {entry.run} of sweep {batch.sweep}: {error}")
            continue
        except Exception as error:
            log.exception("run %s of sweep %s failed", entry.run, batch.sweep)
            done.failures.append(f"run {entry.run} of sweep {batch.sweep}: {_named(error)}")
            continue
        data = shop.manifest.runs[entry.run].upstream.get("dataset")
        if data not in sizes:
            sizes[data] = _sizes(shop, data)
        done.rows.append(_row(shop, batch.sweep, entry, record, sizes[data]))
        done.seconds[entry.run] = record.seconds
        done.origins = merged([*done.origins, origin_of(record)])
        with progress.open("a", encoding="utf-8") as stream:
            stream.write(f"{batch.sweep}\t{entry.run}\t{int(cached)}\t{record.seconds:.4f}\n")
        log.info("%s %s %s", batch.sweep, entry.run, "cached" if cached else record.status)
    return done


def _named(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory; make the run smaller, or give the job more memory"
    return f"{type(error).__name__}: {error}"


def _row(
    shop: Workshop, sweep: str, entry: Entry, record: Record, sizes: Mapping[str, Any]
) -> dict[str, Any]:
    """Flatten one record: identity, status, config columns, upstream columns, results, series."""
    upstream = {name: _columns(shop, name, run) for name, run in entry.on.items()}
    config = config_columns(shop.manifest.runs, entry, upstream)
    head = {
        "run_id": record.run_id,
        "code_key": record.code_key,
        "sweep": sweep,
        "stage": record.stage,
        "status": record.status,
    }
    # in one order, whether the record was computed just now or read from the store
    row = dict(sorted(record.row.items()))
    series = {f"series.{k}": np.asarray(v).tolist() for k, v in sorted(record.series.items())}
    return {**config, **head, **sizes, **row, **series}


def _sizes(shop: Workshop, data: str | None) -> dict[str, Any]:
    """Return rows for training and features of a data set."""
    row = {} if data is None else shop.record(data, arrays=False)[0].row
    return {key: row[key] for key in SIZES if key in row}


def _columns(shop: Workshop, sweep: str, run_id: str) -> Mapping[str, Any]:
    """Return configuration and results of an upstream run, without its own identity columns."""
    entry = shop.entry(sweep, run_id)
    record, _ = shop.record(run_id, arrays=False)
    upstream = {name: _columns(shop, name, run) for name, run in entry.on.items()}
    config = config_columns(shop.manifest.runs, entry, upstream)
    return {**config, "run_id": run_id, "status": record.status, **record.row}


def _parquet(manifest: Manifest, batch: Batch, done: _Done) -> bytes:
    import pandas as pd

    incomplete = sum(row["status"] in NOT_CACHED for row in done.rows)
    # no name of a study: others that plan the same take the file as it is
    metadata = {
        "batch": batch.id,
        "digest": batch.digest,
        "incomplete": incomplete,
        "configs": {e.run: manifest.runs[e.run].scientific for e in batch.entries},
        "run_ids_digest": digest(sorted(e.run for e in batch.entries)),
        "origins": done.origins,
        "seconds": done.seconds,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return parquet_bytes(pd.DataFrame(done.rows), metadata)
