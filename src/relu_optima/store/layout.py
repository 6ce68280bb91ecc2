"""Where the files of a study lie below ``results``."""

from __future__ import annotations

from pathlib import Path

# A figure is one file of each of these kinds, a table likewise.
FILES = {
    "figure": ("png", "pdf", "csv"),
    "table": ("html", "csv", "tex", "macros.tex"),
    "page": ("html",),
}


def plan_file(results: Path, study: str) -> Path:
    """Return where a study's plan lies."""
    return results / study / "plan.json"


def batch_file(results: Path, study: str, batch_id: str) -> Path:
    """Return where a batch's Parquet file lies."""
    return results / study / "batches" / f"{batch_id}.parquet"


def sweep_file(results: Path, study: str, sweep: str) -> Path:
    """Return where a collected sweep lies."""
    return results / study / "sweeps" / f"{sweep}.parquet"


def product_files(results: Path, study: str, kind: str, name: str) -> list[Path]:
    """List the files of a figure, a table or a page."""
    folder = results / study if kind == "page" else results / study / f"{kind}s"
    return [folder / f"{name}.{suffix}" for suffix in FILES[kind]]


def mark_file(results: Path, study: str, kind: str, name: str) -> Path:
    """Return where the mark of a figure, a table or a page lies."""
    return results / study / "timings" / f"{kind}_{name}.json"


def timings_file(results: Path, study: str, sweep: str) -> Path:
    """Return where the CPU seconds of a sweep's runs lie."""
    return results / study / "timings" / f"{sweep}.csv"


def results_of(plan: Path) -> Path:
    """Return ``results`` for ``results/<study>/plan.json``."""
    return plan.parent.parent
