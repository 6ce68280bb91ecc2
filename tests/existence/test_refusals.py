"""Every refusal of the checker: a true certificate, one edit, and what the checker must say.

`ROWS` has a row for each message of `existence/proof`; a message that no row provokes fails
`test_every_refusal_is_provoked`.
"""

import ast
import base64
import copy
import re
from pathlib import Path

import numpy as np
import pytest

from relu_optima.existence import proof
from relu_optima.existence.proof import chain, function, open_chain
from relu_optima.existence.proof.document import FULL_DIMENSION
from relu_optima.existence.proof.verify import problems_of
from tests.existence.bases import MASKS, document, mask

DELETE = object()
PRODUCT, FUNCTION, FINITE = "product.proof", "function.proof", "finite.proof"
PIECES = f"{PRODUCT}.components.0.pieces"
DATA = f"{PRODUCT}.components.0.data"
ZERO = f"{DATA}.tree.zero.fill"


def drop(*places):
    return lambda old: [x for q, x in enumerate(old) if q not in places]


def more(*items):
    return lambda old: [*old, *items]


def swap(answer, **fields):
    """Another answer with another proof."""
    return {"answer": answer, "proof": fields}


def packed(*masks):
    from relu_optima.existence.proof.document import pack_masks

    return pack_masks([np.asarray(m, np.uint8) for m in masks])


def listed(columns, lengths):
    """The first layer of "lu" as a list of its ones."""
    parts = {"columns": columns, "lengths": lengths}
    text = {k: base64.b64encode(np.array(v, "<u4").tobytes()).decode() for k, v in parts.items()}
    return {"shape": [2, 2], **text}


