"""Directed forgeries: documents that claim something false and obey every rule but one.

Each names the check that must stop it. `forged` gives whole documents, `random_mutant` damages a
true certificate at random.
"""

import copy

import numpy as np

from relu_optima.existence.proof.document import FORMAT, pack_masks
from tests.existence.bases import LOW, UP, document, mask

LU = [UP, LOW]  # neuron 0 is {0,1} x {0,1}, neuron 1 is {1} x {1}
EYE = mask("10", "01")
ONE = [mask("11"), mask("1", "1")]
TWO = [mask("11", "11"), mask("11", "11")]
WIDE = [mask("110", "101"), mask("11", "11")]  # not closed: a limit of two 2 x 2 squares
TALL = [mask("11", "11"), mask("11", "10", "01")]
B5 = [mask("10", "01", "11"), mask("101", "011")]
FLAG = [mask("110", "110", "011"), mask("110", "110", "011", "010")]
NOTHING = {"answer": "unknown", "proof": {"reason": "not asked"}}
K, STAR = [0, [0, 1], [0, 1]], {"kind": "star", "piece": [1, [1], [1]]}


def flag(*pieces, axis="rows"):
    return {"kind": "flag", "axis": axis, "pieces": list(pieces)}


def star(*piece):
    return {"kind": "star", "piece": list(piece)}


def reduction(masks, erasures=(), components=(), **other):
    sides = {"rows": list(range(len(masks[1]))), "columns": list(range(masks[0].shape[1]))}
    erasing = {"erasures": list(erasures), "components": list(components)}
    return "closed", {"rule": "reduction", **sides, **erasing, **other}


def component(rule, *pieces, **data):
    return {"pieces": list(pieces), "rule": rule, "data": data}


def limit(upper, lower, value, rows, columns, tree, **other):
    """A curve, given as two lists of [row, column, Laurent polynomial]."""
    window = {"rows": rows, "columns": columns, "tree": tree, **other}
    proof = {"rule": "forged", "curve": [lower, upper], "limit": value, "refutation": window}
    return "not_closed", proof


def constants(*cells):
    return [[i, j, {"0": "1"}] for i, j in cells]


UNIT = constants((0, 0), (1, 1))
SWAP = constants((0, 1), (1, 0))
DEAD = {"C6 divides": [
    ["set", "u", 0, 0, 1], ["solve", "v", 0, 0, [0, 0]], ["solve", "v", 0, 1, [0, 1]],
    ["solve", "u", 0, 1, [1, 0]],
]}["C6 divides"]  # fmt: skip
FLAT = [*DEAD[:3], ["set", "u", 0, 1, 0]]  # where cell (1, 0) is zero
CASE = {"cell": [0, 0], "condition": [["1", [[0, 0, 1]]]], "zero": None, "nonzero": {"fill": DEAD}}

