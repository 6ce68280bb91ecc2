"""Decide chains of more than two layers: merge, peel, and search windows of outer indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.closed_search import prove_component
from relu_optima.existence.deadline import check_time
from relu_optima.existence.local import owned_cells
from relu_optima.existence.open_chain import find_open_chain
from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.curve import check_not_closed
from relu_optima.existence.proof.laurent import Laurent, SparseMatrix, add, monomial, times
from relu_optima.existence.proof.linear import boolean_product, packed_product
from relu_optima.existence.reduction import distinct_area, reduce_pattern
from relu_optima.existence.two_layers import LIGHT, decide_two_layers
from relu_optima.patterns.sparse import as_list, is_sparse

if TYPE_CHECKING:
    from scipy import sparse

    from relu_optima.patterns.sparse import Mask

FULL_MERGE_AREA = 1_000_000  # cells of the rectangles of a pair that a reduction may visit
FULL_RULES = ("C3", "C4", "C5", "Z", "C6")  # rules whose components are everything
QUICK_FULL_RULES = ("C3", "C4", "C5", "Z")  # those of them for the many windows of a chain
WINDOWS = 60
MAX_BITS = 1_000_000_000  # of the support of the layers below a peeled one
ROWS = 256  # of a list of ones that are packed at a time


def decide_chain(masks: list[np.ndarray], deadline: float) -> dict[str, Any]:
    """Decide closedness of {W_L ... W_1} for L > 2."""
    everything = find_open_chain(masks, deadline)
    if everything is not None:
        return everything
    chain = list(masks)
    steps = _shorten(chain, deadline, peel=False)
    if len(chain) == 2:
        two = decide_two_layers(chain[0], chain[1], deadline)
        if two["answer"] == "closed":
            return _closed(steps, two["proof"])
        if two["answer"] == "not_closed":
            proof = _lift(masks, steps, two["proof"])
            if proof is not None:
                return {"answer": "not_closed", "proof": proof}
    if len(chain) == 1:
        return _closed(steps, {"rule": "one layer"})
    steps += _shorten(chain, deadline, peel=True)
    if len(chain) == 1:
        return _closed(steps, {"rule": "one layer"})
    if len(chain) == 2:
        two = decide_two_layers(chain[0], chain[1], deadline)
        if two["answer"] == "closed":
            return _closed(steps, two["proof"])
    proof = _search_windows(masks, deadline)
    if proof is not None:
        return {"answer": "not_closed", "proof": proof}
    reason = "merging, peeling and windows do not decide this chain"
    return {"answer": "unknown", "proof": {"reason": reason}}


def peel_all(masks: Sequence[Mask], deadline: float) -> dict[str, Any] | None:
    """Take layers off the ends until one is left, without looking at single cells."""
    chain, steps = list(masks), []
    while len(chain) > 1:
        check_time(deadline)
        step = _peel_step(chain)
        if step is None:
            return None
        _apply(chain, step)
        steps.append(step)
    return _closed(steps, {"rule": "one layer"})


def _closed(steps: list[dict[str, Any]], last: dict[str, Any]) -> dict[str, Any]:
    kinds = sorted({str(step["kind"]) for step in steps})
    return {
        "answer": "closed",
        "proof": {"rule": "chain", "leaves": kinds, "steps": steps, "last": last},
    }


def _shorten(
    chain: list[np.ndarray], deadline: float, *, peel: bool, rules: Sequence[str] = FULL_RULES
) -> list[dict[str, Any]]:
    """Shorten a chain in place as long as a step applies and more than two layers are left."""
    steps: list[dict[str, Any]] = []
    stop = 1 if peel else 2
    while len(chain) > stop:
        check_time(deadline)
        step = _peel_step(chain) if peel else None
        if step is None and len(chain) > 2:
            step = _merge_step(chain, deadline, rules)
        if step is None:
            break
        _apply(chain, step)
        steps.append(step)
    return steps


def _apply(chain: list[Any], step: dict[str, Any]) -> None:
    """Shorten a chain in place by a step."""
    if step["kind"] == "peel":
        chain.pop(0 if step["end"] == "bottom" else -1)
        return
    low, width = step["layer"], 3 if step["kind"] == "LUL" else 2
    merged = chain[low]
    for mask in chain[low + 1 : low + width]:
        merged = boolean_product(mask, merged)
    chain[low : low + width] = [merged]


def _peel_step(chain: Sequence[Mask]) -> dict[str, Any] | None:
    if _peels(chain):
        return {"kind": "peel", "end": "top"}
    if _peels([mask.T for mask in reversed(chain)]):
        return {"kind": "peel", "end": "bottom"}
    return None


def _peels(chain: Sequence[Mask]) -> bool:
    """Say whether the rectangles of the last layer's classes do not overlap: areas add up."""
    sides = [chain[0].shape[1], *(mask.shape[0] for mask in chain)]
    if max(sides[1:]) * sides[0] > MAX_BITS:
        return False
    last, below = as_list(chain[-1].T), as_list(chain[-2])
    names = [
        tuple(x.indices[x.indptr[k] : x.indptr[k + 1]].tobytes() for x in (last, below))
        for k in range(last.shape[0])
    ]
    first = sorted({name: k for k, name in reversed(list(enumerate(names)))}.values())
    reach = np.packbits(chain[0], axis=1) if not is_sparse(chain[0]) else _packed(chain[0])
    for mask in chain[1:-1]:
        reach = packed_product(as_list(mask), reach)
    ones = np.bitwise_count(reach[first]).sum(axis=1, dtype=np.int64)
    area = int(np.diff(last.indptr)[first] @ ones)
    union = packed_product(as_list(last[first].T), reach[first])
    return area == int(np.bitwise_count(union).sum(dtype=np.int64))


