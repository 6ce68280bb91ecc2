"""Publication: see that the plan still holds, read sweeps, draw, tabulate or lay out."""

from __future__ import annotations

from pathlib import Path

from relu_optima.config.validate import did_you_mean, validate_group
from relu_optima.errors import ReluOptimaError, StaleCodeError
from relu_optima.files import write_atomically
from relu_optima.plan.model import Manifest, read_manifest
from relu_optima.plan.product_check import explorer, planned_digest
from relu_optima.publish.figure_config import FigureConfig
from relu_optima.publish.render import render_figure, render_table
from relu_optima.publish.table_config import TableConfig
from relu_optima.run.report.explore.page import explore_page
from relu_optima.store.layout import product_files, results_of
from relu_optima.store.parquet import DIGEST
from relu_optima.store.soundness import State, inspect_explorer, read_sweep, write_mark


def publish(plan: Path, kind: str, name: str) -> None:
    """Make one figure or table of a plan from its collected sweeps."""
    manifest = read_manifest(plan)
    products = manifest.figures if kind == "figure" else manifest.tables
    if name not in products:
        raise ReluOptimaError(
            f"the plan has no {kind} {name!r}; {did_you_mean(name, products)}", where=str(plan)
        )
    results = results_of(plan)
    product = products[name]
    config = validate_group(kind, product.config)
    assert isinstance(config, FigureConfig | TableConfig)
    if planned_digest(kind, config, product.note) != product.digest:
        raise StaleCodeError(
            f"the code or the libraries of {kind} {name!r} changed since planning",
            where=str(plan),
            fix="run the same command again: it plans anew and keeps what is still valid",
        )
    tables = {s: read_sweep(manifest, s, results) for s in product.sweeps}
    frames = {s: frame for s, (frame, _) in tables.items()}
    folder = results / manifest.study / f"{kind}s"
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(config, FigureConfig):
        render_figure(frames, config, folder / name, product.note)
    else:
        render_table(frames, config, folder / name, product.note)
    digests = {s: metadata[DIGEST] for s, (_, metadata) in tables.items()}
    write_mark(results, manifest.study, kind, product, digests)


def publish_explorer(manifest: Manifest, results: Path) -> None:
    """Write ``explore.html``, the page of all runs, unless it is what the plan makes already."""
    if inspect_explorer(manifest, results).state is State.SOUND:
        return
    product = explorer(manifest)
    tables = {s: read_sweep(manifest, s, results) for s in product.sweeps}
    page = explore_page(manifest, {s: frame for s, (frame, _) in tables.items()})
    (target,) = product_files(results, manifest.study, "page", product.name)
    write_atomically(target, page.encode("utf-8"))
    digests = {s: metadata[DIGEST] for s, (_, metadata) in tables.items()}
    write_mark(results, manifest.study, "page", product, digests)
