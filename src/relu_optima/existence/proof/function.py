r"""Check answers to the function-set question: network functions on a box, uniform norm.

Both bias vectors are free; the box has an interior. L_Q is the product set of a set Q of neurons.

**B1.** If L is not closed, neither is the function set. With large hidden biases a network is
affine on the box with any slope in L, so A x is a limit for A in cl L \ L. If A x were a network
function, its slope near a generic point would be W2 D W1 with D a 0/1 diagonal, which W2 absorbs:
A in L, a contradiction. (The same for deep chains.)

**B2.** If L_Q is closed for every set Q of neurons, so is the function set; by Theorem P
(`proof.pairs`) pairs Q are enough. *Proof.* Let f_n -> f
uniformly; on a subsequence the normalised (v_k, b_k) converge. Neurons whose limit hyperplane
misses the interior are affine or dead on compact parts; the others form groups G_H by limit
hyperplane H = {h.x = t}. So f = A x + c + sum_H p_H relu(h_H.x - t_H), supp h_H in T_k for k in
G_H, supp p_H in the union of their S_k. *Selection:* choose in each group disjoint N+, N- of the
two orientations whose rows cover supp p_H; with Q the neurons not chosen,
A' = A + sum_H p_H _restricted to rows(N-) h_H^T is in cl L_Q. As L_Q is closed, A' is in L_Q, and
f is a network function: the chosen neurons carry the kinks, Q the affine rest. *A selection
exists:* two neurons of a group share an input, so closedness of the pair makes their rows nested
or disjoint unless both see one input only; so the row sets are laminar and one neuron for each
maximal set will do. (Groups with several neurons that see the same single input j: choose all of
these and the maximal sets outside their union; on rows C covered by both orientations the split
of p is free, so A' matters modulo C x {j} only.)

**B6.** Let S = {k, l}, A of rank two in cl L_S but not in L_S, and for every other live neuron c
let R^{T_c} not lie in row A, and either R^{S_c} not in im A or S_c x T_c not in
S_k x T_k | S_l x T_l. Then the function set is not closed. *Proof.* Take
f = A x + sum_c p_c relu(w_c.x - t_c), one kink for every c outside S, p_c and w_c generic with
full support, distinct hyperplanes that meet the box: a limit. In a representation let K_c be the
neurons with the hyperplane of kink c, so T_j contains T_c for j in K_c and their S_j cover S_c, and
Q the others; |Q| = 2 - e, e = sum_c (|K_c| - 1). The kinks of Q cancel, so it contributes a slope
M = A + sum_c q_c w_c^T in L_Q, q_c what the reversed neurons of K_c carry, 0 or p_c where
|K_c| = 1. *e = 0:* c -> K_c maps the neurons outside S one to one into larger rectangles. Followed
from the two elements of Q, which are no image, it ends in S at two different ones, so L_Q is
contained in L_S. If no kink is reversed, M = A is not in L_S. Else, if some reversed c has R^{S_c}
not in im A, M has rank at least 3: A + p_c w_c^T has, and generic values of the other p, w do not
lower a rank. If no reversed c has, M is not 0 on a cell of such an S_c x T_c that L_S does not
reach.
*e = 1:* let K_c have two neurons. On the kernel of w_c, A has rank 2, as w_c is not in row A, and
the other, generic terms do not lower it; but |Q| = 1. *e = 2:* Q is empty, so M = 0, and A plus the
terms of singly carried kinks vanishes on the kernels of at most two w_c. By genericity again A
itself would: row A in their span, hence equal to it, against w_c not in row A. QED

**B4, kink lifting.** A in cl L_S, kinks p_c, w_c for each neuron c outside S, supp p_c in S_c,
supp w_c in T_c, on distinct hyperplanes w_c.x = t_c. Then f = A x + sum_c p_c relu(w_c.x - t_c) is
a limit. In a representation of f by the network, kink c is carried by a nonempty set K_c of neurons
with supp w_c in T_k, supp p_c in the union of their S_k, each in one of two orientations; the sets
are disjoint. The other neurons make an affine function of slope A + sum_c q_c w_c^T, q_c = p_c on
rows that only reversed carriers reach, 0 on rows that no reversed carrier reaches, anything on
rows that both kinds reach. If that is outside L_Q, Q the neurons that carry nothing, for all
choices of carriers and orientations, then f is no network function.

**B5.** Neurons {0}x{0}, {1}x{1}, {0,1}x{0,1}: closed, although the subset without {1}x{1} is not.
In B2's proof L_Q is closed unless Q holds the full neuron and one of the others; by symmetry say
{1}x{1} carries c e_1 relu(x_1 - t) alone. Reversing it replaces A' by A' + c E_11; a matrix X is
outside L_Q only if X_11 = 0, so one of the two orientations works.

**Outputs.** Let I_1, I_2, ... split the outputs so that no neuron feeds two parts. The parts share
no parameter, so the function set is the product of those of the parts, each with the neurons that
feed it: closed if and only if every part's is (uniform convergence is that of each output).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.curve import check_curve, check_refutation
from relu_optima.existence.proof.deep import check_paths
from relu_optima.existence.proof.pairs import check_open_pair, check_pairs
from relu_optima.existence.proof.values import in_range, index, integer, vector
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

MAX_SUBSET_WIDTH = 8  # neurons for which every choice of carriers is listed
Carrier = tuple[int, int, bool]  # neuron, kink it carries, reversed


def check_function(
    masks: Sequence[Mask], answer: str, proof: dict[str, Any], product: dict[str, Any]
) -> list[str]:
    """Check an answer to the function-set question."""
    rule = proof.get("rule")
    if answer == "unknown":
        return []
    if rule == "B1" and answer == "not_closed":
        return [] if product["answer"] == "not_closed" else ["the product set is not not_closed"]
    if rule == "no hidden layer" and answer == "closed":
        return [] if len(masks) == 1 else ["the network has a hidden layer"]
    if rule == "paths" and answer == "closed":
        return check_paths(masks) if len(masks) > 2 else ["paths: there is one hidden layer"]
    if len(masks) != 2:
        return [f"rule {rule!r} needs one hidden layer"]
    if rule == "B2" and answer == "closed":
        proved = product["answer"] == "closed" and product["proof"].get("rule") == "P"
        return [] if proved else check_pairs(masks)
    masks = dense(masks)
    if rule == "B4" and answer == "not_closed":
        return _check_kinks(masks, proof)
    if rule == "B5" and answer == "closed":
        return [] if _is_b5(masks) else ["the pattern is not that of B5"]
    if rule == "B6" and answer == "not_closed":
        return _check_pair_of_b6(masks, proof)
    if rule == "outputs":
        return _check_parts(masks, answer, proof["parts"])
    return [f"rule {rule!r} does not prove that the function set is {answer!r}"]


def _live_rectangles(masks: list[np.ndarray]) -> list[tuple[int, frozenset[int], frozenset[int]]]:
    """List neuron, rows and columns of every neuron with both."""
    lower, upper = masks
    live = np.flatnonzero(lower.any(axis=1) & upper.any(axis=0))
    return [
        (
            int(k),
            frozenset(np.flatnonzero(upper[:, k]).tolist()),
            frozenset(np.flatnonzero(lower[k]).tolist()),
        )
        for k in live
    ]


def _output_groups(masks: list[np.ndarray]) -> list[list[int]]:
    """Split the live neurons as finely as possible so that no two groups share an output."""
    groups: list[tuple[set[int], list[int]]] = []
    for k, rows, _ in _live_rectangles(masks):
        touched = [group for group in groups if group[0] & rows]
        merged = set(rows).union(*(r for r, _ in touched))
        neurons = sorted([k, *(q for _, members in touched for q in members)])
        groups = [group for group in groups if group not in touched] + [(merged, neurons)]
    return sorted(neurons for _, neurons in groups)


def _check_parts(masks: list[np.ndarray], answer: str, parts: list[dict[str, Any]]) -> list[str]:
    """Check a proof by parts of the outputs: all of them closed, or one that is not."""
    groups = {tuple(group) for group in _output_groups(masks)}
    named = [tuple(integer(k) for k in part["neurons"]) for part in parts]
    if len(set(named)) != len(named) or not set(named) <= groups:
        return ["the parts are not groups of neurons that feed the same outputs"]
    if answer == "closed" and set(named) != groups:
        return ["a part of the outputs is missing"]
    if answer == "not_closed" and len(named) != 1:
        return ["not closed needs one part"]
    for neurons, part in zip(named, parts, strict=True):
        if part["proof"].get("rule") == "outputs":
            return ["a part is split again"]
        # B1 is of no use here: nothing is said about the product set of a part
        problems = check_function(
            _restricted(masks, list(neurons)), answer, part["proof"], {"answer": "unknown"}
        )
        if problems:
            return problems
    return []


def _is_b5(masks: list[np.ndarray]) -> bool:
    """Recognise two opposite cells and the 2x2 square around them."""
    shapes = sorted(_live_rectangles(masks), key=lambda x: len(x[1]) * len(x[2]))
    if [(len(s), len(t)) for _, s, t in shapes] != [(1, 1), (1, 1), (2, 2)]:
        return False
    (_, a, b), (_, c, d), (_, s, t) = shapes
    return a | c == s and b | d == t


def _restricted(masks: list[np.ndarray], neurons: list[int]) -> list[np.ndarray]:
    """Keep some hidden neurons only; the others stay as idle neurons."""
    keep = np.zeros(masks[0].shape[0], np.uint8)
    keep[neurons] = 1
    return [masks[0] * keep[:, None], masks[1] * keep[None, :]]


def _carrier_choices(
    masks: list[np.ndarray], kinks: list[tuple[dict[int, Fraction], dict[int, Fraction]]]
) -> Iterator[tuple[Carrier, ...]]:
    """List every way in which neurons can carry the kinks and cover every kink's rows."""
    rectangles = _live_rectangles(masks)
    options: list[list[Carrier | None]] = []
    for k, _, columns in rectangles:
        choices: list[Carrier | None] = [None]
        for c, (_, w) in enumerate(kinks):
            if set(w) <= columns:
                choices += [(k, c, False), (k, c, True)]
        options.append(choices)
    rows_of = {k: s for k, s, _ in rectangles}
    for choice in itertools.product(*options):
        carriers = tuple(x for x in choice if x is not None)
        if all(
            set(p) <= set().union(*(rows_of[k] for k, c, _ in carriers if c == number))
            for number, (p, _) in enumerate(kinks)
        ):
            yield carriers


