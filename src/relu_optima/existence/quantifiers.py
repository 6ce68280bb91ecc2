"""The published way to decide closedness: its definition, handed to a general solver.

The set L of products is closed iff no A satisfies both: for every eps > 0 some member of L is
within eps of A in every entry, and no member equals A (Le, Riccietti and Gribonval 2023, section
3.3). Entries outside the masks are left out of the formula instead of being constrained to zero.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.proof.document import ORACLE
from relu_optima.existence.reduction import twin_cap

MAX_ENTRIES = 400  # entries of both masks; far beyond what z3 ends on
LONGEST = 1e6  # seconds; z3 takes a 32-bit number of milliseconds


def closed_by_z3(
    lower: np.ndarray, upper: np.ndarray, *, rlimit: int = 0, timeout: float = 0.0
) -> str:
    """Ask z3 whether the product set of two masks is closed."""
    solver = _statement(lower, upper)
    if rlimit:
        solver.set("rlimit", rlimit)
    if timeout:
        solver.set("timeout", max(1, int(1000 * min(timeout, LONGEST))))
    return {"sat": "not_closed", "unsat": "closed"}.get(str(solver.check()), "unknown")


def closedness_in_smt(lower: np.ndarray, upper: np.ndarray) -> str:
    """Write the same statement for other solvers."""
    return "(set-logic NRA)\n" + str(_statement(lower, upper).to_smt2())


def _statement(lower: np.ndarray, upper: np.ndarray) -> Any:
    """Put the statement that some limit of products is no product into a z3 solver."""
    import z3

    counts = upper.astype(int) @ lower.astype(int)
    cells = [(int(i), int(j)) for i, j in np.argwhere(counts)]
    A = {cell: z3.Real(f"a{cell[0]}_{cell[1]}") for cell in cells}
    eps = z3.Real("eps")

    def product(name: str) -> tuple[list[Any], dict[tuple[int, int], Any]]:
        u = {(int(i), int(k)): z3.Real(f"{name}u{i}_{k}") for i, k in np.argwhere(upper)}
        v = {(int(k), int(j)): z3.Real(f"{name}v{k}_{j}") for k, j in np.argwhere(lower)}
        value = {
            (i, j): _joined(
                z3.Sum,
                [u[i, k] * v[k, j] for k in range(lower.shape[0]) if (i, k) in u and (k, j) in v],
            )
            for i, j in cells
        }
        return [*u.values(), *v.values()], value

    near, near_value = product("p")
    any_, any_value = product("q")
    # one inequality for each cell: with the squared norm z3 does not even end on LU 2x2
    near_enough = [z3.And(A[c] - near_value[c] < eps, near_value[c] - A[c] < eps) for c in cells]
    close = _joined(z3.And, near_enough)
    is_limit = z3.ForAll([eps], z3.Implies(eps > 0, z3.Exists(near, close)))
    is_member = z3.Exists(any_, _joined(z3.And, [A[c] == any_value[c] for c in cells]))
    solver = z3.SolverFor("NRA")
    solver.add(is_limit, z3.Not(is_member))
    return solver


def _joined(join: Callable[[list[Any]], Any], parts: list[Any]) -> Any:
    """Join terms; SMT-LIB has no sum and no conjunction of a single one."""
    return join(parts) if len(parts) > 1 else parts[0]


def ask_z3(
    lower: np.ndarray, upper: np.ndarray, rlimit: int, deadline: float
) -> dict[str, Any] | None:
    """Ask z3 about the product set of two masks, twin rows and columns capped.

    z3 proves nothing that could be re-checked without it, so the entry says whose word it is.
    """
    live = lower.any(axis=1) & upper.any(axis=0)
    rows = twin_cap(upper.astype(bool) & live)
    columns = twin_cap(lower.T.astype(bool) & live)
    small = lower[live][:, columns], upper[rows][:, live]
    if int(small[0].sum()) + int(small[1].sum()) > MAX_ENTRIES:
        return None
    check_time(deadline)
    answer = closed_by_z3(*small, rlimit=rlimit, timeout=deadline - time.monotonic())
    if answer == "unknown":
        check_time(deadline)
        return None
    import z3

    version = str(z3.get_version_string())
    return {"answer": answer, "proof": {"rule": ORACLE, "version": version, "rlimit": rlimit}}