ORACLE = {"rule": "oracle z3", "version": "5", "rlimit": 1}
ONE_OUT = "an output without bias"
FULL = lambda point: swap("unknown", reason=FULL_DIMENSION, full_dimension=point)  # noqa: E731
STAR = {"kind": "star", "piece": [0, [0], [0, 1]]}
# certificate, what to edit, the new value (or a function of the old one), the message
ROWS = [
    # document
    ("lu", "format", "other", "the format is not"),
    ("lu", "format", DELETE, "the certificate is malformed: KeyError"),
    ("lu", "product.answer", "open", "product: 'open' is no answer"),
    ("lu", "finite", swap("unknown"), "finite: there is no reason why the answer is unknown"),
    ("lu", "layers", [], "there is no layer"),
    ("lu", "layers.0.bits", "!", "no packed masks: "),
    ("lu", "layers.0.shape", [2, 9], "shape and bits of a layer disagree"),
    ("lu", "layers.0.shape", [-2, -2], "shape and bits of a layer disagree"),
    ("lu", "layers", packed(mask("11"), mask("11")), "the layers do not chain"),
    ("lu", "layers.1", packed(mask("00", "00"))[0], "all entries of a layer are zero"),
    ("lu", "layers.0", listed([0, 1, 1], [2, 1]), None),
    ("lu", "layers.0", listed([0, 1, 1], [2, 1, 0]), "shape and row lengths of a layer disagree"),
    ("lu", "layers.0", listed([0, 1, 2], [2, 1]), "rows are not ascending and in range"),
    ("lu", "layers.0", listed([1, 0, 1], [2, 1]), "rows are not ascending and in range"),
    ("lu", "layers.0", listed([0, 1, 1], [1, 1]), "rows are not ascending and in range"),
    ("lu", PRODUCT, {**ORACLE, "rlimit": -1}, "version or resource limit of z3 is missing"),
    ("lu", PRODUCT, {**ORACLE, "version": 5}, "version or resource limit of z3 is missing"),
    ("lu", "product", swap("unknown", reason="", **ORACLE), "an unknown answer rests on z3"),
    ("butterfly", PRODUCT, ORACLE, "z3 is only asked about two layers"),
    # numbers
    ("lu", f"{FINITE}.row_shared", True, "True is no integer"),
    ("lu", f"{FINITE}.row_shared", 0.0, "0.0 is no integer"),
    ("C3", f"{DATA}.fixed.0.1.0", 2**5000, "an integer has more than 4096 bits"),
    ("lu", f"{FINITE}.row_shared", -1, "index -1 does not exist, there are 2"),
    ("lu", f"{FINITE}.row_other", 2, "index 2 does not exist, there are 2"),
    ("lu", f"{FINITE}.neurons.0", -2, "index -2 does not exist, there are 2"),
    ("hole", f"{FINITE}.row_of.0.0", -1, "index -1 does not exist, there are 4"),
    ("hole", f"{FINITE}.row_of.0.1", -3, "index -3 does not exist, there are 3"),
    ("B4", f"{FUNCTION}.kinks.0.p.0.0", -1, "index -1 does not exist, there are 2"),
    ("B4", f"{FUNCTION}.kinks.0.w.0.0", -1, "index -1 does not exist, there are 2"),
    ("B4", f"{FUNCTION}.kinks.0.neuron", -1, "index -1 does not exist, there are 3"),
    ("B4", f"{FUNCTION}.kinks.0.p.0.1", "1e999999999", "is no fraction"),
    ("B4", f"{FUNCTION}.kinks.0.p.0.1", "1/0", "divides by zero"),
    ("B6", f"{FUNCTION}.q.0.1", 0, "entry 0 of a vector is zero or occurs twice"),
    ("B6", f"{FUNCTION}.q", more([0, 1]), "entry 0 of a vector is zero or occurs twice"),
    ("B6", f"{FUNCTION}.q", more([1, 1]), "a vector leaves its support at 1"),
    ("lu", f"{PRODUCT}.limit.0.0", -1, "cell (-1, 1) does not exist"),
    ("lu", f"{PRODUCT}.limit", lambda old: [*old, old[0]], "cell (0, 1) occurs twice"),
    # a limit and its curve
    ("lu", f"{PRODUCT}.curve", drop(0), "the curve has another number of layers"),
    ("lu", f"{PRODUCT}.curve.0.0.1", 7, "the curve leaves the mask of layer 1 at (0, 7)"),
    ("lu", f"{PRODUCT}.curve.0.0.0", 7, "the curve leaves the mask of layer 1 at (7, 0)"),
    ("lu", f"{PRODUCT}.curve.1", more([0, 1, {"0": "1"}]), "leaves the mask of layer 2 at (0, 1)"),
    ("lu", f"{PRODUCT}.curve.0", drop(2), "the product of the curve does not stay bounded"),
    ("lu", f"{PRODUCT}.limit", drop(0), "the product of the curve does not converge to the limit"),
    ("lu", f"{PRODUCT}.refutation.cut", 0, "the refutation cuts the chain of layers outside"),
    ("lu", f"{PRODUCT}.refutation.cut", 2, "the refutation cuts the chain of layers outside"),
    ("deep", f"{PRODUCT}.refutation.cut", 3, "the refutation cuts the chain of layers outside"),
    ("lu", f"{PRODUCT}.refutation.rows", [0, -1], "rows of the window are not distinct indices"),
    ("lu", f"{PRODUCT}.refutation.rows", [0, 0], "rows of the window are not distinct indices"),
    ("lu", f"{PRODUCT}.refutation.columns", [0, 2], "columns of the window are not distinct"),
    ("hole", f"{PRODUCT}.refutation.cells", more([3, 0]), "a cell of the refutation lies outside"),
    ("lu", f"{PRODUCT}.refutation.rows", [0], "a case of the refutation ends without a contra"),
    ("hole", f"{PRODUCT}.refutation.tree", ["w", 0, 0, None, None], "there is no leaf 'w'") ,
    ("hole", f"{PRODUCT}.refutation.tree", ["u", 0, 0, None, None], "ends without a contradiction"),
    ("hole", f"{PRODUCT}.refutation.tree.3", [0, 1], "the rank of a window is not too large"),
    ("hole", f"{PRODUCT}.refutation.tree.3", [1, 1], "the rank of a window is not too large"),
    ("hole", f"{PRODUCT}.refutation.tree.1", [0, 1, 1], "the rank of a window is not too large"),
    ("solve", f"{PRODUCT}.refutation.cells", drop(0, 1), "equations of a case do not generate 1"),
    ("X", f"{PRODUCT}.refutation.useless", -1, "index -1 does not exist, there are 4"),
    ("X", f"{PRODUCT}.refutation.useless", 0, "X: the neuron is of use in a cell"),
    ("X", f"{PRODUCT}.refutation.rows", drop(0), "X: the limit is no permutation of the window"),
    ("X", f"{PRODUCT}.refutation.columns", drop(0), "X: the limit is no permutation of the window"),
    ("X", f"{PRODUCT}.refutation", {"rows": [1, 2, 3], "columns": [1, 2, 3], "useless": 1},
        "X: more neurons see the window than it has rows"),
    ("X", f"{PRODUCT}.refutation", {"rows": [2], "columns": [2], "useless": 0},
        "X: the neuron does not see the window"),
    # closed by pairs, and without hidden layer
    ("lu", "product", swap("closed", rule="P"), "two neurons have a product set that is not"),
    ("C3", "function", swap("closed", rule="B2"), "two neurons have a product set that is not clo"),
    ("lu", "product", swap("closed", rule="one layer"), "there is more than one layer"),
    ("lu", "product", swap("closed", rule="Q"), "there is no rule 'Q' for 2 layers"),
    ("one layer", "product", swap("closed", rule="P"), "there is no rule 'P' for 1 layers"),
    # reductions
    ("C7", f"{PRODUCT}.rows", [0, 1, 2, -1], "kept rows and columns are not distinct indices"),
    ("C7", f"{PRODUCT}.columns", [0, 1, 2, 2], "kept rows and columns are not distinct indices"),
    ("C7", f"{PRODUCT}.rows", drop(1), "too many twin rows were dropped"),
    ("C7", f"{PRODUCT}.rows", drop(0, 2), "too many twin rows were dropped"),
    ("C7", f"{PRODUCT}.columns", drop(1), "too many twin columns were dropped"),
    ("P", f"{PIECES}.0.0", -1, "a piece has no neuron"),
    ("P", f"{PIECES}.0.0", 3, "a piece names a neuron that does not exist"),
    ("P", f"{PIECES}.0.1", [1, -1], "rows and columns of a piece are not distinct indices"),
    ("P", f"{PIECES}.0.2", [1, 1], "rows and columns of a piece are not distinct indices"),
    ("P", f"{PIECES}.0.2", [], "a piece is empty"),
    ("P", f"{PIECES}.0.0", 1, "a piece leaves its neuron's support"),
    ("P", f"{PIECES}.0.0", 0, "a piece leaves its neuron's support"),
    ("P", f"{PIECES}.0.1", [1], "a piece is tied to the rest of its neuron"),
    ("P", f"{PIECES}.0.2", [1], "a piece is tied to the rest of its neuron"),
    ("P", f"{PRODUCT}.erasures.0.kind", "hole", "there is no such erasure"),
    ("B4", f"{PRODUCT}.erasures.1.axis", "both", "there is no such erasure"),
    ("P", f"{PRODUCT}.erasures.0.piece", [2, [0, 1, 2], [0, 1, 2]], "a star has more than one row"),
    ("P", f"{PRODUCT}.erasures.0.piece", [2, [0], [0, 1, 2]], "a piece is tied to the rest of its"),
    ("B4", f"{PRODUCT}.erasures.1.pieces.0.2", [0], "a piece is tied to the rest of its neuron"),
    ("B4", f"{PRODUCT}.erasures.1.pieces", lambda old: [old[0], old[0]], "or repeat a neuron"),
    ("C5", f"{PRODUCT}.erasures", [{"kind": "flag", "axis": "rows", "pieces": [
        [0, [0, 1], [0, 1]], [1, [0, 1, 2], [0, 1, 2]]]}], "of a flag do not share their columns"),
    ("C4", f"{PRODUCT}.erasures", [{"kind": "flag", "axis": "columns", "pieces": [
        [0, [0, 1], [0, 1]], [1, [0, 1], [0, 2]]]}], "the rows of a flag are not nested"),
    ("B4", f"{PRODUCT}.erasures.1.pieces", drop(0), "the flag is not saturated"),
    ("P", f"{PRODUCT}.components", [], "a component is missing"),
    ("C7", PIECES, drop(0), "a component is missing"),
    ("C3", f"{PRODUCT}.components", lambda old: [
        {**old[0], "pieces": [piece]} for piece in old[0]["pieces"]],
        "two components share a cell"),
    ("P", PIECES, lambda old: [*old, *old], "two pieces of a neuron meet"),
    ("P", f"{PRODUCT}.components.0.rule", "C8", "there is no component rule 'C8'"),
    # rules of components
    ("C6", f"{PRODUCT}.components.0.rule", "P", "P needs all cells of the rectangles observed"),
    ("C7", f"{PRODUCT}.components.0.rule", "P", "two neurons have a product set that is not clo"),
    ("C3", f"{DATA}.fixed", drop(0), "C3: one fixed side for each piece"),
    ("C3", f"{DATA}.fixed.0.1", drop(0), "C3: a fixed side has the wrong length"),
    ("C3", f"{DATA}.fixed.0.0", "w", "C3: a fixed side has the wrong length"),
    ("C3", f"{DATA}.fixed.0.1", [0, 1], "C3: the linear map is not onto"),
    ("C3", f"{DATA}.fixed.0.1", [2**31 - 1, 1], "C3: the linear map is not onto"),
    ("Z", f"{DATA}.u", drop(0), "Z: one vector of each side for each piece"),
    ("Z", f"{DATA}.v.1", [6], "Z: a vector has the wrong length"),
    ("Z", f"{DATA}.v.0.0", 9, "Z: the product is not zero"),
    ("Z", f"{DATA}.v", [[0, 0], [0, 0]], "Z: the derivative is not onto"),
    ("C6", f"{PRODUCT}.components.0", lambda old: {
        **old, "rule": "C4", "data": {"row": 0, "table": []}},
        "C4 needs all cells of the rectangles observed"),
    ("C4", f"{DATA}.row", 0, "C4: a row other than the special one is not in every piece"),
    ("C4", f"{DATA}.transpose", True, "C4: a row other than the special one is not in every piece"),
    ("C4", f"{DATA}.table", drop(3), "C4: a support of the special row is missing"),
    ("C4", f"{DATA}.table.0.1.0", [1], "C4: a vector leaves its support"),
    ("C4", f"{DATA}.table.0.1.0", [0, 0], "C4: the vectors do not span"),
    ("C4", f"{DATA}.table.1.1.2", [-1, 2], "C4: the special row is not in its span"),
    ("C5", f"{DATA}.rows", [1, 0, 0], "C5: the rows and columns are not distinct indices"),
    ("C5", f"{DATA}.columns", [1, 0, -1], "C5: the rows and columns are not distinct indices"),
    ("C5", f"{DATA}.rows", [0, 1, 2], "C5: the component is not F-f"),
    ("C5", f"{DATA}.name", "F-d", "C5: the component is not F-d"),
    ("C6", f"{PRODUCT}.components.0.rule", "C7", "C7 needs all cells observed"),
    ("C4", f"{PRODUCT}.components.0.rule", "C7", "C7: the deficits are too large"),
    ("C6", f"{ZERO}.0", ["set", "u", 1, 3, 1], "a step names an entry outside its piece"),
    ("C6", f"{ZERO}.0", ["set", "w", 1, 0, 1], "a step names an entry outside its piece"),
    ("C6", f"{ZERO}.0", ["set", "u", -1, 0, 1], "index -1 does not exist, there are 2"),
    ("C6", f"{ZERO}.5", ["set", "u", 0, 2, "t24"], "index 24 does not exist, there are 24"),
    ("C6", ZERO, lambda old: [old[0], *old], "an entry is set twice"),
    ("C6", f"{ZERO}.0.0", "put", "a program has no step 'put'"),
    ("C6", f"{ZERO}.9", ["solve", "v", 1, 1, [2, 1]], "an entry is solved without its partner"),
    ("C6", f"{ZERO}.1", ["solve", "v", 1, 2, [0, 1]], "an entry is solved from a cell it is not"),
    ("C6", f"{ZERO}.1", ["solve", "v", 1, 2, [2, 2]], "an entry is solved without its partner"),
    ("C6", ZERO, lambda old: [old[0], old[-1], *old[1:-1]], "before its other products are known"),
    ("C6", f"{ZERO}.0.4", 0, "an entry is solved without its partner"),
    ("C6", f"{ZERO}.9", ["set", "v", 1, 1, 1], "the factors do not produce A"),
    ("C6", f"{ZERO}.5.4", 1, None),
    ("C6", f"{DATA}.tree", lambda old: old["nonzero"], "C6: a formula may divide by zero"),
    ("C6", f"{DATA}.tree.cell", [0, 1], "a condition cannot be solved for its cell"),
    ("C6", f"{DATA}.tree.condition.0.1.0.2", 2, "a condition cannot be solved for its cell"),
    ("C6", f"{DATA}.tree.condition.0.1.0.2", 0, "a condition has a power below 1 or a large one"),
    ("C6", f"{DATA}.tree.condition.0.1.0.2", 10**9, "a condition has a power below 1 or a large"),
    # chains
    ("butterfly", f"{PRODUCT}.steps", [], "the steps leave more than two layers"),
    ("butterfly", f"{PRODUCT}.steps", lambda old: 3 * old[:1], "there is nothing left to shorten"),
    ("deep", "product", swap("closed", rule="chain", steps=[{"kind": "peel", "end": "top"}]),
     "the classes of a peeled layer meet"),
    ("deep", "product", swap("closed", rule="chain", last={"rule": "P"},
                             steps=[{"kind": "peel", "end": "bottom"}]),
     "two neurons have a product set that is not closed"),
    ("lul", f"{PRODUCT}.steps.0.layer", 1, "a merge names layers that do not exist"),
    ("lul", f"{PRODUCT}.steps.0.layer", -3, "a merge names layers that do not exist"),
    ("lul", "layers", packed(*MASKS["lul"][:2], MASKS["lul"][1]), "alternately lower and upper"),
    ("lul", f"{PRODUCT}.steps.0", {"kind": "identity", "layer": 0, "unit": "below"},
     "a layer is not absorbed by its neighbour"),
    ("lul", f"{PRODUCT}.steps.0.kind", "melt", "there is no step 'melt'"),
    ("filled chain", f"{PRODUCT}.steps.0.proof.rows", drop(0), "everything is reached drops rows"),
    ("filled chain", f"{PRODUCT}.steps.0.proof.columns", drop(0), "is reached drops columns"),
    ("filled chain", f"{PRODUCT}.steps.0.proof.components",
     [{"pieces": [], "rule": "P", "data": {}}], "a component does not fill its space"),
    ("filled chain", f"{PRODUCT}.steps.0.proof.erasures", [], "a component is missing"),
    ("Z chain", f"{PRODUCT}.factors", drop(0), "Z: one factor for each layer"),
    ("Z chain", f"{PRODUCT}.factors.1", drop(0), "Z: a factor has the wrong number of entries"),
    ("Z chain", f"{PRODUCT}.factors.0", 7 * [1], "Z: the product of the factors is not zero"),
    ("Z chain", f"{PRODUCT}.factors.1", 6 * [0], "Z: the derivative of the chain is not onto"),
    # function set
    ("dense", "function", swap("not_closed", rule="B1"), "the product set is not not_closed"),
    ("dense", "function", swap("closed", rule="no hidden layer"), "the network has a hidden layer"),
    ("deep", "function", swap("closed", rule="B2"), "rule 'B2' needs one hidden layer"),
    ("dense", "function", swap("not_closed", rule="B2"), "does not prove that the function set is"),
    ("lu", "function", swap("closed", rule="B5"), "the pattern is not that of B5"),
    ("outputs", f"{FUNCTION}.parts.0.neurons", [0, 1], "the parts are not groups of neurons that"),
    ("outputs", f"{FUNCTION}.parts", lambda old: [*old, old[0]], "the parts are not groups"),
    ("outputs", f"{FUNCTION}.parts", drop(0), "a part of the outputs is missing"),
    ("outputs", "function.answer", "not_closed", "not closed needs one part"),
    ("outputs", f"{FUNCTION}.parts.0.proof.rule", "outputs", "a part is split again"),
    ("outputs", f"{FUNCTION}.parts.0.proof.rule", "B1", "does not prove that the function set is"),
    ("B4", f"{FUNCTION}.subset", [0, -2], "the subset is not a set of live neurons"),
    ("B4", f"{FUNCTION}.subset", [0, 0], "the subset is not a set of live neurons"),
    ("B4", f"{FUNCTION}.kinks.0.p", [], "a kink is zero"),
    ("B4", f"{FUNCTION}.kinks.0.neuron", 0, "a kink's neuron is not free to carry it"),
    ("B4", f"{FUNCTION}.kinks", lambda old: 2 * old, "a kink's neuron is not free to carry it"),
    ("B4", f"{FUNCTION}.cases", drop(0), "a choice of carriers is not refuted"),
    ("B4", f"{FUNCTION}.cases.0.carriers.0.2", True, "a choice of carriers is not refuted"),
    ("B4", f"{FUNCTION}.cases.0.refutation.rows", [0], "ends without a contradiction"),
    ("B4", f"{FUNCTION}.curve.0", drop(0), "does not converge to the limit"),
    ("B6", f"{FUNCTION}.neurons", [0, 3], "the pair is not two neurons"),
    ("B6", f"{FUNCTION}.neurons", [0, 1, 2], "the pair is not two neurons"),
    ("B6", f"{FUNCTION}.neurons", [2, -3], "the pair is not two neurons"),
    ("B6", f"{FUNCTION}.x", drop(1), "the limit of the pair has rank below two"),
    ("B6", f"{FUNCTION}.y", drop(1), "the limit of the pair has rank below two"),
    ("C7", f"{FUNCTION}.y", drop(1), "the limit of the pair is a product of it"),
    ("C7", f"{FUNCTION}.x", drop(1), "the limit of the pair is a product of it"),
    ("B5", "function", swap("not_closed", rule="B6", neurons=[0, 2], p=[[0, 1]], q=[[0, 1]],
        x=[[0, 1], [1, 2]], y=[[0, 1], [1, 2]]), "B6: the inputs of another neuron span no"),
    ("B6", "layers", packed(mask("111", "011", "100"), mask("101", "110")),
        "B6: another neuron may hide its kink in the column space"),
    # finite data
    ("lu", "finite", swap("always", rule="no hidden layer"), "there is a hidden layer"),
    ("lu", "finite", swap("always", rule="clusters"), "does not prove that there is an optimum"),
    ("lu", "finite", swap("always", rule="Theorem F"), "two neurons share an output and feed"),
    ("lu", "finite", swap("not_always", rule="clusters"), "is decided by Theorem F alone"),
    ("butterfly", "finite", swap("not_always", rule="clusters"), "set is not proved not closed"),
    ("deep", f"{FINITE}.columns", [0], "the window is not the one on which the limit is refuted"),
    ("deep", f"{FINITE}.clusters", 20, "the number of clusters is not what the widths need"),
    ("lu", f"{FINITE}.neurons", [1, 1], "the neurons are not the live ones, each once"),
    ("lu", f"{FINITE}.row_shared", 0, "the neurons are not the live ones, each once"),
    ("hole", f"{FINITE}.row_of", [], "the neurons are not the live ones, each once"),
    ("hole", f"{FINITE}.row_shared", 2, "the two neurons do not feed the rows the proof needs"),
    ("solve", f"{FINITE}.row_of.0.1", 1, "a remaining neuron does not feed its row"),
    # several hidden layers
    ("lu", "finite", swap("always", rule="trees"), "trees: there is one hidden layer"),
    ("paths", "layers.1", packed(mask("11", "01"))[0], "trees: a neuron feeds two neurons"),
    ("paths", "layers.2", packed(mask("11", "01"))[0], "trees: two neurons share an output"),
    ("lu", "function", swap("closed", rule="paths"), "paths: there is one hidden layer"),
    ("paths", "layers.2", packed(mask("11", "01"))[0], "paths: a neuron or an output sees two"),
    ("paths", "layers", packed(mask("10"), mask("1", "1"), mask("10", "01")), "paths: a neuron f"),
    # full dimension
    ("butterfly", "product", FULL({}), "full dimension: two layers of moderate size are needed"),
    ("nearly full", f"{PRODUCT}.full_dimension", DELETE, "the certificate is malformed: KeyError"),
    ("nearly full", f"{PRODUCT}.full_dimension.neurons", drop(0), "not one neuron of its own"),
    ("dense", "product", FULL({"transposed": False, "neurons": [1, 1, 0]}), "not one neuron of"),
    ("lu", "product", FULL({"transposed": False, "neurons": [1, 0]}), "does not feed its row"),
    # missing biases
    ("butterfly", "biases", packed(mask("1"), mask("1")), "biases are for one hidden layer"),
    ("lu", "biases", packed(mask("11"), mask("111")), "not one bias for each neuron and output"),
    ("B5", "biases", packed(mask("111"), mask("01")), "function: its rules are about free biases"),
    (ONE_OUT, "finite", swap("always", rule="Theorem F"), "outputs of a movable neuron are not"),
    ("F without biases", "finite", swap("always", rule="Theorem F"), "two movable neurons sh"),
    (ONE_OUT, f"{FINITE}.neuron", 1, "is not movable or does not feed the two outputs"),
    (ONE_OUT, f"{FINITE}.constant", 2, "is not movable or does not feed the two outputs"),
    (ONE_OUT, f"{FINITE}.other", -1, "index -1 does not exist, there are 3"),
    (ONE_OUT, f"{FINITE}.constant", 1, "not one output with constants and one without"),
    (ONE_OUT, f"{FINITE}.other", 0, "not one output with constants and one without"),
    (ONE_OUT, f"{FINITE}.columns", [0], "the inputs that move are not one, or two for a neuron"),
    (ONE_OUT, f"{FINITE}.columns", [0, 0], "the inputs that move are not one, or two for a neuron"),
    (ONE_OUT, f"{FINITE}.columns", [0, 2], "the neuron does not see the inputs that move"),
    (ONE_OUT, "layers", packed(mask("110", "001"), mask("11", "10", "01")),
     "another movable neuron feeds one of the two outputs"),
    ("F without biases", "layers", packed(mask("110", "010"), mask("10", "11")), "not the live"),
    ("F without biases", "finite", swap("not_always", rule="output biases", neuron=0, constant=1,
     other=0, columns=[0, 1]), "another movable neuron feeds one of the two outputs"),
    ("a fixed neuron", "finite", swap("not_always", rule="output biases", neuron=0, constant=0,
     other=1, columns=[0, 1]), "a fixed neuron that sees the inputs feeds one of the two outputs"),
]  # fmt: skip