def _residual_problem(
    masks: list[np.ndarray],
    limit: dict[tuple[int, int], Fraction],
    kinks: list[tuple[dict[int, Fraction], dict[int, Fraction]]],
    carriers: tuple[Carrier, ...],
) -> tuple[list[np.ndarray], dict[tuple[int, int], Fraction]]:
    """Build the membership question that a choice of carriers leaves.

    The masks are those of the neurons that carry nothing, with one extra neuron for each kink that
    both orientations carry somewhere; the matrix is the slope they would have to make.
    """
    busy = {k for k, _, _ in carriers}
    lower, upper = _restricted(masks, [k for k in range(masks[0].shape[0]) if k not in busy])
    target = dict(limit)
    for number, (p, w) in enumerate(kinks):
        rows = {
            turned: set().union(
                *(
                    np.flatnonzero(masks[1][:, k]).tolist()
                    for k, c, reverse in carriers
                    if c == number and reverse == turned
                )
            )
            for turned in (False, True)
        }
        for i in rows[True] - rows[False]:
            for j, value in w.items():
                target[i, j] = target.get((i, j), Fraction(0)) + p.get(i, Fraction(0)) * value
        both = sorted(rows[True] & rows[False])
        if both:
            column = np.zeros((upper.shape[0], 1), np.uint8)
            column[both] = 1
            row = np.zeros((1, lower.shape[1]), np.uint8)
            row[0, sorted(w)] = 1
            upper, lower = np.hstack([upper, column]), np.vstack([lower, row])
    return [lower, upper], {cell: value for cell, value in target.items() if value}