# what is forged: masks, answer and proof
PRODUCT = {
    "P": (LU, "closed", {"rule": "P"}),
    "P of wide squares": (WIDE, "closed", {"rule": "P"}),
    "P of tall squares": (TALL, "closed", {"rule": "P"}),
    "P of a star": (
        [mask("110", "011"), mask("11", "01")], "closed", {"rule": "P"}),
    "P of a tall star": (
        [mask("10", "11"), mask("10", "11", "01")], "closed", {"rule": "P"}),
    "leaf P": (LU, *reduction(LU, [], [component("P", K, [1, [1], [1]])])),
    "leaf P with a hole": (LU, *reduction(LU, [STAR], [component("P", K)])),
    "leaf C7 with a hole": (LU, *reduction(LU, [STAR], [component("C7", K)])),
    "C7": (LU, *reduction(LU, [], [component("C7", K, [1, [1], [1]])])),
    "C3 short of one": (
        LU, *reduction(LU, [], [
            component("C3", K, [1, [1], [1]], fixed=[["v", [1, 2]], ["v", [1]]])])),
    "C3 of a neuron used twice": (
        LU, *reduction(LU, [STAR], [component("C3", K, K, fixed=[["v", [1, 1]], ["v", [1, 2]]])])),
    "C3 without a cell": (LU, *reduction(LU, [], [
        component("C3", [1, [1], [1]], fixed=[["v", [1]]])])),
    "components that share a cell": (
        LU, *reduction(LU, [], [component("P", K), component("P", [1, [1], [1]])])),
    "C4 without span": (LU, *reduction(LU, [], [component(
        "C4", K, [1, [1], [1]], row=0,
        table=[[[], [[1, 0], [1]]], [[0], [[1, 0], [1]]], [[1], [[0, 1], [1]]],
               [[0, 1], [[1, 1], [1]]]])])),
    "C4 off the span": (LU, *reduction(LU, [], [component(
        "C4", K, [1, [1], [1]], row=0,
        table=[[[], [[1, 0], [1]]], [[0], [[1, 0], [1]]], [[1], [[1, 0], [1]]],
               [[0, 1], [[1, 1], [1]]]])])),
    "C4 with a row missing": (LU, *reduction(LU, [], [component(
        "C4", K, [1, [1], [1]], row=0,
        table=[[[], [[1, 0], [1]]], [[0], [[1, 0], [1]]], [[0, 1], [[1, 1], [1]]]])])),
    "C5 without its hole": (WIDE, *reduction(WIDE, [], [component(
        "C5", K, [1, [0, 1], [0, 2]], name="F-a", rows=[0, 1], columns=[0, 1, 2])])),
    "C5 by another shape": (LU, *reduction(LU, [], [component(
        "C5", K, [1, [1], [1]], name="F-a", rows=[0, 1], columns=[0, 1, 1])])),
    "C6 divides by zero": (LU, *reduction(LU, [STAR], [component("C6", K, tree={"fill": DEAD})])),
    "C6 skips a case": (LU, *reduction(LU, [STAR], [component("C6", K, tree=CASE)])),
    "C6 repeats the case": (
        LU, *reduction(LU, [STAR], [component("C6", K, tree={**CASE, "zero": {"fill": DEAD}})])),
    "C6 makes nothing": (LU, *reduction(LU, [STAR], [component("C6", K, tree={"fill": []})])),
    "C6 solves by another cell": (LU, *reduction(LU, [STAR], [component("C6", K, tree={"fill": [
        *DEAD[:3], ["solve", "u", 0, 1, [0, 0]]]})])),
    "C6 sets twice": (LU, *reduction(LU, [STAR], [component("C6", K, tree={"fill": [
        ["set", "v", 0, 0, 1], ["solve", "u", 0, 0, [0, 0]], ["solve", "u", 0, 1, [1, 0]],
        ["solve", "v", 0, 1, [0, 1]], ["set", "u", 0, 0, 1]]})])),
    "C6 of the same unit": (LU, *reduction(LU, [STAR], [component("C6", K, tree={
        "cell": [0, 1], "condition": [["1", [[0, 1, 1]]]], "zero": {"fill": DEAD},
        "nonzero": {"fill": DEAD}})])),
    "C6 solves for a cell that may not count": (LU, *reduction(LU, [STAR], [component(
        "C6", K, tree={"cell": [1, 0], "condition": [["1", [[0, 0, 1], [1, 0, 1]]]],
                       "zero": {"fill": FLAT}, "nonzero": CASE})])),
    "C6 after a case": (LU, *reduction(LU, [STAR], [component("C6", K, tree={
        "cell": [1, 0], "condition": [["1", [[1, 0, 1]]]], "zero": {"fill": FLAT},
        "nonzero": {"fill": DEAD}})])),
    "Z off zero": (LU, *reduction(LU, [STAR], [component("Z", K, u=[[1, 1]], v=[[1, 1]])])),
    "Z at zero": (LU, *reduction(LU, [STAR], [component("Z", K, u=[[0, 0]], v=[[0, 0]])])),
    "X of a neuron in use": (TWO, *limit(
        UNIT, UNIT, UNIT, [0, 1], [0, 1], None, useless=0)),
    "X of too many neurons": (B5, *limit(
        constants((1, 1)), constants((1, 1)), constants((1, 1)), [1], [1], None, useless=0)),
    "X of two rows in a column": (
        [mask("10", "10", "01"), mask("100", "010")], *limit(
            UNIT, constants((0, 0), (1, 0)), constants((0, 0), (1, 0)), [0, 1], [0, 1], None,
            useless=2)),
    "X of two columns in a row": (
        [mask("10", "01", "00"), mask("110", "001")], *limit(
            constants((0, 0), (0, 1)), UNIT, constants((0, 0), (0, 1)), [0, 1], [0, 1], None,
            useless=2)),
    "X of a neuron that sees nothing": ([mask("10", "01", "00"), mask("100", "010")], *limit(
        UNIT, UNIT, UNIT, [0, 1], [0, 1], None, useless=2)),
    "no component": (LU, *reduction(LU, [STAR])),
    "a row too few": (LU, *reduction(LU, [star(0, [1], [0, 1]), STAR], rows=[1])),
    "a column too few": (LU, *reduction(LU, [star(0, [0, 1], [1]), STAR], columns=[1])),
    "a tied row": (LU, *reduction(LU, [star(0, [0], [0, 1]), star(0, [1], [0, 1])])),
    "a tied column": (LU, *reduction(LU, [star(0, [0, 1], [0]), star(0, [0, 1], [1])])),
    "a foreign piece": (LU, *reduction(LU, [star(1, [0], [0, 1]), star(1, [1], [0, 1])])),
    "a thick star": (LU, *reduction(LU, [star(*K)])),
    "a thin flag": (LU, *reduction(LU, [flag(K)])),
    "a flag of one neuron": (LU, *reduction(LU, [flag(K, K)])),
    "a flag of other columns": (
        WIDE, *reduction(WIDE, [flag(K, [1, [0, 1], [0, 2]]), star(1, [0, 1], [2])])),
    "a flag of other rows": (
        TALL, *reduction(TALL, [flag(K, [1, [0, 2], [0, 1]]), star(1, [2], [0, 1])])),
    "a flag frees too much": (
        FLAG, *reduction(FLAG, [
            flag([0, [0, 1], [0, 1]], [1, [0, 1, 2, 3], [0, 1]]), star(2, [2], [1, 2])])),
    "the pole": (ONE, *limit(
        [[0, 0, {"-1": "1"}], [1, 0, {"1": "1"}]], [[0, 0, {"1": "1"}], [0, 1, {"-1": "1"}]],
        UNIT, [0, 1], [0, 1], ["rank", [0, 1], [0, 1], [0]])),
    "another limit": (ONE, *limit([], [], UNIT, [0, 1], [0, 1], ["rank", [0, 1], [0, 1], [0]])),
    "off the mask above": ([EYE, EYE], *limit(SWAP, UNIT, SWAP, [0, 1], [0, 1], None)),
    "off the mask below": ([EYE, EYE], *limit(UNIT, SWAP, SWAP, [0, 1], [0, 1], None)),
    "a cell off the window": (ONE, *limit(
        constants((0, 0)), constants((0, 0)), constants((0, 0)), [1], [1], None, cells=[[0, 0]])),
    "a member": (TWO, *limit(UNIT, UNIT, UNIT, [0, 1], [0, 1], None)),
    "a member, by a basis": (TWO, *limit(UNIT, UNIT, UNIT, [0, 1], [0, 1], ["solve"])),
    "a member, by one neuron": (
        TWO, *limit(UNIT, UNIT, UNIT, [0, 1], [0, 1], ["rank", [0, 1], [0, 1], [0]])),
    "a member, by its rank": (
        TWO, *limit(UNIT, UNIT, UNIT, [0, 1], [0, 1], ["rank", [0, 1], [0, 1], [0, 1]])),
    "a member, by a small window": (
        TWO, *limit(UNIT, UNIT, UNIT, [0, 1], [0, 1], ["rank", [0], [0], []])),
    "a member, by a zero": (ONE, *limit(
        constants((0, 0)), constants((0, 0)), constants((0, 0)), [0, 1], [0, 1],
        ["rank", [0, 1], [0, 1], [0]])),
    "a member, but for free cells": (B5, *limit(
        [*constants((0, 2), (1, 2)), *UNIT],
        [*constants((2, 0), (2, 1)), [0, 0, {"0": "-1"}], [1, 1, {"0": "-1"}]],
        SWAP, [0, 1], [0, 1], ["rank", [0, 1], [0, 1], [2]])),
    "only where it is zero": (ONE, *limit(
        constants((0, 0)), constants((0, 0)), constants((0, 0)), [0], [0],
        ["u", 0, 0, None, None])),
    "only where it is not": (ONE, *limit(
        constants((1, 0)), constants((0, 1)), constants((1, 1)), [0, 1], [0, 1],
        ["u", 0, 0, None, None])),
}  # fmt: skip
CHAINS = {
    "peeled classes that meet": ([EYE, *LU], ["top", "top"]),
    "peeled classes of other rows": ([np.eye(3, dtype=np.uint8), *WIDE], ["top", "top"]),
    "peeled from below": ([*LU, EYE], ["bottom", "bottom"]),
}
MERGES = {
    "another product": ([*LU, EYE], {"kind": "identity", "layer": 0, "unit": "above"}),
    "no diagonal": ([mask("11", "11"), mask("01", "01"), LOW], {
        "kind": "identity", "layer": 0, "unit": "above"}),
    "not a triangle": ([UP, LOW, LOW], {"kind": "LUL", "layer": 0}),
    "not everything": ([*LU, EYE], {"kind": "full", "layer": 0, "proof": {
        "rows": [0, 1], "columns": [0, 1], "erasures": [], "components": [
            component("C7", K, [1, [1], [1]])]}}),
    "without a row": ([*LU, EYE], {"kind": "full", "layer": 0, "proof": {
        "rows": [1], "columns": [0, 1], "erasures": [star(0, [1], [0, 1]), STAR],
        "components": []}}),
}  # fmt: skip
B4 = {
    "rule": "B4", "subset": [0, 2],
    "curve": [[[0, 0, {"-1": "-1"}], [2, 0, {"-1": "1"}], [2, 1, {"0": "1"}]],
              [[0, 0, {"0": "1"}], [0, 2, {"0": "1"}], [1, 2, {"1": "1"}]]],
    "limit": SWAP, "kinks": [{"neuron": 1, "p": [[1, "1"]], "w": [[1, "1"]]}],
    "cases": [
        {"carriers": [c for c in (a, b) if c], "refutation": {
            "rows": [0, 1], "columns": [0, 1], "tree": None}}
        for a in (None, [1, 0, False], [1, 0, True]) for b in (None, [2, 0, False], [2, 0, True])
        if a or b],
}  # fmt: skip
# the two forgeries of the first checker: indices that wrap
WRAPPED = {
    "rule": "B4", "subset": [0], "curve": [[], []], "limit": [], "cases": [],
    "kinks": [{"neuron": 1, "p": [[-1, "1"]], "w": [[0, "1"]]}],
}  # fmt: skip
PAIR = {"p": [[0, 1]], "q": [[0, 1]], "x": [[0, 1], [1, 2]], "y": [[0, 1], [1, 2]]}
FUNCTION = {
    "B1": (TWO, "not_closed", {"rule": "B1"}),
    "B2": ([*B5[:1], mask("101", "111")], "closed", {"rule": "B2"}),
    "B4 of B5": (B5, "not_closed", B4),
    "B4 with a row that wraps": (TWO, "not_closed", WRAPPED),
    "B4 with a column that wraps": (TWO, "not_closed", {
        **WRAPPED, "kinks": [{"neuron": 1, "p": [[0, "1"]], "w": [[-1, "1"]]}]}),
    "B4 of a member": (TWO, "not_closed", {**WRAPPED, "kinks": []}),
    "B5": (LU, "closed", {"rule": "B5"}),
    "B5 in a row": ([mask("10", "01", "11"), mask("111", "001")], "closed", {"rule": "B5"}),
    "B6 of B5": (B5, "not_closed", {"rule": "B6", "neurons": [0, 2], **PAIR}),
    "B6 of a member": (TWO, "not_closed", {"rule": "B6", "neurons": [0, 1], **PAIR}),
    "B6 of a cross": ([mask("11", "10"), mask("11", "01")], "not_closed", {
        "rule": "B6", "neurons": [0, 1], **PAIR}),
    "B6 of one neuron": (TWO, "not_closed", {"rule": "B6", "neurons": [0, 0], **PAIR}),
    "paths that meet": ([UP, EYE, LOW], "closed", {"rule": "paths"}),
    "half the outputs": ([np.vstack([B5[0], UP]), np.block([
        [B5[1], np.zeros((2, 2), np.uint8)], [np.zeros((2, 3), np.uint8), LOW]])], "closed",
        {"rule": "outputs", "parts": [{"neurons": [0, 1, 2], "proof": {"rule": "B5"}}]}),
    "an output shared": ([np.vstack([B5[0], mask("11")]), np.hstack([B5[1], mask("1", "0")])],
        "closed", {"rule": "outputs", "parts": [
            {"neurons": [0, 1, 2], "proof": {"rule": "B5"}},
            {"neurons": [3], "proof": {"rule": "B2"}}]}),
}  # fmt: skip


