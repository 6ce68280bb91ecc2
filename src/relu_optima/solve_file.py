"""Solve one convex program on a user's CSV file: `relu-optima solve`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from relu_optima.errors import DataError
from relu_optima.foreign import open_table
from relu_optima.manifest import write_atomically
from relu_optima.stage import Scalar


def solve_file(
    data: Path,
    target: str,
    lam: float,
    out: Path,
    *,
    formulation: str,
    gates: int,
    seed: int,
    tol: float,
    time_limit: float | None,
) -> dict[str, Scalar]:
    """Read a CSV file, solve, write the network and its certificate.

    Parameters
    ----------
    data : Path
        CSV file with a header; every column numeric.
    target : str
        Column to predict; the others are the features, used as they stand.
    lam : float, > 0
        Canonical regularisation strength.
    out : Path
        npz file to write: ``W1``, ``w2``, ``v``, ``w``, ``gates``, ``columns`` and the numbers of
        the certificate.
    formulation : {"relu", "gated"}
        Program.
    gates, seed : int
        How many gates to sample, and their seed.
    tol : float
        Relative gap to reach.
    time_limit : float or None
        Seconds of wall clock.

    Returns
    -------
    dict
        Status and certificate.

    Raises
    ------
    DataError
        If the file or the column cannot be used.
    SolveInputError
        If an option has no meaning.
    """
    from relu_optima.convex.gates import sample_gates
    from relu_optima.convex.solver import solve

    X, y, columns = _read(data, target)
    found = solve(
        X, y, sample_gates(X, gates, seed), lam,
        formulation=formulation, tol=tol, time_limit=time_limit,
    )  # fmt: skip
    row: dict[str, Scalar] = {
        "status": found.status,
        "objective": found.objective,
        "dual_objective": found.dual_objective,
        "gap": found.gap,
        "kkt_residual": found.kkt_residual,
        "violation": found.violation,
        "rows": X.shape[0],
        "features": X.shape[1],
        "gates": found.gates.shape[1],
    }
    arrays = {"v": found.v, "w": found.w, "gates": found.gates, "columns": np.array(columns)}
    if formulation == "relu":
        network = found.network()
        arrays |= {"W1": network.W1, "w2": network.w2}
        row["neurons"] = int(network.w2.size)
    arrays |= {k: np.array(v) for k, v in row.items() if k not in ("rows", "features", "gates")}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        write_atomically(out, buffer.getvalue())
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=str(out)) from None
    return row


def _read(data: Path, target: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    import pandas as pd

    where = str(data)
    try:
        with open_table(data) as stream:
            frame = pd.read_csv(stream)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=where) from None
    except (ValueError, LookupError, OverflowError) as error:
        raise DataError(f"is no CSV table: {' '.join(str(error).split())}", where=where) from None
    if target not in frame.columns:
        raise DataError(
            f"there is no column {target!r}",
            where=f"{where}, --target",
            allowed=", ".join(map(str, frame.columns[:20])),
        )
    try:
        values = frame.astype(float)
    except (ValueError, TypeError) as error:
        raise DataError(f"a column is not numeric: {error}", where=where) from None
    bad = ~np.isfinite(values.to_numpy())
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"column {frame.columns[column]!r} has no finite number in data row {row + 1}",
            where=where,
            fix="impute or remove such rows",
        )
    features = values.drop(columns=[target])
    if features.shape[1] == 0 or features.shape[0] == 0:
        raise DataError(f"has {features.shape[0]} rows, {features.shape[1]} features", where=where)
    return features.to_numpy(), values[target].to_numpy(), [str(c) for c in features.columns]
