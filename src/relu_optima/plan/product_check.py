"""Check what figures and tables read against the columns that their sweeps can have."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Mapping

from relu_optima.config.reads import Read, upstream_columns
from relu_optima.config.validate import did_you_mean
from relu_optima.plan.code_key import page_digest, product_digest
from relu_optima.plan.columns import SweepColumns
from relu_optima.plan.model import Manifest, Product
from relu_optima.plan.schema import SweepConfig
from relu_optima.publish.config import ProductConfig
from relu_optima.publish.labels import column_label, column_unit, short_names


def product_mistakes(
    where: str,
    product: ProductConfig,
    columns: SweepColumns,
    asked_for: Collection[str],
    study: str,
    figures: Collection[str] = (),
) -> Iterator[str]:
    """Say which sweeps, figures and columns that a figure or table reads do not exist."""
    parts = product.shown_in()
    for index, part in enumerate(parts):
        yield from product_mistakes(f"{where}: parts.{index}", part, columns, asked_for, study)
    for sweep in product.sweeps:
        if sweep not in asked_for:
            hint = did_you_mean(sweep, asked_for)
            yield f"{where}: sweeps: {sweep!r} is not in study {study!r}; {hint}"
    for claim in getattr(product, "claims", ()):
        if claim.figure is not None and claim.figure not in figures:
            hint = did_you_mean(claim.figure, figures)
            yield f"{where}: claims: {claim.figure!r} is no figure of study {study!r}; {hint}"
    reads = [r for r in product.reads() if not (parts and r.key.startswith("parts."))]
    derived = set(product.excess)
    for sweep in dict.fromkeys(s for r in reads for s in r.sweeps if s not in product.sweeps):
        places = ", ".join(dict.fromkeys(r.key for r in reads if sweep in r.sweeps))
        hint = did_you_mean(sweep, product.sweeps)
        yield f"{where}: {places}: {sweep!r} is not among its sweeps; {hint}"
    missing: dict[tuple[str, str], dict[str, None]] = {}
    for read in reads:
        if read.column in derived:
            continue
        for problem in _absent(read, columns):
            missing.setdefault((read.column, problem), {})[read.key or "plug-in"] = None
    for (_, problem), keys in missing.items():
        yield f"{where}: {', '.join(keys)}: {problem}"
    # a label of the column that was meant is right
    meant = {_nearest(c, columns.of(s)) for c, _ in missing for s in product.sweeps if s in columns}
    yield from _labels_without_column(
        where, product, {r.column for r in reads} | derived | {m for m in meant if m}
    )


def sweep_mistakes(where: str, name: str, sweep: SweepConfig, columns: SweepColumns) -> list[str]:
    """Say which columns a sweep batches its runs by that they do not have."""
    names = columns.config(name) if name in columns else {}
    lacking = [c for c in sweep.batch_by if names and c not in names]
    return [f"{where}: batch_by: no column {c!r}; {_hint(c, names)}" for c in lacking]


def _absent(read: Read, columns: SweepColumns) -> list[str]:
    """Say where a column that is read does not exist, in a line for all sweeps alike."""
    judged = [s for s in read.sweeps if s in columns]
    lacking = [s for s in judged if _why_not(read.column, columns.of(s)) is not None]
    if not lacking or (not read.every and len(lacking) < len(read.sweeps)):
        return []
    names = columns.of(lacking[0])
    place = f"sweep{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}"
    return [f"{_why_not(read.column, names)} in {place}; {_hint(read.column, names)}"]


def _why_not(column: str, names: Collection[str]) -> str | None:
    if not column.startswith("*."):
        return None if column in names else f"no column {column!r}"
    found = upstream_columns(names, column)
    if len(found) == 1:
        return None
    return f"{len(found) or 'no'} upstream sweeps have a column {column[2:]!r}"


def _hint(column: str, names: Collection[str]) -> str:
    near = _nearest(column, names)
    return f"did you mean {near!r}?" if near else f"allowed: {', '.join(names)}"


def _nearest(column: str, names: Collection[str]) -> str | None:
    """Find the column that was meant: the nearest, or one that ends alike."""
    near = difflib.get_close_matches(column, names, n=1, cutoff=0.6)
    alike = [n for n in names if n.rsplit(".", 1)[-1] == column.rsplit(".", 1)[-1]]
    return next(iter([*near, *alike]), None)


def _labels_without_column(
    where: str, product: ProductConfig, read: Collection[str]
) -> Iterator[str]:
    known = {name for column in read for name in short_names(column)} | {*product.words}
    for name in product.labels:
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"{where}: labels: nothing that it shows is called {name!r}; {hint}"


def product_headings(product: ProductConfig) -> Mapping[str, list[str]]:
    """Look up what the columns of a figure or table are called and measured in."""
    names = sorted({r.column for r in product.reads()})
    found = {n: [column_label(n, product.labels), column_unit(n)] for n in names}
    for index, part in enumerate(product.shown_in()):
        found |= {f"{index} {n}": h for n, h in product_headings(part).items()}
    return found


def explorer(manifest: Manifest) -> Product:
    """Plan the page of all runs, which the whole plan and the code of the page decide."""
    content = hashlib.sha256(manifest.to_json().encode()).hexdigest()
    return Product("explore", {}, list(manifest.sweeps), page_digest("run.report.explore", content))


def planned_digest(kind: str, product: ProductConfig, note: str) -> str:
    """Hash what decides the files of a figure or table, besides the sweeps it is made from."""
    config = product.model_dump(mode="json")
    return product_digest(kind, config, note, product_headings(product))
