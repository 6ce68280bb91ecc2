"""Decide whether the product set of two masks is closed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from relu_optima.existence.closed_search import prove_component
from relu_optima.existence.not_closed import Effort, NotClosedSearch
from relu_optima.existence.reduction import reduce_pattern
from relu_optima.existence.windows import find_open_window, window_proof

SMALL_WIDTH = 6  # up to here the full effort is spent
FULL = Effort()
LIGHT = Effort(draws=200, exact_draws=20, windows=60)


def decide_two_layers(
    lower: np.ndarray, upper: np.ndarray, deadline: float, effort: Effort | None = None
) -> dict[str, Any]:
    """Decide closedness of {W2 W1 : W2 on `upper`, W1 on `lower`}.

    Parameters
    ----------
    lower, upper : array of uint8, shape (r, n) and (m, r)
        Masks.
    deadline : float
        `time.monotonic` value at which to stop.
    effort : Effort, optional
        Budget of the search for limits; by default it depends on the width.

    Returns
    -------
    dict
        ``answer`` and ``proof`` (``rule`` and its data, or the ``reason`` it is unknown).
    """
    window, complete = find_open_window(lower, upper, deadline)
    if window:
        return {"answer": "not_closed", "proof": window_proof(window)}
    if not complete or time.monotonic() > deadline:
        return {"answer": "unknown", "proof": {"reason": "time limit"}}
    reduced = reduce_pattern(lower, upper)
    proofs = []
    for component in reduced.components:
        found = prove_component(component, reduced.observed)
        if found is None:
            break
        proofs.append(found)
    else:
        rules = sorted({p["rule"] for p in proofs})
        proof = {
            "rule": "reduction",
            "leaves": rules,
            "rows": reduced.rows.tolist(),
            "columns": reduced.columns.tolist(),
            "erasures": reduced.erasures,
            "components": proofs,
        }
        return {"answer": "closed", "proof": proof}
    chosen = effort or (FULL if lower.shape[0] <= SMALL_WIDTH else LIGHT)
    search = NotClosedSearch(lower, upper, chosen, deadline)
    found = search.run(reduced.rows, reduced.columns)
    if found:
        return {"answer": "not_closed", "proof": found}
    if search.timed_out:
        return {"answer": "unknown", "proof": {"reason": "time limit"}}
    reason = "no closed rule applies and no refutable limit was found within the budget"
    return {"answer": "unknown", "proof": {"reason": reason}}