def edited(name, path, value):
    out = copy.deepcopy(document(name))
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place = out
    for key in parents:
        place = place[key]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value(place[last]) if callable(value) else value
    return out


@pytest.mark.parametrize("name", MASKS)
def test_the_certificates_to_be_edited_are_true(name):
    assert problems_of(document(name)) == []


def _name(part):
    return "edit" if " at 0x" in repr(part) else str(part)[:40]  # no addresses: they differ


@pytest.mark.parametrize(("name", "path", "value", "message"), ROWS, ids=_name)
def test_an_edit_is_refused_for_its_reason(name, path, value, message):
    problems = problems_of(edited(name, path, value))
    if message is None:  # another true certificate
        assert problems == []
    else:
        assert any(message in problem for problem in problems), problems


def crowded():
    """B4 of two neurons, beside seven more that see one other input each."""
    out = copy.deepcopy(document("B4"))
    lower = np.vstack([mask("110", "010", "110"), np.tile(mask("001"), (7, 1))])
    upper = np.hstack([mask("101", "111"), np.tile(mask("1", "1"), (1, 7))])
    return {**out, "layers": packed(lower, upper)}


def erased():
    """The pieces of F-f, a cell of them filled by a fourth neuron."""
    out = copy.deepcopy(document("C5"))
    lower, upper = MASKS["C5"]
    out["layers"] = packed(np.vstack([lower, mask("100")]), np.hstack([upper, mask("1", "0", "0")]))
    out["product"]["proof"]["erasures"] = [{"kind": "star", "piece": [3, [0], [0]]}]
    return out


