"""Make what a plan publishes again from the records alone; no run is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from relu_optima.config.validate import validate_group
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.code_key import rows_key
from relu_optima.plan.model import Manifest, Product, write_manifest
from relu_optima.plan.product_check import planned_digest
from relu_optima.publish.config import ProductConfig
from relu_optima.run.batch import work
from relu_optima.run.collect import collect_sweep
from relu_optima.run.publish import publish
from relu_optima.run.report.page import report_page
from relu_optima.store.layout import plan_file, product_files, sweep_file


def rebuild(plan: Manifest, results: Path) -> Iterator[tuple[list[Path], bool, str]]:
    """Make sweeps, tables, figures and report below a folder whose store holds every record.

    Yields the files of each, whether the plan's own code and libraries made them, so that they
    must have the same bytes, and why they could not be made, if so.
    """
    here = _published_here(plan)
    write_manifest(here, plan_file(results, plan.study))
    rows = here.rows == plan.rows
    lost = {}
    for batch in plan.batches.values():
        try:
            work(here, batch.id, results, results.parent)
        except ReluOptimaError as error:
            lost[batch.sweep] = str(error)
    for sweep in plan.sweeps:
        path = sweep_file(results, plan.study, sweep)
        try:
            if sweep not in lost:
                collect_sweep(here, sweep, results)
        except ReluOptimaError as error:
            lost[sweep] = str(error)
        yield [path], rows, lost.get(sweep, "")
    kinds = (("table", plan.tables, here.tables), ("figure", plan.figures, here.figures))
    for kind, planned, made in kinds:
        for name, product in planned.items():
            problem = ""
            try:
                publish(plan_file(results, plan.study), kind, name)
            except ReluOptimaError as error:
                problem = str(error)
            same = rows and made[name].digest == product.digest
            yield product_files(results, plan.study, kind, name), same, problem
    if plan.tables or plan.figures:
        yield _report(plan, results)


def _published_here(plan: Manifest) -> Manifest:
    """Plan the same runs to be published by the code and the libraries that are installed here."""
    return replace(
        plan,
        rows=rows_key(),
        figures={n: _product_here("figure", p) for n, p in plan.figures.items()},
        tables={n: _product_here("table", p) for n, p in plan.tables.items()},
    )


def _product_here(kind: str, product: Product) -> Product:
    try:
        config = validate_group(kind, product.config)
        assert isinstance(config, ProductConfig)
        return replace(product, digest=planned_digest(kind, config, product.note))
    except ReluOptimaError:
        return product  # `publish` refuses it with the reason


def _report(plan: Manifest, results: Path) -> tuple[list[Path], bool, str]:
    """Write the report; no plan says by which code, so that another one proves nothing."""
    folder = results / plan.study
    try:
        (folder / "report.html").write_bytes(report_page(plan, folder).encode("utf-8"))
    except ReluOptimaError as error:
        return [folder / "report.html"], False, str(error)
    return [folder / "report.html"], False, ""
