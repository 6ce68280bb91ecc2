"""Figures and tables as files: what each was made from, and whether it still is what was made.

A mark beside the timings holds the digest of the product's plan, of each collected sweep it was
made from and of each file. So neither a clock set back nor a changed byte leaves a wrong table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from relu_optima.manifest import Product, write_atomically

FILES = {
    "figure": ("png", "pdf", "csv"),
    "table": ("html", "csv", "tex", "macros.tex"),
}


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


def _mark_file(results: Path, study: str, kind: str, name: str) -> Path:
    return results / study / "timings" / f"{kind}_{name}.json"


def write_mark(
    results: Path, study: str, kind: str, product: Product, sweeps: Mapping[str, str]
) -> None:
    """Note what a product that was just written was made from.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.
    kind : {"figure", "table"}
        Kind of product.
    product : Product
        The product.
    sweeps : mapping of str to str
        Digest of each collected sweep it was made from.
    """
    files = {p.name: _sha256(p) for p in product_files(results, study, kind, product.name)}
    mark = {"digest": product.digest, "sweeps": dict(sweeps), "files": files}
    content = json.dumps(mark, sort_keys=True).encode()
    write_atomically(_mark_file(results, study, kind, product.name), content)


def why_stale(
    results: Path, study: str, kind: str, product: Product, sweeps: Mapping[str, str | None]
) -> str | None:
    """Say why the files of a product are not what its plan and its sweeps make.

    Parameters
    ----------
    results : Path
        ``results``.
    study : str
        Name of the study.
    kind : {"figure", "table"}
        Kind of product.
    product : Product
        The product, as planned.
    sweeps : mapping of str to str or None
        Digest of each collected sweep as it lies there; None for one to be collected anew.

    Returns
    -------
    str or None
        The reason; None if they are sound, or if there are none.
    """
    files = product_files(results, study, kind, product.name)
    if not any(p.exists() for p in files):
        return None
    try:
        mark = json.loads(_mark_file(results, study, kind, product.name).read_bytes())
        digest, made_from, hashes = mark["digest"], mark["sweeps"], mark["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return "nothing says what it was made from"
    if digest != product.digest:
        return "its configuration or code changed"
    if made_from != {name: sweeps.get(name) for name in product.sweeps}:
        return "it was made from other runs"
    for path in files:
        if not path.exists():
            return f"{path.name} is missing"
        if hashes.get(path.name) != _sha256(path):
            return f"{path.name} was changed"
    return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