def _packed(mask: sparse.csr_array) -> np.ndarray:
    """Pack the rows of a list of ones into bits, some rows at a time."""
    parts = [
        np.packbits(mask[start : start + ROWS].toarray().astype(bool), axis=1)
        for start in range(0, mask.shape[0], ROWS)
    ]
    return np.concatenate(parts)


def _is_lul(layers: list[np.ndarray]) -> bool:
    """Say whether three layers are full triangles, alternately lower and upper."""
    n = len(layers[0])
    if any(layer.shape != (n, n) for layer in layers):
        return False
    lower = [bool(np.array_equal(layer, np.tri(n))) for layer in layers]
    upper = [bool(np.array_equal(layer.T, np.tri(n))) for layer in layers]
    return (lower[0] and upper[1] and lower[2]) or (upper[0] and lower[1] and upper[2])


def _merge_step(
    chain: list[np.ndarray], deadline: float, rules: Sequence[str]
) -> dict[str, Any] | None:
    for low in range(len(chain) - 1):
        step = _identity_step(chain[low], chain[low + 1], low)
        if step is not None:
            return step
    for low in range(len(chain) - 2):
        if _is_lul(chain[low : low + 3]):
            return {"kind": "LUL", "layer": low}
    for low in range(len(chain) - 1):
        below, above = chain[low], chain[low + 1]
        if distinct_area(below, above) > FULL_MERGE_AREA:
            continue
        proof = _full_proof(below, above, deadline, rules)
        if proof is not None:
            return {"kind": "full", "layer": low, "proof": proof}
    return None


def _identity_step(below: np.ndarray, above: np.ndarray, low: int) -> dict[str, Any] | None:
    merged = None
    for unit, other, name in ((above, below, "above"), (below, above, "below")):
        if unit.shape[0] != unit.shape[1] or not np.diagonal(unit).all():
            continue
        if merged is None:
            merged = boolean_product(above, below)
        if np.array_equal(merged, other):
            return {"kind": "identity", "layer": low, "unit": name}
    return None


def _full_proof(
    below: np.ndarray, above: np.ndarray, deadline: float, rules: Sequence[str]
) -> dict[str, Any] | None:
    """Prove that a pair reaches every matrix on its Boolean product."""
    live = below.any(axis=1) & above.any(axis=0)
    freedom = below[live].sum(dtype=np.int64) + above[:, live].sum(dtype=np.int64) - live.sum()
    if freedom < boolean_product(above, below).sum(dtype=np.int64):
        return None
    reduced = reduce_pattern(below, above, cap=False, deadline=deadline)
    proofs = []
    for component in reduced.components:
        found = prove_component(component, reduced.observed, rules, deadline)
        if found is None:
            return None
        proofs.append(found)
    return {
        "rows": list(range(above.shape[0])),
        "columns": list(range(below.shape[1])),
        "erasures": reduced.erasures,
        "components": proofs,
    }