def theorem_f(neurons, shared, other, row_of=()):
    rows = {"row_shared": shared, "row_other": other, "row_of": list(row_of)}
    return "not_always", {"rule": "Theorem F", "neurons": neurons, **rows}


SCALAR = [mask("1", "1"), mask("11")]
FINITE = {
    "a shared row that wraps": (SCALAR, *theorem_f([0, 1], -1, 0)),
    "another row that wraps": (SCALAR, *theorem_f([0, 1], 0, -1)),
    "one row twice": (SCALAR, *theorem_f([0, 1], 0, 0)),
    "one neuron twice": ([mask("1"), mask("1", "1")], *theorem_f([0, 0], 0, 1)),
    "a row that is not fed": ([mask("1", "1", "1"), mask("110", "001")],
                              *theorem_f([0, 1], 0, 1, [[2, 1]])),
    "a row that is not shared": ([mask("1", "1"), mask("10", "10", "01")],
                                 *theorem_f([0, 1], 0, 1)),
    "a neuron too few": ([mask("1", "1", "1"), mask("110", "001")], *theorem_f([0, 1], 0, 1)),
    "always": (TWO, "always", {"rule": "Theorem F"}),
    "clusters": (SCALAR, "not_always", {"rule": "clusters", "columns": [0, 1], "clusters": 5}),
    "trees that split": ([UP, LOW, EYE], "always", {"rule": "trees"}),
    "trees that meet": ([UP, EYE, LOW], "always", {"rule": "trees"}),
    "no hidden layer": (TWO, "always", {"rule": "no hidden layer"}),
}  # fmt: skip


