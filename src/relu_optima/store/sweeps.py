"""Read collected sweeps in a notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from relu_optima.errors import StoreError, extras_named
from relu_optima.store.parquet import read_table

if TYPE_CHECKING:
    import pandas as pd


@extras_named()
def results(study: str, sweep: str, root: str | Path = "results") -> pd.DataFrame:
    """Read one collected sweep of a study.

    Parameters
    ----------
    study : str
        Name of the study, e.g. ``default``.
    sweep : str
        Name of the sweep, e.g. ``convex_lambda``.
    root : str or Path
        Folder of all results.

    Returns
    -------
    pandas.DataFrame
        One row for each run: identity, status, configuration, results, series.

    Raises
    ------
    StoreError
        If it is damaged, or not there; then the message lists what is.

    Examples
    --------
    >>> frame = results("default", "convex_lambda")  # doctest: +SKIP
    """
    root = Path(root)
    for given, what in ((study, "study"), (sweep, "sweep")):
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", given):
            raise StoreError(
                f"{given!r} cannot be the name of a {what}",
                allowed="lower-case letters, digits, _ and -",
                where=what,
            )
    path = root / study / "sweeps" / f"{sweep}.parquet"
    if path.is_file():
        return read_table(path, f"run study {study!r} again: it makes the file anew")[0]
    studies = sorted({p.parts[-3] for p in root.glob("*/sweeps/*.parquet")})
    if study not in studies:
        raise StoreError(
            f"there is no collected study {study!r}",
            allowed=", ".join(studies) or "none has been collected",
            where=str(root),
            fix=f"relu-optima study {study}",
        )
    sweeps = sorted(p.stem for p in (root / study / "sweeps").glob("*.parquet"))
    raise StoreError(
        f"study {study!r} has no collected sweep {sweep!r}",
        allowed=", ".join(sweeps),
        where=str(root / study / "sweeps"),
    )
