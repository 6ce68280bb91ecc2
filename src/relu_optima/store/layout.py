"""Where the files of a study lie below ``results``."""

from __future__ import annotations

from pathlib import Path

# A figure is one file of each of these kinds, a table likewise.
FILES = {
    "figure": ("png", "pdf", "csv"),
    "table": ("html", "csv", "tex", "macros.tex"),
}


def plan_file(results: Path, study: str) -> Path:
    """Return where a study's plan lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.

    Returns
    -------
    Path
        ``results/<study>/plan.json``.
    """
    return results / study / "plan.json"


def batch_file(results: Path, study: str, batch_id: str) -> Path:
    """Return where a batch's Parquet file lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study, batch_id : str
        Which batch.

    Returns
    -------
    Path
        ``results/<study>/batches/<sweep>/<number>.parquet``.
    """
    return results / study / "batches" / f"{batch_id}.parquet"


def sweep_file(results: Path, study: str, sweep: str) -> Path:
    """Return where a collected sweep lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study, sweep : str
        Which sweep of which study.

    Returns
    -------
    Path
        ``results/<study>/sweeps/<sweep>.parquet``.
    """
    return results / study / "sweeps" / f"{sweep}.parquet"


def product_files(results: Path, study: str, kind: str, name: str) -> list[Path]:
    """List the files of a figure or table.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.
    kind : {"figure", "table"}
        Kind of product.
    name : str
        Name of the product.

    Returns
    -------
    list of Path
        For example ``results/<study>/tables/<name>.html`` and its companions.
    """
    folder = results / study / f"{kind}s"
    return [folder / f"{name}.{suffix}" for suffix in FILES[kind]]


def mark_file(results: Path, study: str, kind: str, name: str) -> Path:
    """Return where the mark of a figure or table lies.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.
    kind : {"figure", "table"}
        Kind of product.
    name : str
        Name of the product.

    Returns
    -------
    Path
        ``results/<study>/timings/<kind>_<name>.json``.
    """
    return results / study / "timings" / f"{kind}_{name}.json"


def timings_file(results: Path, study: str, sweep: str) -> Path:
    """Return where the CPU seconds of a sweep's runs lie.

    Parameters
    ----------
    results : Path
        ``results``.
    study, sweep : str
        Which sweep of which study.

    Returns
    -------
    Path
        ``results/<study>/timings/<sweep>.csv``.
    """
    return results / study / "timings" / f"{sweep}.csv"
