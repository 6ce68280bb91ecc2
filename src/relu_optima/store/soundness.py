"""Is each file of a study what its plan makes? The one answer, for all who ask.

`study` removes what is not, `doctor` prints it, `collect`, figures, tables and `reproduce` refuse
it, and a study takes from others what is. A Parquet file tells the digest of its plan, of all its
bytes, and its runs. A figure or table has a mark beside the timings: the digest of its plan, of
each collected sweep it was made from and of each file. So neither a file put in the place of
another, nor a clock set back, nor a changed byte leaves a wrong table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.errors import StoreError
from relu_optima.files import write_atomically
from relu_optima.plan.model import Batch, Manifest, Product
from relu_optima.plan.product_check import explorer
from relu_optima.store.layout import batch_file, mark_file, product_files, sweep_file
from relu_optima.store.parquet import DIGEST, read_arrow, read_metadata

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

IDENTITY = ("run_id", "code_key")
CHANGED = "its configuration or code changed"
REPAIR = "run the same study again: it makes the file anew from the store"


class State(StrEnum):
    """What a file is, held against a plan."""

    SOUND = "sound"
    MISSING = "missing"
    UNFINISHED = "unfinished"  # right as far as it goes: runs at their time limit are tried again
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that a plan makes, as it lies there.

    Attributes
    ----------
    kind : {"batch", "sweep", "figure", "table", "page"}
        What it is.
    name : str
        Id of the batch, name of the sweep, figure, table or page.
    sweeps : tuple of str
        The sweep it is, or is part of, or is made from.
    files : tuple of Path
        Its files that are there.
    state : State
        Whether it is what the plan makes.
    why : str
        What is wrong or unfinished; empty if nothing is.
    digest : str or None
        Digest that a Parquet file tells of itself; None if it is wrong or missing.
    """

    kind: str
    name: str
    sweeps: tuple[str, ...]
    files: tuple[Path, ...]
    state: State
    why: str = ""
    digest: str | None = None


def inspect(plan: Manifest, results: Path, study: str | None = None) -> Iterator[Finding]:
    """Hold everything in a study's folder against a plan."""
    study = study or plan.study
    unfinished: set[str] = set()
    for batch in plan.batches.values():
        path = batch_file(results, study, batch.id)
        found = _table("batch", batch.id, batch.sweep, path, _of_batch(plan, batch))
        if found.state is not State.SOUND:
            unfinished.add(batch.sweep)
        yield found
    digests: dict[str, str | None] = {}
    for sweep in plan.sweeps:
        path = sweep_file(results, study, sweep)
        found = _table("sweep", sweep, sweep, path, _of_sweep(plan, sweep), sweep in unfinished)
        digests[sweep] = found.digest
        if found.state is not State.SOUND:
            unfinished.add(sweep)
        yield found
    for kind, products in (("figure", plan.figures), ("table", plan.tables)):
        for product in products.values():
            files = [p for p in product_files(results, study, kind, product.name) if p.exists()]
            why = _why_stale(results, study, kind, product, digests) if files else ""
            state = State.WRONG if why else State.SOUND if files else State.MISSING
            if state is State.SOUND and not unfinished.isdisjoint(product.sweeps):
                state, why = State.UNFINISHED, "some of its sweeps are made again"
            yield Finding(kind, product.name, tuple(product.sweeps), tuple(files), state, why)


def faults(plan: Manifest, results: Path) -> Iterator[Finding]:
    """List what is not what the plan makes, or not all of it."""
    for found in inspect(plan, results):
        if found.state is not State.SOUND:
            yield found


def inspect_explorer(plan: Manifest, results: Path) -> Finding:
    """Hold the page of all runs against a plan; one of other code is unfinished, not wrong."""
    product = explorer(plan)
    files = [p for p in product_files(results, plan.study, "page", product.name) if p.exists()]
    held = {s: read_metadata(sweep_file(results, plan.study, s)) or {} for s in plan.sweeps}
    digests = {sweep: metadata.get(DIGEST) for sweep, metadata in held.items()}
    why = _why_stale(results, plan.study, "page", product, digests) if files else ""
    state = State.WRONG if why else State.SOUND if files else State.MISSING
    if why == CHANGED:
        state = State.UNFINISHED
    return Finding("page", product.name, tuple(product.sweeps), tuple(files), state, why)