def forged():
    """Give name, question and document of every forgery."""
    for question, family in (("product", PRODUCT), ("function", FUNCTION), ("finite", FINITE)):
        for name, (masks, answer, proof) in family.items():
            part = {question: {"answer": answer, "proof": proof}}
            yield name, question, _document(masks, part)
    for name, (masks, ends) in CHAINS.items():
        steps = [{"kind": "peel", "end": end} for end in ends]
        proof = {"rule": "chain", "steps": steps, "last": {"rule": "one layer"}}
        yield name, "product", _document(masks, {"product": {"answer": "closed", "proof": proof}})
    for name, (masks, step) in MERGES.items():
        proof = {"rule": "chain", "steps": [step], "last": {"rule": "P"}}
        yield name, "product", _document(masks, {"product": {"answer": "closed", "proof": proof}})


def _document(masks, part):
    unknown = {"product": NOTHING, "function": NOTHING, "finite": NOTHING}
    return {"format": FORMAT, "layers": pack_masks(masks), **unknown, **copy.deepcopy(part)}


def random_mutant(rng, names):
    """Damage a true certificate at one to three places; return its name and the document."""
    name = names[rng.integers(len(names))]
    out = copy.deepcopy(document(name))
    for _ in range(int(rng.integers(1, 4))):
        holders = [h for h in _holders(out) if len(h)]
        holder = holders[rng.integers(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[rng.integers(len(keys))]
        action = rng.integers(6)
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif action == 2:
            donor = [h for h in _holders(document(names[rng.integers(len(names))])) if len(h)]
            graft = donor[rng.integers(len(donor))]
            holder[key] = copy.deepcopy(graft)
        elif action == 3:
            other = keys[rng.integers(len(keys))]
            holder[key], holder[other] = holder[other], holder[key]
        else:
            holder[key] = _odd(rng, holder[key])
    return name, out


def _holders(value):
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _holders(item)


def _odd(rng, value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + int(rng.choice([-2, -1, 1, 2]))
    if value in ("closed", "not_closed", "unknown"):
        return str(rng.choice(["closed", "not_closed", "unknown"]))
    if value in ("always", "not_always"):
        return str(rng.choice(["always", "not_always"]))
    odd = [-1, 0, True, None, 1.5, 10**30, float("inf"), float("nan"), "1/0", "-1", "", [], {}]
    return odd[rng.integers(len(odd))]