def _check_kinks(masks: list[np.ndarray], proof: dict[str, Any]) -> list[str]:
    subset = proof["subset"]
    live = [k for k, _, _ in _live_rectangles(masks)]
    if len(live) > MAX_SUBSET_WIDTH:
        return ["there are too many neurons to list who carries the kinks"]
    if not in_range(subset, len(masks[0])) or not set(subset) <= set(live):
        return ["the subset is not a set of live neurons"]
    limit = {cell: e.get(0, Fraction(0)) for cell, e in laurent.from_json(proof["limit"]).items()}
    problems = check_curve(_restricted(masks, subset), proof["curve"], limit)
    if problems:
        return problems
    kinks, carriers_named = [], []
    for kink in proof["kinks"]:
        k = index(kink["neuron"], len(masks[0]))
        p = vector(kink["p"], masks[1][:, k])
        w = vector(kink["w"], masks[0][k])
        if not p or not w:
            return ["a kink is zero"]
        kinks.append((p, w))
        carriers_named.append(k)
    if set(carriers_named) & set(subset) or len(set(carriers_named)) != len(carriers_named):
        return ["a kink's neuron is not free to carry it"]
    stored = {
        tuple((integer(k), integer(c), r is True) for k, c, r in case["carriers"]): case
        for case in proof["cases"]
    }
    choices = list(_carrier_choices(masks, kinks))
    if not choices:
        return ["nothing carries the kinks, so nothing is refuted"]
    for carriers in choices:
        if carriers not in stored:
            return ["a choice of carriers is not refuted"]
        left, target = _residual_problem(masks, limit, kinks, carriers)
        problems = check_refutation(left, target, stored[carriers]["refutation"])
        if problems:
            return problems
    return []


def _check_pair_of_b6(masks: list[np.ndarray], proof: dict[str, Any]) -> list[str]:
    problems, rows, columns = check_open_pair(masks, proof)
    if problems:
        return problems
    pair = proof["neurons"]
    lower, upper = (mask.astype(bool) for mask in masks)
    others = np.asarray(lower.any(axis=1) & upper.any(axis=0))
    others[pair] = False
    if (others & ~_beyond(lower, columns)).any():
        return ["B6: the inputs of another neuron span no direction outside the row space"]
    for c in np.flatnonzero(others & ~_beyond(upper.T, rows)):
        block = np.ix_(upper[:, c], lower[c])
        reached = upper[:, pair].astype(np.uint8) @ lower[pair].astype(np.uint8)
        if reached[block].all():
            return ["B6: another neuron may hide its kink in the column space"]
    return []


def _beyond(sets: np.ndarray, few: set[int]) -> np.ndarray:
    """Say which sets have an element outside a small one."""
    rest = np.ones(sets.shape[1], bool)
    rest[sorted(few)] = False
    return np.asarray(sets[:, rest].any(axis=1))