def unspanned():
    """Two neurons, one of which sees one input: the other cannot span two cells of a row."""
    out = copy.deepcopy(document("lu"))
    out["layers"] = packed(mask("100", "011"), mask("11", "11"))
    out["product"] = FULL({"transposed": False, "neurons": [0, 1]})
    return out


def beyond_the_proofs(monkeypatch):
    """Refusals that no document reaches as long as the other checks hold."""
    yield problems_of(crowded())
    with monkeypatch.context() as patch:
        patch.setattr(function, "_carrier_choices", lambda masks, kinks: [])
        yield problems_of(document("B4"))
    yield problems_of(erased())
    yield problems_of(unspanned())
    with monkeypatch.context() as patch:
        patch.setattr(open_chain, "MAX_LEFT", -1)
        yield problems_of(document("Z chain"))
    with monkeypatch.context() as patch:
        patch.setattr(chain, "MAX_BITS", -1)
        yield problems_of(document("butterfly"))


def test_every_refusal_is_provoked(monkeypatch):
    said = [line for row in ROWS if row[3] for line in problems_of(edited(*row[:3]))]
    for problems in beyond_the_proofs(monkeypatch):
        assert problems
        said += problems
    silent = [
        f"{file}:{line} {text}"
        for file, line, text in refusals()
        if not any(re.search(text, problem) for problem in said)
    ]
    assert not silent, "\n".join(silent)


def test_refusals_differ():
    texts = [text for _, _, text in refusals()]
    assert len(texts) == len(set(texts))


def refusals():
    """List file, line and text (as a regular expression) of every refusal of the checker."""
    for path in sorted(Path(proof.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            todo = []
            if isinstance(node, ast.Return) and node.value is not None:
                todo = [node.value]
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                todo = list(node.exc.args)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "problems.append":
                todo = list(node.args)
            while todo:
                part = todo.pop()
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield path.name, part.lineno, re.escape(part.value)
                elif isinstance(part, ast.JoinedStr):
                    pieces = (
                        re.escape(v.value) if isinstance(v, ast.Constant) else ".*"
                        for v in part.values
                    )
                    yield path.name, part.lineno, "".join(pieces)
                elif isinstance(part, ast.IfExp):
                    todo += [part.body, part.orelse]
                elif isinstance(part, ast.List | ast.Tuple):
                    todo += part.elts
