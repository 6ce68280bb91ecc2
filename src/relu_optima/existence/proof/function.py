r"""Check answers to the function-set question: network functions on a box, uniform norm.

Both bias vectors are free; the box has an interior. L_Q is the product set of a set Q of neurons.

**B1.** If L is not closed, neither is the function set. With large hidden biases a network is
affine on the box with any slope in L, so A x is a limit for A in cl L \ L. If A x were a network
function, its slope near a generic point would be W2 D W1 with D a 0/1 diagonal, which W2 absorbs:
A in L, a contradiction. (The same for deep chains.)

**B2.** If L_Q is closed for every set Q of neurons, so is the function set. *Proof.* Let f_n -> f
uniformly; on a subsequence the normalised (v_k, b_k) converge. Neurons whose limit hyperplane
misses the interior are affine or dead on compact parts; the others form groups G_H by limit
hyperplane H = {h.x = t}. So f = A x + c + sum_H p_H relu(h_H.x - t_H), supp h_H in T_k for k in
G_H, supp p_H in the union of their S_k. *Selection:* choose in each group disjoint N+, N- of the
two orientations whose rows cover supp p_H; with Q the neurons not chosen,
A' = A + sum_H p_H restricted to rows(N-) h_H^T is in cl L_Q. As L_Q is closed, A' is in L_Q, and
f is a network function: the chosen neurons carry the kinks, Q the affine rest. *A selection
exists:* two neurons of a group share an input, so closedness of the pair makes their rows nested
or disjoint unless both see one input only; so the row sets are laminar and one neuron for each
maximal set will do. (Groups with several neurons that see the same single input j: choose all of
these and the maximal sets outside their union; on rows C covered by both orientations the split
of p is free, so A' matters modulo C x {j} only.)

**Hereditary closedness.** Rules whose hypothesis passes to subsets of the neurons: every component
of the pattern lies in one row or one column (a coordinate space for each subset), or is a
flag-cross component (rule C2 of `closed_rules` on whole rectangles).

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
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from relu_optima.existence.proof import laurent
from relu_optima.existence.proof.closed import check_closed
from relu_optima.existence.proof.closed_rules import LEAF_RULES, read_piece
from relu_optima.existence.proof.curve import check_curve, check_refutation

MAX_SUBSET_WIDTH = 8
Carrier = tuple[int, int, bool]  # neuron, kink it carries, reversed


def check_function(
    masks: list[np.ndarray], answer: str, proof: dict[str, Any], product: dict[str, Any]
) -> list[str]:
    """Check an answer to the function-set question.

    Parameters
    ----------
    masks : list of array of uint8
        The layers, first layer first.
    answer : str
        ``closed``, ``not_closed`` or ``unknown``.
    proof : dict
        ``rule`` and its data.
    product : dict
        The part about the product set, checked before.

    Returns
    -------
    list of str
        Problems; empty if the answer is proved.
    """
    rule = proof.get("rule")
    if answer == "unknown":
        return []
    if rule == "B1" and answer == "not_closed":
        return [] if product["answer"] == "not_closed" else ["the product set is not not_closed"]
    if rule == "no hidden layer" and answer == "closed":
        return [] if len(masks) == 1 else ["there is a hidden layer"]
    if len(masks) != 2:
        return [f"rule {rule!r} needs one hidden layer"]
    if rule == "B2" and answer == "closed":
        if "components" in proof:
            return check_hereditary(masks, proof["components"])
        return _check_subsets(masks, proof["subsets"])
    if rule == "B4" and answer == "not_closed":
        return _check_kinks(masks, proof)
    if rule == "B5" and answer == "closed":
        return [] if is_b5(masks) else ["the pattern is not that of B5"]
    if rule == "outputs":
        return _check_parts(masks, answer, proof["parts"])
    return [f"rule {rule!r} does not prove {answer!r}"]


def live_rectangles(masks: list[np.ndarray]) -> list[tuple[int, frozenset[int], frozenset[int]]]:
    """List neuron, rows and columns of every neuron with both.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.

    Returns
    -------
    list of (int, frozenset, frozenset)
        Rectangles.
    """
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


def output_groups(masks: list[np.ndarray]) -> list[list[int]]:
    """Split the live neurons so that no two groups feed a common output.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.

    Returns
    -------
    list of list of int
        Neurons of each group, as fine as possible.
    """
    groups: list[tuple[set[int], list[int]]] = []
    for k, rows, _ in live_rectangles(masks):
        touched = [group for group in groups if group[0] & rows]
        merged = set(rows).union(*(r for r, _ in touched))
        neurons = sorted([k, *(q for _, members in touched for q in members)])
        groups = [group for group in groups if group not in touched] + [(merged, neurons)]
    return sorted(neurons for _, neurons in groups)


def _check_parts(masks: list[np.ndarray], answer: str, parts: list[dict[str, Any]]) -> list[str]:
    """Check a proof by parts of the outputs: all of them closed, or one that is not."""
    groups = {tuple(group) for group in output_groups(masks)}
    named = [tuple(int(k) for k in part["neurons"]) for part in parts]
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
            restricted(masks, list(neurons)), answer, part["proof"], {"answer": "unknown"}
        )
        if problems:
            return problems
    return []


def is_b5(masks: list[np.ndarray]) -> bool:
    """Recognise the pattern of B5.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.

    Returns
    -------
    bool
        True if the rectangles are two opposite cells and the 2x2 square around them.
    """
    shapes = sorted(live_rectangles(masks), key=lambda x: len(x[1]) * len(x[2]))
    if [(len(s), len(t)) for _, s, t in shapes] != [(1, 1), (1, 1), (2, 2)]:
        return False
    (_, a, b), (_, c, d), (_, s, t) = shapes
    return a | c == s and b | d == t


def check_hereditary(masks: list[np.ndarray], components: list[dict[str, Any]]) -> list[str]:
    """Check that every subset of the neurons is closed, component by component.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    components : list of dict
        ``neurons``, ``rule`` (``line`` or ``C2``) and its data.

    Returns
    -------
    list of str
        Problems; empty if proved.
    """
    rectangles = {k: (s, t) for k, s, t in live_rectangles(masks)}
    named = [k for component in components for k in component["neurons"]]
    if sorted(named) != sorted(rectangles):
        return ["the components do not use every neuron once"]
    owner = np.full((masks[1].shape[0], masks[0].shape[1]), -1, dtype=np.int64)
    everywhere = np.ones(owner.shape, bool)
    for number, component in enumerate(components):
        pieces = []
        blocks = set()
        for k in component["neurons"]:
            rows, columns = (sorted(side) for side in rectangles[k])
            pieces.append(read_piece([k, rows, columns]))
            if rectangles[k] in blocks:  # the same cells were just claimed for this component
                continue
            blocks.add(rectangles[k])
            block = np.ix_(rows, columns)
            if (owner[block] >= 0).any() and (owner[block][owner[block] >= 0] != number).any():
                return ["two components share a cell"]
            owner[block] = number
        if component["rule"] == "line":
            reached = {i for _, r, _ in pieces for i in r}, {j for _, _, c in pieces for j in c}
            if min(map(len, reached)) > 1:
                return ["a component does not lie in one row or column"]
        elif component["rule"] == "C2":
            problems = LEAF_RULES["C2"](pieces, everywhere, component["data"])
            if problems:
                return problems
        else:
            return [f"there is no hereditary rule {component['rule']!r}"]
    return []


def restricted(masks: list[np.ndarray], neurons: list[int]) -> list[np.ndarray]:
    """Keep some hidden neurons only; the others stay as idle neurons.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    neurons : list of int
        Neurons to keep.

    Returns
    -------
    list of array of uint8
        Masks of the same shapes.
    """
    keep = np.zeros(masks[0].shape[0], np.uint8)
    keep[neurons] = 1
    return [masks[0] * keep[:, None], masks[1] * keep[None, :]]


def _check_subsets(masks: list[np.ndarray], subsets: list[dict[str, Any]]) -> list[str]:
    rectangles = live_rectangles(masks)
    if len(rectangles) > MAX_SUBSET_WIDTH:
        return ["too many neurons for a proof by subsets"]
    shape = {k: (s, t) for k, s, t in rectangles}
    proved = set()
    for subset in subsets:
        neurons = subset["neurons"]
        problems = check_closed(restricted(masks, neurons), subset["proof"])
        if problems:
            return problems
        proved.add(_multiset(shape[k] for k in neurons))
    for size in range(1, len(rectangles) + 1):
        for chosen in itertools.combinations(rectangles, size):
            if _multiset((s, t) for _, s, t in chosen) not in proved:
                return ["a subset of the neurons is missing"]
    return []


def _multiset(shapes: Any) -> tuple[Any, ...]:
    return tuple(sorted((tuple(sorted(s)), tuple(sorted(t))) for s, t in shapes))


def carrier_choices(
    masks: list[np.ndarray], kinks: list[tuple[dict[int, Fraction], dict[int, Fraction]]]
) -> Iterator[tuple[Carrier, ...]]:
    """List every way in which neurons can carry the kinks.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    kinks : list of (dict, dict)
        p and w of each kink, nonzero entries.

    Yields
    ------
    tuple of Carrier
        Neuron, kink and orientation of each carrier; every kink's rows are covered.
    """
    rectangles = live_rectangles(masks)
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


def residual_problem(
    masks: list[np.ndarray],
    limit: dict[tuple[int, int], Fraction],
    kinks: list[tuple[dict[int, Fraction], dict[int, Fraction]]],
    carriers: tuple[Carrier, ...],
) -> tuple[list[np.ndarray], dict[tuple[int, int], Fraction]]:
    """Build the membership question that a choice of carriers leaves.

    Parameters
    ----------
    masks : list of array of uint8
        The two layers, first layer first.
    limit : dict
        Nonzero entries of A.
    kinks : list of (dict, dict)
        p and w of each kink.
    carriers : tuple of Carrier
        The choice.

    Returns
    -------
    (list of array of uint8, dict)
        Masks of the neurons that carry nothing, with one extra neuron for each kink that both
        orientations carry somewhere; and the slope they would have to make.
    """
    busy = {k for k, _, _ in carriers}
    lower, upper = restricted(masks, [k for k in range(masks[0].shape[0]) if k not in busy])
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
    subset = [int(k) for k in proof["subset"]]
    live = [k for k, _, _ in live_rectangles(masks)]
    if len(live) > MAX_SUBSET_WIDTH or not set(subset) <= set(live):
        return ["the subset is not one of the live neurons, or there are too many"]
    limit = {cell: e.get(0, Fraction(0)) for cell, e in laurent.from_json(proof["limit"]).items()}
    problems = check_curve(restricted(masks, subset), proof["curve"], limit)
    if problems:
        return problems
    kinks = []
    for kink in proof["kinks"]:
        k = kink["neuron"]
        p = {int(i): Fraction(value) for i, value in kink["p"]}
        w = {int(j): Fraction(value) for j, value in kink["w"]}
        if not p or not w or not all(p.values()) or not all(w.values()):
            return ["a kink is zero"]
        if not (all(masks[1][i, k] for i in p) and all(masks[0][k, j] for j in w)):
            return ["a kink leaves the support of its neuron"]
        kinks.append((p, w))
    carriers_named = [kink["neuron"] for kink in proof["kinks"]]
    if set(carriers_named) & set(subset) or len(set(carriers_named)) != len(carriers_named):
        return ["a kink's neuron is not free to carry it"]
    if not set(carriers_named) <= set(live):
        return ["a kink's neuron does not exist"]
    stored = {
        tuple((int(k), int(c), bool(r)) for k, c, r in case["carriers"]): case["refutation"]
        for case in proof["cases"]
    }
    for carriers in carrier_choices(masks, kinks):
        if carriers not in stored:
            return ["a choice of carriers is not refuted"]
        left, target = residual_problem(masks, limit, kinks, carriers)
        problems = check_refutation(left, target, stored[carriers])
        if problems:
            return problems
    return []
