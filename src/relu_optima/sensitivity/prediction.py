"""How far the first-order prediction of the fit is from solving again."""

from __future__ import annotations

import numpy as np

from relu_optima.sensitivity.grid import Knot
from relu_optima.sensitivity.program import Program

LARGEST, SMALLEST = 0.5, 1e-3  # relative steps in lam


def prediction_errors(program: Program, base: Knot, count: int) -> dict[str, np.ndarray]:
    """Compare predicted and solved fits at several steps below a knot."""
    found = base.sensitivity
    sizes = np.geomspace(LARGEST, SMALLEST, count) if found is not None and count else np.zeros(0)
    errors, changes, inside = (np.zeros(sizes.size) for _ in range(3))
    scale = float(np.linalg.norm(program.y))
    for index, size in enumerate(sizes):
        assert found is not None
        lam = base.lam * (1 - float(size))
        solved = program.solve(lam, base.optimal, found).fit
        predicted = base.optimal.fit + (lam - base.lam) * found.d_fit_lam
        errors[index] = np.linalg.norm(predicted - solved) / scale
        changes[index] = np.linalg.norm(solved - base.optimal.fit) / scale
        inside[index] = float(lam >= found.lam_low)
    return {
        "steps.step": sizes,
        "steps.error": errors,
        "steps.change": changes,
        "steps.inside": inside,
    }