def _table(
    kind: str, name: str, sweep: str, path: Path, want: tuple[str, list[tuple[str, str]]],
    unfinished: bool = False,
) -> Finding:  # fmt: skip
    """Hold a Parquet file against the digest and the runs it should have."""
    if not path.exists():
        return Finding(kind, name, (sweep,), (), State.MISSING)
    try:
        _, held = _read(path, *want, list(IDENTITY))
    except StoreError as error:
        return Finding(kind, name, (sweep,), (path,), State.WRONG, error.problem)
    why = "some of its batches are made again" if unfinished else ""
    if held.get("incomplete"):
        why = f"{held['incomplete']} runs hit their time limit"
    state = State.UNFINISHED if why else State.SOUND
    return Finding(kind, name, (sweep,), (path,), state, why, held[DIGEST])


def _of_batch(plan: Manifest, batch: Batch) -> tuple[str, list[tuple[str, str]]]:
    """Return digest, run ids and code keys of a batch, in the order of its rows."""
    runs = (plan.runs[entry.run] for entry in batch.entries)
    return batch.digest, [(run.id, run.code_key) for run in runs]


def _of_sweep(plan: Manifest, sweep: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the same of a collected sweep."""
    batches = plan.batches_of(sweep)
    return plan.sweep_digest(sweep), [r for b in batches for r in _of_batch(plan, b)[1]]


def _read(
    path: Path, digest: str, runs: list[tuple[str, str]], columns: list[str] | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Read a Parquet file that is whole, tells the plan's digest and holds the plan's runs."""
    table, held = read_arrow(path, REPAIR, columns)
    if held.get("digest") != digest:
        raise StoreError("the file belongs to another plan", where=str(path), fix=REPAIR)
    if not set(IDENTITY) <= set(table.column_names) or runs != list(
        zip(*(table.column(name).to_pylist() for name in IDENTITY), strict=True)
    ):
        raise StoreError("the file holds other runs than planned", where=str(path), fix=REPAIR)
    return table, held


def read_batch(plan: Manifest, batch: Batch, results: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a batch of a plan."""
    path = batch_file(results, plan.study, batch.id)
    table, held = _read(path, *_of_batch(plan, batch))
    return table.to_pandas(), held


def read_sweep(plan: Manifest, sweep: str, results: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a collected sweep of a plan."""
    path = sweep_file(results, plan.study, sweep)
    table, held = _read(path, *_of_sweep(plan, sweep))
    return table.to_pandas(), held


def write_mark(
    results: Path, study: str, kind: str, product: Product, sweeps: Mapping[str, str]
) -> None:
    """Note what a figure, table or page that was just written was made from."""
    files = {p.name: _sha256(p) for p in product_files(results, study, kind, product.name)}
    mark = {"digest": product.digest, "sweeps": dict(sweeps), "files": files}
    content = json.dumps(mark, sort_keys=True).encode()
    write_atomically(mark_file(results, study, kind, product.name), content)


def _why_stale(
    results: Path, study: str, kind: str, product: Product, sweeps: Mapping[str, str | None]
) -> str:
    """Say why the files of a product are not what its plan and its sweeps make."""
    try:
        mark = json.loads(mark_file(results, study, kind, product.name).read_bytes())
        digest, made_from, hashes = mark["digest"], mark["sweeps"], dict(mark["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "nothing says what it was made from"
    if digest != product.digest:
        return CHANGED
    if made_from != {name: sweeps.get(name) for name in product.sweeps}:
        return "it was made from other runs"
    for path in product_files(results, study, kind, product.name):
        if not path.exists():
            return f"{path.name} is missing"
        if hashes.get(path.name) != _sha256(path):
            return f"{path.name} was changed"
    return ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
