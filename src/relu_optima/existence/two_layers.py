"""Decide whether the product set of two masks is closed."""

from __future__ import annotations

from typing import Any

import numpy as np

from relu_optima.existence.blocks import find_blocks
from relu_optima.existence.closed_search import QUICK_RULES, prove_component
from relu_optima.existence.dimension import find_full_dimension
from relu_optima.existence.not_closed import Effort, NotClosedSearch
from relu_optima.existence.pairs import all_pairs_closed
from relu_optima.existence.reduction import Reduced, distinct_area, reduce_pattern
from relu_optima.existence.useless import find_useless_neuron
from relu_optima.existence.windows import find_open_window, window_proof

MAX_AREA = 100_000_000  # cells of different rectangles that a reduction may visit
SMALL_WIDTH = 6  # up to here the full effort is spent
CONJECTURED = "every neuron is nearly full, conjectured everything of that rank"
FULL = Effort()
LIGHT = Effort(
    draws=200, exact_draws=40, windows=60, exact_windows=10, window_draws=100, exact_window_draws=20
)


def decide_two_layers(
    lower: np.ndarray, upper: np.ndarray, deadline: float, effort: Effort | None = None
) -> dict[str, Any]:
    """Decide closedness of {W2 W1 : W2 on `upper`, W1 on `lower`}."""
    if all_pairs_closed([lower, upper], deadline):
        return {"answer": "closed", "proof": {"rule": "P"}}
    window = find_open_window(lower, upper, deadline)
    if window:
        return {"answer": "not_closed", "proof": window_proof(window)}
    useless = find_useless_neuron(lower, upper, deadline)
    if useless:
        return {"answer": "not_closed", "proof": useless}
    blocks = find_blocks(lower, upper, deadline)
    if blocks:
        return {"answer": "not_closed", "proof": blocks}
    if lower.size + upper.size > MAX_AREA or distinct_area(lower, upper) > MAX_AREA:
        return _large(lower, upper, deadline)
    reduced = reduce_pattern(lower, upper, deadline=deadline)
    proofs = [
        prove_component(c, reduced.observed, QUICK_RULES, deadline) for c in reduced.components
    ]
    if all(proofs):
        return _closed(reduced, proofs)
    if effort is None and _looks_dense(lower, upper):
        proof = find_full_dimension(lower, upper, deadline) or {"reason": CONJECTURED}
        return {"answer": "unknown", "proof": proof}
    proofs = _with_rule("Z", proofs, reduced, deadline)
    if all(proofs):
        return _closed(reduced, proofs)
    if effort is None:
        effort = FULL if lower.shape[0] <= SMALL_WIDTH else LIGHT
    search = NotClosedSearch(lower, upper, effort, deadline)
    found = search.run(reduced.rows, reduced.columns, exact=False)
    if found:
        return {"answer": "not_closed", "proof": found}
    proofs = _with_rule("C6", proofs, reduced, deadline)
    if all(proofs):
        return _closed(reduced, proofs)
    found = search.run(reduced.rows, reduced.columns, exact=True)
    if found:
        return {"answer": "not_closed", "proof": found}
    reason = "no closed rule applies and no refutable limit was found within the budget"
    return {"answer": "unknown", "proof": {"reason": reason}}


def _looks_dense(lower: np.ndarray, upper: np.ndarray) -> bool:
    """Say whether no neuron lacks as many rows and columns as there are neurons.

    Up to rank r = width <= both sides no limit was ever found missing there (many were tried on
    masks of width 8 and more), so limits are searched for only in narrow layers.
    """
    live = lower.any(axis=1) & upper.any(axis=0)
    S, T = upper[:, live], lower[live]
    S, T = S[S.any(axis=1)], T[:, T.any(axis=0)]
    width, sides = len(T), (len(S), T.shape[1])
    lacking = sum(sides) - S.sum(axis=0, dtype=np.int64) - T.sum(axis=1, dtype=np.int64)
    return SMALL_WIDTH < width <= min(sides) and int(lacking.max()) < width


def _with_rule(
    rule: str, proofs: list[dict[str, Any] | None], reduced: Reduced, deadline: float
) -> list[dict[str, Any] | None]:
    """Try one more rule on the components without a proof, until it fails once."""
    out = list(proofs)
    for q, component in enumerate(reduced.components):
        if out[q] is None:
            out[q] = prove_component(component, reduced.observed, (rule,), deadline)
            if out[q] is None:
                break
    return out


def _large(lower: np.ndarray, upper: np.ndarray, deadline: float) -> dict[str, Any]:
    """Try windows only."""
    search = NotClosedSearch(lower, upper, LIGHT, deadline)
    rows, columns = np.flatnonzero(upper.any(axis=1)), np.flatnonzero(lower.any(axis=0))
    found = search.run(rows, columns, exact=False)
    if found:
        return {"answer": "not_closed", "proof": found}
    reason = "the pattern is too large to reduce and no window of it is known not to be closed"
    return {"answer": "unknown", "proof": {"reason": reason}}


def _closed(reduced: Reduced, proofs: list[dict[str, Any] | None]) -> dict[str, Any]:
    components = [p for p in proofs if p is not None]
    proof = {
        "rule": "reduction",
        "leaves": sorted({p["rule"] for p in components}),
        "rows": reduced.rows.tolist(),
        "columns": reduced.columns.tolist(),
        "erasures": reduced.erasures,
        "components": components,
    }
    return {"answer": "closed", "proof": proof}