def _lift(
    masks: list[np.ndarray], steps: list[dict[str, Any]], two: dict[str, Any]
) -> dict[str, Any] | None:
    """Carry a curve of the merged pair back to all layers."""
    chains = [list(masks)]
    for step in steps:
        chains.append(list(chains[-1]))
        _apply(chains[-1], step)
    curve = [laurent.from_json(layer) for layer in two["curve"]]
    merged_below = [1] * len(masks)  # original layers in each layer of the current chain
    for step in steps:
        low, width = step["layer"], 3 if step["kind"] == "LUL" else 2
        merged_below[low : low + width] = [sum(merged_below[low : low + width])]
    for step, chain in zip(reversed(steps), reversed(chains[:-1]), strict=True):
        low = step["layer"]
        pair = _factor(step, curve[low], chain[low : low + 2])
        if pair is None:
            return None
        curve[low : low + 1] = pair
    proof = dict(two)
    proof["rule"] = f"merged layers, {two['rule']}"
    proof["curve"] = [laurent.to_json(layer) for layer in curve]
    proof["refutation"] = {**two["refutation"], "cut": merged_below[0]}
    return None if check_not_closed(masks, proof) else proof


def _factor(
    step: dict[str, Any], target: SparseMatrix, pair: list[np.ndarray]
) -> list[SparseMatrix] | None:
    """Write a matrix of Laurent polynomials on a merged mask as a product of the two layers."""
    below, above = pair
    if step["kind"] == "identity":
        n = (above if step["unit"] == "above" else below).shape[0]
        unit = {(i, i): monomial(1) for i in range(n)}
        return [target, unit] if step["unit"] == "above" else [unit, target]
    if step["kind"] != "full":
        return None
    reduced = reduce_pattern(below, above, flags=False, cap=False)
    if reduced.components:
        return None
    u: SparseMatrix = {}
    v: SparseMatrix = {}
    for star, own in reversed(owned_cells(reduced)):
        k, rows, _ = star["piece"]
        for i, j in own:
            residual = add(target.get((i, j), {}), times(_entry(u, v, i, j), monomial(-1)))
            if not residual:
                continue
            if len(rows) == 1:
                u[i, k], v[k, j] = monomial(1), residual
            else:
                v[k, j], u[i, k] = monomial(1), residual
    return [v, u]


def _entry(u: SparseMatrix, v: SparseMatrix, i: int, j: int) -> Laurent:
    total: Laurent = {}
    for (i2, k), left in u.items():
        right = v.get((k, j)) if i2 == i else None
        if right:
            total = add(total, times(left, right))
    return total


def _search_windows(masks: list[np.ndarray], deadline: float) -> dict[str, Any] | None:
    """Look for outer rows and columns whose chain merges into a pair that is not closed."""
    reach = masks[0]
    for mask in masks[1:]:
        reach = boolean_product(mask, reach)
    rng = np.random.default_rng(0)
    rows, columns = np.flatnonzero(reach.any(axis=1)), np.flatnonzero(reach.any(axis=0))
    for number in range(WINDOWS):
        check_time(deadline)
        side = 2 + number % 2
        chosen = rng.permutation(rows)[:side], rng.permutation(columns)[:side]
        window = _restricted(masks, chosen[0], chosen[1])
        short = list(window)
        steps = _shorten(short, deadline, peel=False, rules=QUICK_FULL_RULES)
        if len(short) != 2:
            continue
        two = decide_two_layers(short[0], short[1], deadline, LIGHT)
        if two["answer"] == "not_closed":
            proof = _lift(window, steps, two["proof"])
            if proof is not None and not check_not_closed(masks, proof):
                return proof
    return None


def _restricted(masks: list[np.ndarray], rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
    """Keep the paths between some inputs and outputs; other entries become 0."""
    out = [mask.copy() for mask in masks]
    keep = np.zeros(masks[0].shape[1], np.uint8)
    keep[columns] = 1
    for mask in out:
        mask *= keep[None, :]
        keep = np.asarray(mask.any(axis=1), np.uint8)
    last = np.zeros(masks[-1].shape[0], np.uint8)
    last[rows] = 1
    for mask in reversed(out):
        mask *= last[:, None]
        last = np.asarray(mask.any(axis=0), np.uint8)
    return out
