"""Re-check a certificate: ``python certificates_check.py FILE``, standard library only.

One file to read before one believes it; nothing of the package is imported. The theorem behind each
rule, with its proof, stands in docs/existence_theory.md under the rule's letter. All arithmetic is
exact (integers and fractions); square roots are rounded outwards.

An *existence certificate* holds the 0/1 masks W_1, ..., W_L of a network (first layer first) and
answers to three questions: is the set of products W_L ... W_1 closed, is the set of network
functions, does every finite data set have an optimum. For two layers neuron k is the rectangle
S_k x T_k of the outputs that it feeds and the inputs that it sees. A *convex certificate* holds
data, activation patterns, a network and a dual vector, and three numbers: what the network attains,
how far it is from having these patterns, and a bound below which no network that has them comes.
Sets of rows, columns or neurons are the bits of an integer.
"""
# fmt: off

from __future__ import annotations

import base64
import functools
import itertools
import json
import math
import random
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import add, sub
from pathlib import Path
from typing import Any

EXISTENCE = "relu-optima/existence-certificate/1"
CONVEX = "relu-optima/convex-certificate/1"
PRIME = 2_147_483_647  # full rank modulo a prime implies full rank over the rationals
ANSWERS = {"product": ("closed", "not_closed"), "function": ("closed", "not_closed"),
           "finite": ("always", "not_always")}
Cell = tuple[int, int]
Poly = dict[tuple[int, ...], Fraction]  # exponents -> coefficient, never 0
Value = tuple[Poly, list[Poly]]  # a polynomial over a product of factors
Piece = tuple[int, int, int]  # neuron, rows, columns

class Refused(Exception):
    """What is wrong with a certificate."""

def need(condition: object, otherwise: str) -> None:
    """Refuse the certificate unless a condition holds."""
    if not condition:
        raise Refused(otherwise)

# ---- reading: nothing is converted, nothing is out of range --------------------------------------
def integer(value: Any) -> int:
    """Read an integer; ``true`` is none."""
    need(type(value) is int and value.bit_length() <= 4096, f"{str(value)[:40]} is no integer")
    return int(value)

def index(value: Any, size: int) -> int:
    """Read an index below a size."""
    need(0 <= integer(value) < size, f"index {value} does not exist, there are {size}")
    return int(value)

def indices(value: Any, size: int) -> list[int]:
    """Read a list of distinct indices."""
    need(type(value) is list, "there is no list of indices")
    out = [index(i, size) for i in value]
    need(len(set(out)) == len(out), "an index is named twice")
    return out

def fraction(value: Any) -> Fraction:
    """Read an integer or a text such as -3/4."""
    if type(value) is not str:
        return Fraction(integer(value))
    parts = re.fullmatch(r"(-?[0-9]{1,1200})(?:/([0-9]{1,1200}))?", value)
    need(parts and int(parts[2] or 1), f"{value[:40]!r} is no fraction")
    assert parts is not None
    return Fraction(int(parts[1]), int(parts[2] or 1))

def laurent_matrix(value: Any) -> dict[Cell, Poly]:
    """Read a sparse matrix of Laurent polynomials in one letter eps."""
    out: dict[Cell, Poly] = {}
    for i, j, entry in value:
        need(min(integer(i), integer(j)) >= 0 and (i, j) not in out, f"cell {i}, {j} is wrong")
        terms = {(int(power),): fraction(c) for power, c in entry.items()}
        out[i, j] = {power: c for power, c in terms.items() if c}
    return out

def bits(places: Iterable[int]) -> int:
    """Make a set of places."""
    out = 0
    for place in places:
        out |= 1 << place
    return out

def places_of(some: int) -> list[int]:
    """List a set, in order."""
    return [place for place, c in enumerate(reversed(bin(some)[2:])) if c == "1"]

@dataclass(frozen=True)
class Mask:
    """A 0/1 matrix of m rows and n columns, each row a set of columns."""

    n: int
    rows: list[int]

    @functools.cached_property
    def columns(self) -> list[int]:
        """Each column as a set of rows."""
        out = [0] * self.n
        for i, row in enumerate(self.rows):
            for j in places_of(row):
                out[j] |= 1 << i
        return out

    @property
    def turned(self) -> Mask:
        """The transposed mask."""
        return Mask(len(self.rows), self.columns)

def read_mask(layer: Any) -> Mask:
    """Read a mask: its bits, or for each row the length of its list of columns."""
    m, n = (integer(side) for side in layer["shape"])
    need(1 <= m <= 100_000 and 1 <= n <= 100_000, "a mask has a wrong shape")
    if "lengths" not in layer:
        data = base64.b64decode(layer["bits"], validate=True)
        need(len(data) == (m * n + 7) // 8, "shape and bits of a layer disagree")
        text = format(int.from_bytes(data, "big"), f"0{8 * len(data)}b")
        return Mask(n, [int(text[i * n : (i + 1) * n][::-1], 2) for i in range(m)])
    parts = (base64.b64decode(layer[name], validate=True) for name in ("columns", "lengths"))
    columns, lengths = (
        [int.from_bytes(x[q : q + 4], "little") for q in range(0, len(x), 4)] for x in parts
    )
    need(len(lengths) == m and sum(lengths) == len(columns), "the lists of a layer disagree")
    ends = list(itertools.accumulate(lengths))
    lists = [columns[end - size : end] for size, end in zip(lengths, ends, strict=True)]
    fine = all(a < b for row in lists for a, b in itertools.pairwise(row))
    need(fine and all(j < n for j in columns), "the columns of a row do not ascend")
    return Mask(n, [bits(row) for row in lists])

def boolean_product(above: Mask, below: Mask) -> Mask:
    """Multiply two masks."""
    rows = []
    for row in above.rows:
        reached = 0
        for k in places_of(row):
            reached |= below.rows[k]
        rows.append(reached)
    return Mask(below.n, rows)

def support(layers: Sequence[Mask]) -> Mask:
    """Multiply masks, first layer first."""
    return functools.reduce(lambda below, above: boolean_product(above, below), layers)

# ---- arithmetic ----------------------------------------------------------------------------------
def rank(rows: Iterable[Mapping[int, Any]], modulus: int = 0) -> int:
    """Compute a rank, modulo a prime or of fractions; a row is {place: entry}."""
    pivots: dict[int, dict[int, Any]] = {}
    for given in rows:
        row = {c: x % modulus if modulus else x for c, x in given.items()}
        row = {c: x for c, x in row.items() if x}
        while row:
            lead = min(row)
            head = row[lead]
            if lead not in pivots:
                inverse = pow(head, -1, modulus) if modulus else 1 / Fraction(head)
                pivots[lead] = {c: x * inverse % modulus if modulus else x * inverse
                                for c, x in row.items()}
                break
            for c, x in pivots[lead].items():
                value = row.get(c, 0) - head * x
                row[c] = value % modulus if modulus else value
                if not row[c]:
                    del row[c]
    return len(pivots)

def plus(f: Poly, g: Poly, factor: Fraction | int = 1) -> Poly:
    """Return f + factor g."""
    out = dict(f)
    for monomial, c in g.items():
        out[monomial] = out.get(monomial, Fraction(0)) + factor * c
        if not out[monomial]:
            del out[monomial]
    return out

def times(f: Poly, g: Poly) -> Poly:
    """Return f g."""
    out: Poly = {}
    for a, c in f.items():
        for b, d in g.items():
            both = tuple(map(add, a, b))
            out[both] = out.get(both, Fraction(0)) + c * d
    return {monomial: c for monomial, c in out.items() if c}

def divided(f: Poly, g: Poly) -> Poly | None:
    """Return f / g if that is a polynomial."""
    lead, out = max(g), Poly()
    while f:
        top = max(f)
        monomial = tuple(map(sub, top, lead))
        if min(monomial) < 0:
            return None
        out[monomial] = f[top] / g[lead]
        f = plus(f, {tuple(map(add, m, monomial)): c for m, c in g.items()}, -out[monomial])
    return out

def is_constant(f: Poly) -> bool:
    """Say whether a polynomial is a number other than 0."""
    return len(f) == 1 and not any(next(iter(f)))

# ---- existence: the whole document ---------------------------------------------------------------
def check_existence(document: Any) -> None:
    """Check all answers other than ``unknown``."""
    masks = [read_mask(layer) for layer in document["layers"]]
    need(masks, "there is no layer")
    for below, above in itertools.pairwise(masks):
        need(above.n == len(below.rows), "the layers do not chain")
    need(all(any(mask.rows) for mask in masks), "all entries of a layer are zero")
    biases = None
    if "biases" in document:
        need(len(masks) == 2, "missing biases are for one hidden layer")
        free = [read_mask(layer) for layer in document["biases"]]
        shapes = [(len(mask.rows), mask.n) for mask in free]
        need(shapes == [(1, len(m.rows)) for m in masks], "there is not one bias for each neuron")
        biases = (free[0].rows[0], free[1].rows[0])
    for question, allowed in ANSWERS.items():
        answer, proof = document[question]["answer"], document[question]["proof"]
        if answer == "unknown":
            need(type(proof["reason"]) is str, f"{question}: there is no reason for 'unknown'")
            need(proof.get("rule") is None, f"{question}: a rule proves nothing")
        else:
            need(answer in allowed, f"{question}: {answer!r} is no answer")
    product, function, finite = (document[question] for question in ANSWERS)
    if str(product["proof"].get("reason")).startswith("full dimension"):
        check_full_dimension(masks, product["proof"]["full_dimension"])
    if product["answer"] == "closed":
        check_closed(masks, product["proof"])
    elif product["answer"] == "not_closed":
        check_not_closed(masks, product["proof"])
    if function["answer"] != "unknown":
        need(biases is None, "function: its rules are about free biases")
        check_function(masks, function["answer"], function["proof"], product)
    if finite["answer"] != "unknown":
        check_finite(masks, finite["answer"], finite["proof"], product, biases)

def rectangles(masks: Sequence[Mask]) -> list[Piece]:
    """List neuron, S and T of the neurons of two layers that have both."""
    both = zip(masks[1].columns, masks[0].rows, strict=True)
    return [(k, S, T) for k, (S, T) in enumerate(both) if S and T]

# ---- product set closed: shorten the chain, reduce the pair, check what is left ------------------
def check_closed(masks: list[Mask], proof: Any) -> None:
    """Check that a product set is closed."""
    if len(masks) > 2:
        if proof["rule"] == "Z chain":
            return check_open_chain(masks, proof["factors"])
        chain = list(masks)
        for step in proof["steps"]:
            shorten(chain, step)
        need(len(chain) <= 2, "the steps leave more than two layers")
        return None if len(chain) == 1 else check_closed(chain, proof["last"])
    if proof["rule"] == "one layer":
        return need(len(masks) == 1, "there is more than one layer")
    need(len(masks) == 2 and proof["rule"] in ("P", "reduction"), "there is no such rule")
    if proof["rule"] == "P":
        return check_pairs(rectangles(masks))
    return check_reduction(masks, proof)

def shorten(chain: list[Mask], step: Any) -> None:
    """Take one step: peel a layer off an end, or merge layers that reach all of their product."""
    need(len(chain) > 1, "there is nothing left to shorten")
    kind = step["kind"]
    if kind == "peel":
        bottom = step["end"] == "bottom"
        view = [mask.turned for mask in reversed(chain)] if bottom else chain
        last, under, reach = view[-1], view[-2], support(view[:-1])
        taken = [0] * len(last.rows)
        classes = {(last.columns[k], under.rows[k]): k for k in range(last.n)}
        for (fed, _), k in classes.items():
            for i in places_of(fed):
                need(not taken[i] & reach.rows[k], "the classes of a peeled layer meet")
                taken[i] |= reach.rows[k]
        chain.pop(0 if bottom else -1)
        return
    low, width = integer(step["layer"]), 3 if kind == "LUL" else 2
    need(0 <= low <= len(chain) - width, "a merge names layers that do not exist")
    below, above = chain[low], chain[low + 1]
    merged = boolean_product(above, below)
    n = below.n
    if kind == "LUL":
        lower, upper = [(2 << i) - 1 for i in range(n)], [(1 << n) - (1 << i) for i in range(n)]
        found = [mask.rows for mask in chain[low : low + 3]]
        same = found in ([lower, upper, lower], [upper, lower, upper])
        need(same, "the layers are not alternately lower and upper triangular")
        merged = Mask(n, [(1 << n) - 1] * n)
    elif kind == "identity":
        unit, other = (above, below) if step["unit"] == "above" else (below, above)
        diagonal = all(row >> i & 1 for i, row in enumerate(unit.rows))
        same = unit.n == len(unit.rows) and diagonal and merged == other
        need(same, "a layer is not absorbed by its neighbour")
    else:
        need(kind == "full", "there is no such step")
        inner = step["proof"]
        need(inner["rows"] == list(range(len(above.rows))), "rows are dropped")
        need(inner["columns"] == list(range(n)), "columns are dropped")
        rules = {component["rule"] for component in inner["components"]}
        need(rules <= {"C3", "Z", "C4", "C5", "C6"}, "a component does not fill its space")
        check_reduction([below, above], inner)
    chain[low : low + width] = [merged]

def check_pairs(pieces: list[Piece]) -> None:
    """P: every two rectangles that meet are antinested, or stars in one row or column."""
    for (S, T), (S2, T2) in itertools.combinations({(S, T) for _, S, T in pieces}, 2):
        if S & S2 and T & T2:
            nested = (S | S2 == S2 and T | T2 == T) or (S | S2 == S and T | T2 == T2)
            stars = any(a.bit_count() == b.bit_count() == 1 for a, b in ((S, S2), (T, T2)))
            need(nested or stars, "P: two neurons have a product set that is not closed")

def check_reduction(masks: Sequence[Mask], proof: Any) -> None:
    """Twins are capped, free cells erased; then the components are closed one by one."""
    live = bits(k for k, _, _ in rectangles(masks))
    rows = indices(proof["rows"], len(masks[1].rows))
    columns = indices(proof["columns"], masks[0].n)
    for members, kept in ((masks[1].rows, rows), (masks[0].columns, columns)):
        seen_by = [members[i] & live for i in kept]
        for i in {*range(len(members))} - {*kept}:
            enough = seen_by.count(members[i] & live) >= (members[i] & live).bit_count()
            need(enough or not members[i] & live, "too many twins were dropped")
    inside = bits(columns)
    observed = [inside if i in {*rows} else 0 for i in range(len(masks[1].rows))]
    for step in proof["erasures"]:
        erase(masks, observed, step)
    taken, parts = [0] * len(observed), dict[int, list[Piece]]()
    for component in proof["components"]:
        pieces = [read_piece(masks, observed, value) for value in component["pieces"]]
        mine = [0] * len(observed)
        for k, R, C in pieces:
            meets = any(R & R2 or C & C2 for _, R2, C2 in parts.get(k, ()))
            need(not meets, "two pieces of a neuron meet")
            parts.setdefault(k, []).append((k, R, C))
            for i in places_of(R):
                mine[i] |= C & observed[i]
        need(not any(map(int.__and__, mine, taken)), "two components share a cell")
        taken = list(map(int.__or__, mine, taken))
    for k, S, T in rectangles(masks):
        for i in places_of(S):
            held = sum(C for _, R, C in parts.get(k, ()) if R >> i & 1)
            need(not observed[i] & T & ~held, "a component is missing")
    for component in proof["components"]:
        pieces = [read_piece(masks, observed, value) for value in component["pieces"]]
        need(component["rule"] in LEAVES, f"there is no component rule {component['rule']!r}")
        LEAVES[component["rule"]](pieces, observed, component.get("data", {}), component["pieces"])

def read_piece(masks: Sequence[Mask], observed: list[int], value: Any) -> Piece:
    """Read a part of a neuron that shares no observed row and column with the rest of it."""
    neuron, rows, columns = value
    k = index(neuron, len(masks[0].rows))
    R, C = bits(indices(rows, len(observed))), bits(indices(columns, masks[0].n))
    S, T = masks[1].columns[k], masks[0].rows[k]
    need(R and C and R | S == S and C | T == T, "a piece is empty or leaves its neuron's support")
    tied = any(observed[i] & (T & ~C if R >> i & 1 else C) for i in places_of(S))
    need(not tied, "a piece is tied to the rest of its neuron")
    return k, R, C

def erase(masks: Sequence[Mask], observed: list[int], step: Any) -> None:
    """Erase cells that may take any value: a star, or the free cells of a saturated flag."""
    if step["kind"] == "star":
        _, R, C = read_piece(masks, observed, step["piece"])
        need(R.bit_count() == 1 or C.bit_count() == 1, "a star has several rows and columns")
    else:
        need(step["kind"] == "flag" and step["axis"] in ("rows", "columns"), "no such erasure")
        pieces = [read_piece(masks, observed, value) for value in step["pieces"]]
        along = 1 if step["axis"] == "rows" else 2
        common = {piece[3 - along] for piece in pieces}
        need(len(common) == 1, "the pieces of a flag do not share a side")
        need(len({k for k, _, _ in pieces}) == len(pieces), "a flag repeats a neuron")
        sides = sorted((piece[along] for piece in pieces), key=int.bit_count)
        need(all(a | b == b for a, b in itertools.pairwise(sides)), "a flag is not nested")
        (shared,) = common
        need(len(pieces) >= shared.bit_count(), "a flag is not saturated")
        free = sides[len(sides) - shared.bit_count()]  # what at least |shared| of them hold
        R, C = (free, shared) if along == 1 else (shared, free)
    for i in places_of(R):
        observed[i] &= ~C

# ---- rules that close one component --------------------------------------------------------------
def union(some: Iterable[int]) -> int:
    """Unite sets."""
    return functools.reduce(int.__or__, some, 0)

def need_observed(pieces: list[Piece], observed: list[int]) -> None:
    """All cells of the rectangles are observed."""
    fine = all(observed[i] & C == C for _, R, C in pieces for i in places_of(R))
    need(fine, "a cell of a rectangle is not observed")

def leaf_pairs(pieces: list[Piece], observed: list[int], data: Any, raw: Any) -> None:
    """P: see `check_pairs`."""
    need_observed(pieces, observed)
    check_pairs(pieces)

def leaf_deficits(pieces: list[Piece], observed: list[int], data: Any, raw: Any) -> None:
    """C7: the t-th smallest number of rows and columns that a piece lacks is below t."""
    R, C = union(p[1] for p in pieces), union(p[2] for p in pieces)
    need_observed([(0, R, C)], observed)
    size = R.bit_count() + C.bit_count()
    lacking = sorted(size - r.bit_count() - c.bit_count() for _, r, c in pieces)
    need(all(d <= t for t, d in enumerate(lacking)), "C7: the deficits are too large")

def leaf_open(pieces: list[Piece], observed: list[int], data: Any, raw: Any) -> None:
    """C3, Z: where the product is 0 its derivative is onto; in C3 one side of each piece is 0."""
    us, vs = data.get("u"), data.get("v")
    if "fixed" in data:
        need(all(side in ("u", "v") for side, _ in data["fixed"]), "C3: there is no such side")
        us, vs = ([x if held == side else [0] * len(piece[place])
                   for (held, x), piece in zip(data["fixed"], raw, strict=True)]
                  for side, place in (("u", 1), ("v", 2)))
    lower, upper = dict[Cell, int](), dict[Cell, int]()
    for q, ((_, rows, columns), u, v) in enumerate(zip(raw, us, vs, strict=True)):
        upper |= {(i, q): integer(x) for i, x in zip(rows, u, strict=True)}
        lower |= {(q, j): integer(x) for j, x in zip(columns, v, strict=True)}
    cells = {(i, j) for _, R, C in pieces for i in places_of(R) for j in places_of(C & observed[i])}
    check_open([lower, upper], sorted(cells))

def check_open(layers: list[dict[Cell, int]], cells: list[Cell]) -> None:
    """Z: the product of the layers is 0 in some cells, and its derivative is onto them."""
    size = 1 + max((max(cell) for layer in layers for cell in layer), default=0)
    below, above = [{(a, a): 1 for a in range(size)}], [{(a, a): 1 for a in range(size)}]
    for layer in layers:
        below.append(multiplied(layer, below[-1]))
    for layer in reversed(layers):
        above.insert(0, multiplied(above[0], layer))
    need(not any(below[-1].get(cell) for cell in cells), "Z: the product is not zero")
    def images(level: int, left: list[Cell]) -> list[dict[int, int]]:
        """What the entries of a layer add to the product, on the cells that are left."""
        top, bottom = above[level + 1], below[level]
        return [{number: top.get((i, a), 0) * bottom.get((b, j), 0)
                 for number, (i, j) in enumerate(left)} for a, b in layers[level]]
    for level, side in ((0, 1), (-1, 0)):  # leave out what a line of an outer layer reaches alone
        level %= len(layers)
        for line in {cell[side] for cell in cells}:
            mine = [cell for cell in cells if cell[side] == line]
            if rank(images(level, mine), PRIME) == len(mine):
                cells = [cell for cell in cells if cell[side] != line]
    every = [image for level in range(len(layers)) for image in images(level, cells)]
    need(rank(every, PRIME) == len(cells), "Z: the derivative is not onto")

def multiplied(a: dict[Cell, int], b: dict[Cell, int]) -> dict[Cell, int]:
    """Multiply sparse matrices of integers."""
    lines: dict[int, list[tuple[int, int]]] = {}
    for (k, j), x in b.items():
        lines.setdefault(k, []).append((j, x))
    out: dict[Cell, int] = {}
    for (i, k), x in a.items():
        for j, y in lines.get(k, ()):
            out[i, j] = out.get((i, j), 0) + x * y
    return out

def leaf_row_basis(pieces: list[Piece], observed: list[int], data: Any, raw: Any) -> None:
    """C4: all rows but one lie in every piece, and every 0/1 special row has a basis around it."""
    need_observed(pieces, observed)
    a, b = (2, 1) if data.get("transpose") else (1, 2)
    special = index(data["row"], 100_000)
    others = union(p[a] for p in pieces) & ~(1 << special)
    need(all(others & ~p[a] == 0 for p in pieces), "C4: a row is not in every piece")
    inside = [q for q, p in enumerate(pieces) if p[a] >> special & 1]
    allowed, width = union(pieces[q][b] for q in inside), union(p[b] for p in pieces).bit_count()
    table = {tuple(sorted(key)): value for key, value in data["table"]}
    for size in range(allowed.bit_count() + 1):
        for support in itertools.combinations(places_of(allowed), size):
            need(support in table, "C4: a support of the special row is missing")
            vectors = [dict(zip(piece[b], map(fraction, entries), strict=True))
                       for piece, entries in zip(raw, table[support], strict=True)]
            span, rho = [vectors[q] for q in inside], dict.fromkeys(support, Fraction(1))
            need(rank(vectors) == width, "C4: the vectors do not span")
            need(rank([*span, rho]) == rank(span), "C4: the special row is not in its span")

# pieces as (rows, columns), and the erased cells
TABLE: dict[str, tuple[list[tuple[list[int], list[int]]], list[Cell]]] = {
    "F-a": ([([0, 1], [0, 1]), ([0, 1], [0, 2])], [(1, 2)]),
    "F-d": ([([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 1, 2], [0, 1, 2])], []),
    "F-f": ([([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 2], [0, 2])], []),
}

def leaf_table(pieces: list[Piece], observed: list[int], data: Any, raw: Any) -> None:
    """C5: one of three components that were constructed by hand."""
    shape, erased = TABLE[data["name"]]
    turn = -1 if data.get("transpose") else 1
    rows, columns = (indices(data[side], 100_000) for side in ("rows", "columns"))
    wanted = sorted((bits(rows[i] for i in R), bits(columns[j] for j in C)) for R, C in shape)
    need(wanted == sorted(p[1:][::turn] for p in pieces), "C5: the component is another one")
    holes = {(i, j) for _, R, C in pieces for i in places_of(R)
             for j in places_of(C & ~observed[i])}
    named = {(rows[i], columns[j])[::turn] for i, j in erased}
    need(holes == named, "C5: the erased cells are others")

class Filling:
    """C6: formulas for factors of every matrix, by cases of what is zero in it.

    A value is (top, factors): a polynomial in the cells and in free parameters t, divided by
    factors that vanish nowhere in this case, or only for t on a proper algebraic subset.
    """

    def __init__(self, pieces: list[Piece], observed: list[int], tree: Any) -> None:
        self.pieces = pieces
        self.names = sorted({(i, j) for _, R, C in pieces for i in places_of(R)
                             for j in places_of(C & observed[i])})
        self.size = len(self.names) + 24
        self.one, self.units = self.number(1), list[Poly]()
        self.check(tree, {c: (self.letter(q), []) for q, c in enumerate(self.names)}, [])

    def letter(self, place: int) -> Poly:
        """Return a variable: a cell, or after all cells a parameter."""
        return {tuple(int(q == place) for q in range(self.size)): Fraction(1)}

    def number(self, value: int | Fraction) -> Poly:
        """Return a constant."""
        return {(0,) * self.size: Fraction(value)} if value else {}

    def value(self, top: Poly, factors: list[Poly]) -> Value:
        """Cancel the factors that divide the top."""
        kept = []
        for factor in factors:
            quotient = divided(top, factor)
            kept += [factor] if quotient is None else []
            top = top if quotient is None else quotient
        return top, kept if top else []

    def plus(self, x: Value, y: Value, sign: int) -> Value:
        """Return x + y or x - y."""
        mine, yours = list(x[1]), []
        for factor in y[1]:
            mine.remove(factor) if factor in mine else yours.append(factor)
        tops = functools.reduce(times, yours, x[0]), functools.reduce(times, mine, y[0])
        return self.value(plus(*tops, sign), x[1] + yours)

    def over(self, top: Poly, factors: list[Poly], by: Poly) -> Value:
        """Divide by a polynomial, split into factors that are known as far as possible."""
        found: list[Poly] = []
        for factor in [*self.units, *factors, *map(self.letter, range(self.size))]:
            while by and not is_constant(factor) and (left := divided(by, factor)) is not None:
                found, by = [*found, factor], left
        if not is_constant(by):
            return self.value(top, [*factors, *found, by])
        return self.value(plus({}, top, 1 / next(iter(by.values()))), [*factors, *found])

    def is_unit(self, f: Poly, units: list[Poly]) -> bool:
        """Say whether a polynomial is a number times things that are not zero."""
        for unit in units:
            while f and not is_constant(unit) and (left := divided(f, unit)) is not None:
                f = left
        return is_constant(f)

    def put(self, x: Value, place: int, by: Value) -> Value:
        """Put a value in the place of a variable."""
        out = []
        for f in (x[0], functools.reduce(times, x[1], self.one)):
            total: Value = ({}, [])
            for monomial, c in f.items():
                term: Value = ({(*monomial[:place], 0, *monomial[place + 1 :]): c}, [])
                for _ in range(monomial[place]):
                    term = self.value(times(term[0], by[0]), term[1] + by[1])
                total = self.plus(total, term, 1)
            out.append(total)
        need(out[1][0], "C6: a denominator vanishes")
        raised = functools.reduce(times, out[1][1], out[0][0])
        return self.over(raised, out[0][1], out[1][0])

    def check(self, tree: Any, cells: dict[Cell, Value], units: list[Poly]) -> None:
        """Check a case: formulas, or "a polynomial in the cells is zero, or it is not"."""
        self.units = units
        if "fill" in tree:
            return self.fill(tree["fill"], cells, units)
        condition: Poly = {}
        for coefficient, powers in tree["condition"]:
            term = self.number(fraction(coefficient))
            for i, j, power in powers:
                for _ in range(1 + index(integer(power) - 1, 64)):
                    term = times(term, self.letter(self.names.index((i, j))))
            condition = plus(condition, term)
        place = self.names.index((integer(tree["cell"][0]), integer(tree["cell"][1])))
        alpha = {m: c for m, c in condition.items() if m[place]}
        need(all(m[place] == 1 for m in alpha), "C6: a condition is not linear in its cell")
        beta = {m: c for m, c in condition.items() if not m[place]}
        alpha = {(*m[:place], 0, *m[place + 1 :]): c for m, c in alpha.items()}
        need(self.is_unit(alpha, units), "C6: a condition cannot be solved for its cell")
        by = self.over(plus({}, beta, -1), [], alpha)
        left = [self.put((unit, []), place, by)[0] for unit in units]
        if all(left):  # else the case is empty
            zero = {cell: self.put(x, place, by) for cell, x in cells.items()}
            self.check(tree["zero"], zero, left)
        self.check(tree["nonzero"], cells, [*units, condition])

    def fill(self, steps: Any, cells: dict[Cell, Value], units: list[Poly]) -> None:
        """Run the steps that compute all factors, and compare their product with the cells."""
        known: dict[tuple[str, int, int], Value] = {}
        def rest(cell: Cell, without: int) -> Value:
            total = cells[cell]
            for q, (_, R, C) in enumerate(self.pieces):
                if q != without and R >> cell[0] & 1 and C >> cell[1] & 1:
                    u, v = known.get(("u", q, cell[0])), known.get(("v", q, cell[1]))
                    if (u is None or u[0]) and (v is None or v[0]):  # else the product is 0
                        need(u and v, "C6: a product is not known")
                        assert u is not None
                        assert v is not None
                        total = self.plus(total, self.value(times(u[0], v[0]), u[1] + v[1]), -1)
            return total
        for kind, side, q, place, argument in steps:
            piece = self.pieces[index(q, len(self.pieces))]
            need(side in ("u", "v") and piece[1 + (side == "v")] >> index(place, 100_000) & 1
                 and (side, q, place) not in known, "C6: no such entry, or it is set twice")
            if kind == "set":
                top = (self.letter(len(self.names) + index(int(argument.removeprefix("t")), 24))
                       if type(argument) is str else self.number(integer(argument)))
                known[side, q, place] = top, []
                continue
            i, j = integer(argument[0]), integer(argument[1])
            need(kind == "solve" and (i, j) in cells and piece[1] >> i & 1 and piece[2] >> j & 1
                 and place == (i if side == "u" else j), "C6: no such step")
            top, factors = known.get(("v", q, j) if side == "u" else ("u", q, i), ({}, []))
            parts: dict[tuple[int, ...], Poly] = {}  # by the monomials in the parameters
            split = len(self.names)
            for m, c in top.items():
                inner = (*m[:split], *(0,) * (self.size - split))
                parts.setdefault(m[split:], {})[inner] = c
            fine = any(self.is_unit(part, units) for part in parts.values())
            need(fine, "C6: a formula may divide by zero")
            wanted, under = rest((i, j), q)
            known[side, q, place] = self.over(
                functools.reduce(times, factors, wanted), under, top)
        need(not any(rest(cell, -1)[0] for cell in cells), "C6: the factors do not produce A")

LEAVES = {"P": leaf_pairs, "C3": leaf_open, "Z": leaf_open, "C4": leaf_row_basis, "C5": leaf_table,
          "C6": lambda pieces, observed, data, raw: Filling(pieces, observed, data["tree"]),
          "C7": leaf_deficits}

def check_open_chain(masks: list[Mask], factors: Any) -> None:
    """Z for chains: integer factors on the masks, each as the list of its entries."""
    layers = []
    for mask, values in zip(masks, factors, strict=True):
        cells = [(i, j) for i, row in enumerate(mask.rows) for j in places_of(row)]
        layers.append({cell: integer(x) for cell, x in zip(cells, values, strict=True)})
    whole = support(masks)
    check_open(layers, [(i, j) for i, row in enumerate(whole.rows) for j in places_of(row)])

def check_full_dimension(masks: list[Mask], proof: Any) -> None:
    """Every row has a neuron of its own, and some V spans what that leaves: no null set."""
    need(len(masks) == 2, "full dimension: two layers are needed")
    lower, upper = masks if not proof["transposed"] else [mask.turned for mask in reversed(masks)]
    reached = [(i, row) for i, row in enumerate(boolean_product(upper, lower).rows) if row]
    neurons, draw = indices(proof["neurons"], len(lower.rows)), random.Random(0)
    V = [{j: draw.randrange(1, PRIME) for j in places_of(row)} for row in lower.rows]
    for (i, row), k in zip(reached, neurons, strict=True):
        need(upper.rows[i] >> k & 1, "full dimension: a neuron does not feed its row")
        left = row & ~lower.rows[k]
        lines = ({j: x for j, x in V[q].items() if left >> j & 1} for q in places_of(upper.rows[i]))
        need(rank(lines, PRIME) == left.bit_count(), "full dimension: a row is not spanned")

# ---- product set not closed: a curve of members, and its limit that is none ----------------------
def check_not_closed(masks: Sequence[Mask], proof: Any) -> None:
    """Check a curve of factors and the refutation of its limit."""
    check_refutation(masks, check_curve(masks, proof), proof["refutation"])

def check_curve(masks: Sequence[Mask], proof: Any) -> dict[Cell, Fraction]:
    """The factors stay on the masks, and their product tends to the limit."""
    layers = [laurent_matrix(layer) for layer in proof["curve"]]
    product: dict[Cell, Poly] = {(j, j): {(0,): Fraction(1)} for j in range(masks[0].n)}
    for layer, mask in zip(layers, masks, strict=True):
        below, product = product, {}
        lines: dict[int, list[tuple[int, Poly]]] = {}
        for (k, j), entry in below.items():
            lines.setdefault(k, []).append((j, entry))
        for (i, k), entry in layer.items():
            on = i < len(mask.rows) and mask.rows[i] >> k & 1
            need(on, "the curve leaves the mask of a layer")
            for j, under in lines.get(k, ()):
                product[i, j] = plus(product.get((i, j), {}), times(entry, under))
    need(all(p >= 0 for e in product.values() for (p,) in e), "the curve does not stay bounded")
    found = {cell: entry[0,] for cell, entry in product.items() if (0,) in entry}
    limit = {c: e.get((0,), Fraction(0)) for c, e in laurent_matrix(proof["limit"]).items()}
    need(found == limit, "the product of the curve does not converge to the limit")
    return limit

def check_refutation(masks: Sequence[Mask], limit: dict[Cell, Fraction], proof: Any) -> None:
    """The limit is no product: of the layers below and above a cut, merged into two masks."""
    cut = integer(proof.get("cut", 1))
    need(1 <= cut < len(masks), "the refutation cuts the chain outside")
    lower, upper = support(masks[:cut]), support(masks[cut:])
    rows, columns = indices(proof["rows"], len(upper.rows)), indices(proof["columns"], lower.n)
    inside, seen = bits(columns), bits(rows)
    supports = {k: (places_of(S & seen), places_of(T & inside))
                for k, S, T in rectangles([lower, upper]) if S & seen and T & inside}
    if "useless" in proof:
        k = index(proof["useless"], len(lower.rows))
        need(k in supports, "X: the neuron does not see the window")
        cells = [c for c, x in limit.items() if x and c[0] in rows and c[1] in columns]
        met = [sorted(x) for x in zip(*cells, strict=True)]
        fine = met == [sorted(rows), sorted(columns)] and len(supports) <= len(rows)
        need(fine, "X: the limit is no permutation of the window, or too many neurons see it")
        use = any(upper.rows[i] >> k & 1 and lower.rows[k] >> j & 1 for i, j in cells)
        return need(not use, "X: the neuron is of use in a cell")
    listed = proof.get("cells")
    window = list(itertools.product(rows, columns))
    used = window if listed is None else sorted({(integer(i), integer(j)) for i, j in listed})
    need({*used} <= {*window}, "a cell of the refutation lies outside its window")
    target = {cell: limit.get(cell, Fraction(0)) for cell in used}
    return Membership(target, supports).refute({}, proof["tree"])

class Contradiction(Exception):
    """The equations of a case have no solution."""

Known = dict[tuple[Any, int, int], Any]  # ("u", i, k), ("v", k, j): zero (0) or not (1)
# and (k, i, j): the value of the product u_ik v_kj

class Membership:
    """The equations sum_k u_ik v_kj = A_ij on some cells, refuted by cases."""

    def __init__(self, cells: dict[Cell, Fraction],
                 supports: dict[int, tuple[list[int], list[int]]]) -> None:
        self.cells, self.supports = cells, supports
        self.at = {(i, j): [k for k, (S, T) in supports.items() if i in S and j in T]
                   for i, j in cells}
        self.products = [(k, i, j) for k, (S, T) in supports.items() for i in S for j in T]

    def propagate(self, known: Known) -> None:
        """Draw all simple consequences."""
        def put(key: tuple[Any, int, int], value: Any) -> None:
            if known.setdefault(key, value) != value:
                raise Contradiction
        size = -1
        while size != len(known):
            size = len(known)
            for k, i, j in self.products:
                u, v, value = ("u", i, k), ("v", k, j), known.get((k, i, j))
                if known.get(u) == 0 or known.get(v) == 0:
                    put((k, i, j), 0)
                elif value:  # a nonzero product has nonzero factors
                    put(u, 1)
                    put(v, 1)
                elif value == 0 and (known.get(u) or known.get(v)):
                    put(v if known.get(u) else u, 0)
            for (i, j), target in self.cells.items():
                rest = target - sum(known.get((k, i, j), 0) for k in self.at[i, j])
                missing = [k for k in self.at[i, j] if (k, i, j) not in known]
                if len(missing) == 1:
                    put((missing[0], i, j), rest)
                elif rest and not missing:
                    raise Contradiction
            for k, (S, T) in self.supports.items():
                for i, i2 in itertools.combinations(S, 2):
                    pairs = [(known.get((k, i, j)), known.get((k, i2, j)), j) for j in T]
                    ratio = next(((x, y) for x, y, _ in pairs
                                  if None not in (x, y) and (x or y)), None)
                    for x, y, j in pairs if ratio else ():
                        p, q = ratio or (None, None)
                        for mine, other, a, b in ((x, i2, p, q), (y, i, q, p)):
                            if mine is not None and a:
                                put((k, other, j), Fraction(mine * b) / a)
                            elif mine:
                                raise Contradiction

    def refute(self, known: Known, tree: Any) -> None:
        """Check a tree of case distinctions: an entry is zero, or it is not."""
        try:
            self.propagate(known)
        except Contradiction:
            return
        need(tree is not None, "a case of the refutation ends without a contradiction")
        if tree[0] == "solve":
            return need(self.no_common_zero(known), "the equations of a case do not generate 1")
        if tree[0] == "rank":
            return need(self.exceeds_rank(known, *tree[1:]), "the rank of a window is small enough")
        kind, a, b, *branches = tree
        need(kind in ("u", "v") and len(branches) == 2, "there is no such leaf")
        for sign, branch in enumerate(branches):
            if known.get((kind, a, b), sign) == sign:
                self.refute({**known, (kind, a, b): sign}, branch)

    def exceeds_rank(self, known: Known, rows: Any, columns: Any, neurons: Any) -> bool:
        """Some neurons cannot make a window whose determinant is not 0 and needs no free cell."""
        size = len(rows)
        if not len({*rows}) == len({*columns}) == size == len({*neurons}) + 1 <= 5:
            return False
        entry: dict[Cell, Fraction | None] = {}
        for i, j in itertools.product(rows, columns):
            others: list[Any] = [known.get((k, i, j)) for k in self.at.get((i, j), ())
                                 if k not in neurons]
            free = (i, j) not in self.cells or None in others
            entry[i, j] = None if free else self.cells[i, j] - sum(others)
        determinant: dict[frozenset[Cell], Fraction] = {}
        for order in itertools.permutations(range(size)):
            term = Fraction((-1) ** sum(a > b for a, b in itertools.combinations(order, 2)))
            cells = [(i, columns[q]) for i, q in zip(rows, order, strict=True)]
            for cell in cells:
                term *= 1 if entry[cell] is None else entry[cell]  # type: ignore[operator]
            unknown = frozenset(cell for cell in cells if entry[cell] is None)
            determinant[unknown] = determinant.get(unknown, Fraction(0)) + term
        return bool(determinant.pop(frozenset(), 0)) and not any(determinant.values())

    def no_common_zero(self, known: Known) -> bool:
        """The equations generate 1: a Groebner basis, given up beyond 300 polynomials."""
        entries = sorted({e for k, i, j in self.products for e in (("u", i, k), ("v", k, j))})
        entries = [e for e in entries if known.get(e) != 0]
        inverse = [e for e in entries if known.get(e) == 1]
        size = 1 + len(entries) + len(inverse)  # the first exponent is the total degree
        def monomial(*places: int) -> tuple[int, ...]:
            return (len(places), *(places.count(q) for q in range(size - 1)))
        def product(k: int, i: int, j: int) -> Poly:
            both = [("u", i, k), ("v", k, j)]
            fine = all(e in entries for e in both)
            return {monomial(*map(entries.index, both)): Fraction(1)} if fine else {}
        one = monomial()
        basis: list[Poly] = []
        waiting = [{monomial(entries.index(e), len(entries) + q): Fraction(1), one: Fraction(-1)}
                   for q, e in enumerate(inverse)]
        for (i, j), target in self.cells.items():
            total: Poly = {one: -target} if target else {}
            for k in self.at[i, j]:
                total = plus(total, product(k, i, j))
            waiting.append(total)
        waiting += [plus(product(*key), {one: Fraction(-x)} if x else {})
                    for key, x in known.items() if key[0] not in ("u", "v")]
        while waiting and len(basis) < 300:
            waiting.sort(key=lambda f: max(f, default=one), reverse=True)
            f = remainder(waiting.pop(), basis)
            if is_constant(f):
                return True
            for g in basis if f else ():
                a, b = max(f), max(g)
                lcm = tuple(map(max, a, b))
                if lcm[1:] != tuple(map(add, a, b))[1:]:
                    shift = [(sum(lcm[1:]) - m[0], *map(sub, lcm[1:], m[1:])) for m in (a, b)]
                    first, second = (times(h, {s: 1 / h[max(h)]})
                                     for h, s in zip((f, g), shift, strict=True))
                    waiting.append(plus(first, second, -1))
            basis += [f] if f else []
        return False

def remainder(f: Poly, basis: list[Poly]) -> Poly:
    """Reduce the leading terms of a polynomial."""
    while f:
        top = max(f)
        for g in basis:
            lead = max(g)
            shift = tuple(map(sub, top, lead))
            if min(shift) >= 0:
                f = plus(f, times(g, {shift: f[top] / g[lead]}), -1)
                break
        else:
            return f
    return f

# ---- the set of network functions ----------------------------------------------------------------
def restricted(masks: Sequence[Mask], neurons: Iterable[int]) -> list[Mask]:
    """Keep some neurons of two layers; the others become idle."""
    keep = bits(neurons)
    low = [row if keep >> k & 1 else 0 for k, row in enumerate(masks[0].rows)]
    return [Mask(masks[0].n, low), Mask(masks[1].n, [row & keep for row in masks[1].rows])]

def check_function(masks: list[Mask], answer: str, proof: Any, product: Any) -> None:
    """Check an answer about the set of network functions."""
    rule = proof["rule"], answer
    live = rectangles(masks) if len(masks) == 2 else []
    if rule == ("B1", "not_closed"):
        return need(product["answer"] == "not_closed", "B1: the product set is not not_closed")
    if rule == ("no hidden layer", "closed"):
        return need(len(masks) == 1, "there is a hidden layer")
    if rule == ("paths", "closed"):
        return check_trees(masks, paths=True)
    need(len(masks) == 2, "the rule needs one hidden layer")
    if rule == ("B2", "closed"):
        return check_pairs(live)
    if rule == ("B4", "not_closed"):
        return check_kinks(masks, proof)
    if rule == ("B6", "not_closed"):
        return check_open_pair(masks, proof)
    if rule == ("B5", "closed"):
        (a, b), (c, d), (s, t) = sorted(((S, T) for _, S, T in live),
                                        key=lambda r: r[0].bit_count() * r[1].bit_count())
        sizes = [x.bit_count() for x in (a, b, c, d, s, t)]
        return need(sizes == [1, 1, 1, 1, 2, 2] and (a | c, b | d) == (s, t), "B5: another pattern")
    need(rule[0] == "outputs", "the rule does not prove the answer")
    groups: list[tuple[int, set[int]]] = []
    for k, S, _ in live:
        met = [group for group in groups if group[0] & S]
        whole = (S | union(g[0] for g in met), {k}.union(*(g[1] for g in met)))
        groups = [*(group for group in groups if group not in met), whole]
    named = [indices(part["neurons"], len(masks[0].rows)) for part in proof["parts"]]
    sets, split = sorted(map(sorted, named)), sorted(sorted(g[1]) for g in groups)
    complete = sets == split if answer == "closed" else len(sets) == 1 and sets[0] in split
    need(complete, "the parts are not the groups of neurons that share outputs")
    for neurons, part in zip(named, proof["parts"], strict=True):
        need(part["proof"]["rule"] not in ("outputs", "B1"), "a part has a rule of the whole")
        check_function(restricted(masks, neurons), answer, part["proof"], {})

def vector(entries: Any, support: int) -> dict[int, Fraction]:
    """Read a sparse vector on a support."""
    out: dict[int, Fraction] = {}
    for place, value in entries:
        fine = support >> index(place, 100_000) & 1 and place not in out
        need(fine and fraction(value), "a vector leaves its support, repeats a place or holds a 0")
        out[place] = fraction(value)
    return out

def check_kinks(masks: list[Mask], proof: Any) -> None:
    """B4: a limit and kinks; whoever carries the kinks, the others cannot make the slope left."""
    live = rectangles(masks)
    need(len(live) <= 8, "B4: there are too many neurons")
    subset = indices(proof["subset"], len(masks[0].rows))
    need({*subset} <= {k for k, _, _ in live}, "B4: a neuron of the subset is idle")
    limit = check_curve(restricted(masks, subset), proof)
    kinks, named = [], [*subset]
    for kink in proof["kinks"]:
        k = index(kink["neuron"], len(masks[0].rows))
        kinks.append((vector(kink["p"], masks[1].columns[k]), vector(kink["w"], masks[0].rows[k])))
        named.append(k)
    need(all(p and w for p, w in kinks) and len({*named}) == len(named), "B4: a kink is 0 or taken")
    cases = {tuple((integer(k), integer(c), r is True) for k, c, r in case["carriers"]): case
             for case in proof["cases"]}
    options: list[list[tuple[int, int, bool] | None]] = [
        [None, *((k, c, turned) for c, (_, w) in enumerate(kinks) if not bits(w) & ~T
                 for turned in (False, True))] for k, _, T in live]
    some = False
    for choice in itertools.product(*options):
        carriers = tuple(c for c in choice if c is not None)
        reach = {(q, turned): union(masks[1].columns[k] for k, c, t in carriers
                                    if (c, t) == (q, turned))
                 for q in range(len(kinks)) for turned in (False, True)}
        if any(bits(p) & ~(reach[q, False] | reach[q, True]) for q, (p, _) in enumerate(kinks)):
            continue
        some = True
        need(carriers in cases, "B4: a choice of carriers is not refuted")
        lower, upper = restricted(
            masks, {*range(len(masks[0].rows))} - {k for k, _, _ in carriers})
        target = dict(limit)
        for q, (p, w) in enumerate(kinks):
            for i in places_of(reach[q, True] & ~reach[q, False]):
                for j, x in w.items():
                    target[i, j] = target.get((i, j), Fraction(0)) + p.get(i, 0) * x
            if both := reach[q, True] & reach[q, False]:  # one more neuron stands for a free share
                upper = Mask(upper.n + 1, [row | (both >> i & 1) << upper.n
                                           for i, row in enumerate(upper.rows)])
                lower = Mask(lower.n, [*lower.rows, bits(w)])
        check_refutation([lower, upper], target, cases[carriers]["refutation"])
    need(some, "B4: nothing carries the kinks, so nothing is refuted")

def unit_vectors(a: dict[int, Fraction], b: dict[int, Fraction]) -> int:
    """The unit vectors in the span of two independent vectors."""
    ratios: dict[Any, list[int]] = {}
    for i in {*a, *b}:
        ratios.setdefault(b.get(i, Fraction(0)) / a[i] if i in a else None, []).append(i)
    need(len(ratios) > 1, "B6: the limit of the pair has rank below two")
    alone = [places[0] for places in ratios.values() if len(places) == 1]
    return bits(alone) if len(ratios) == 2 else 0

def check_open_pair(masks: list[Mask], proof: Any) -> None:
    """B6: a limit of two neurons that is no product of them, and no other neuron can hide."""
    pair = indices(proof["neurons"], len(masks[0].rows))
    need(len(pair) == 2, "B6: the pair is not two neurons")
    S, T = [masks[1].columns[k] for k in pair], [masks[0].rows[k] for k in pair]
    p, x = vector(proof["p"], S[0] & S[1]), vector(proof["x"], S[0] | S[1])
    q, y = vector(proof["q"], T[0] & T[1]), vector(proof["y"], T[0] | T[1])
    rows, columns = unit_vectors(p, x), unit_vectors(q, y)
    tall, wide = [bits(x) & ~s != 0 for s in S], [bits(y) & ~t != 0 for t in T]
    no_member = all(tall) or all(wide) or any(a and b for a, b in zip(tall, wide, strict=True))
    need(no_member, "B6: the limit of the pair is a product of it")
    for k, s, t in rectangles(masks):
        inside = all((t & ~union(T[m] for m in (0, 1) if S[m] >> i & 1)) == 0 for i in places_of(s))
        fine = t & ~columns and (s & ~rows or not inside)
        need(k in pair or fine, "B6: another neuron may hide its kink")

# ---- finite data ---------------------------------------------------------------------------------
def check_finite(masks: list[Mask], answer: str, proof: Any, product: Any,
                 biases: tuple[int, int] | None) -> None:
    """Check an answer about optima on finite data sets."""
    rule = proof["rule"]
    if rule == "no hidden layer":
        return need(len(masks) == 1 and answer == "always", "there is a hidden layer")
    if rule == "clusters":
        need(len(masks) > 2 and answer == "not_always", "clusters: one hidden layer is Theorem F's")
        return check_clusters(masks, proof, product)
    if rule == "trees":
        need(answer == "always", "trees: the answer is another one")
        return check_trees(masks, paths=False)
    need(len(masks) == 2, "the rule needs one hidden layer")
    live, m = rectangles(masks), len(masks[1].rows)
    hidden, constant = biases if biases else (-1, -1)
    constant |= union(S for k, S in enumerate(masks[1].columns)
                      if not masks[0].rows[k] and hidden >> k & 1)
    fixed = {k: S for k, S, T in live if T.bit_count() == 1 and not hidden >> k & 1}
    movable = {k: S for k, S, _ in live if k not in fixed}
    clash = any(S & S2 and (S | S2).bit_count() > 1
                for S, S2 in itertools.combinations(movable.values(), 2))
    if answer == "always":
        need(rule == "Theorem F" and not clash, "two neurons share an output and feed another one")
        for S in movable.values():
            for kind in (constant, *fixed.values()):
                need(S.bit_count() == 1 or S & kind in (0, S), "the outputs of a neuron differ")
        return None
    if rule == "output biases":
        k, i0, i1 = (index(proof[name], size) for name, size in (
            ("neuron", masks[1].n), ("constant", m), ("other", m)))
        columns = indices(proof["columns"], masks[0].n)
        need(biases and k in movable and movable[k] >> i0 & movable[k] >> i1 & 1, "no such neuron")
        need(constant >> i0 & ~constant >> i1 & 1, "not one output with constants and one without")
        seen = bits(columns)
        need(len(columns) == (1 if hidden >> k & 1 else 2) and not seen & ~masks[0].rows[k],
             "the inputs that move are not one, or two for a neuron without bias")
        for q, S, T in live:
            free = q == k or not (S >> i0 | S >> i1) & 1 or (q in fixed and not T & seen)
            need(free, "another neuron feeds one of the two outputs")
        return None
    need(rule == "Theorem F", "there is no such rule")
    k, l = indices(proof["neurons"], masks[1].n)  # noqa: E741
    i0, i1 = indices([proof["row_shared"], proof["row_other"]], m)
    rest = [(index(q, masks[1].n), index(i, m)) for q, i in proof["row_of"]]
    same = sorted([k, l, *(q for q, _ in rest)]) == sorted(movable)
    need(same, "the neurons are not the live ones, each once")
    fed = [(k, i0), (l, i0), (k, i1), *rest]
    return need(all(masks[1].rows[i] >> q & 1 for q, i in fed), "a neuron does not feed its row")

def check_trees(masks: list[Mask], *, paths: bool) -> None:
    """Trees: live neurons feed one neuron, outputs as in Theorem F; paths: nothing sees two."""
    need(len(masks) > 2, "trees and paths: there is one hidden layer")
    fed, wanted = [(1 << masks[0].n) - 1], [(1 << len(masks[-1].rows)) - 1]
    for mask in masks[:-1]:
        fed.append(bits(k for k, row in enumerate(mask.rows) if row & fed[-1]))
    for mask in reversed(masks[1:]):
        wanted.insert(0, union(mask.rows[i] for i in places_of(wanted[0])))
    kept = [fed[0], *(a & b for a, b in zip(fed[1:], wanted, strict=False)), wanted[-1]]
    live = [Mask(mask.n, [row & below if above >> i & 1 else 0 for i, row in enumerate(mask.rows)])
            for mask, below, above in zip(masks, kept, kept[1:], strict=False)]
    for layer in live[1:-1]:
        need(all(c.bit_count() < 2 for c in layer.columns), "a neuron feeds two neurons")
    last = [S for S in live[-1].columns if S]
    for S, S2 in itertools.combinations(last, 2):
        need(not S & S2 or (S | S2).bit_count() == 1, "two neurons share an output")
    seen = (row.bit_count() for layer in live[1:] for row in layer.rows)
    need(not paths or max(seen) < 2, "paths: a neuron or an output sees two neurons")

def check_clusters(masks: list[Mask], proof: Any, product: Any) -> None:
    """A matrix that is no product, on so many clusters that the network is affine on one."""
    need(product["answer"] == "not_closed", "clusters: the product set is not proved not closed")
    columns = product["proof"]["refutation"]["columns"]
    need(sorted(proof["columns"]) == sorted(columns), "clusters: the window is another one")
    wanted = [(1 << len(masks[-1].rows)) - 1]
    for mask in reversed(masks[1:]):
        wanted.insert(0, union(mask.rows[i] for i in places_of(wanted[0])))
    sees, regions, hyperplanes, n = bits(columns), 1, 0, len(columns)
    for mask, seen in zip(masks[:-1], wanted, strict=False):
        sees = bits(k for k, row in enumerate(mask.rows) if row & sees) & seen
        r = sees.bit_count()
        hyperplanes += r * regions
        regions *= sum(math.comb(r, j) for j in range(min(n, r) + 1))
    need(proof["clusters"] == n * hyperplanes + 1, "clusters: their number is wrong")

# ---- convex programs -----------------------------------------------------------------------------
def check_convex(document: Any) -> None:
    r"""Check what the network attains, and the lower bound.

    The program is min 1/2 |f(X) - y|^2 + lam sum |u| over networks f(x) = sum s (x'u)_+, s = 1 or
    -1, of which each neuron is active on rows of one pattern D_i and on no others: (2 D_i - I) X u
    >= 0; or over gated networks, f(X) = sum D_i X u. For every nu with |s X'D_i nu + sum_j rho_j
    (2 D_i - I)_jj x_j| <= lam, rho >= 0 (no rho where gated), f is at least y'nu - 1/2 |nu|^2:
    nu'f(X) <= lam sum |u|. A nu that is too long is shortened.
    """
    attained, bound = convex_values(document)
    claimed, below = number(document["objective"]), number(document["lower_bound"])
    need(attained <= claimed, f"the network attains no less than {float(attained)!r}")
    need(bound >= below, f"the dual vector proves no more than {float(bound)!r}")

def convex_values(document: Any) -> tuple[Fraction, Fraction]:
    """Bound what the network attains from above, and the optimum from below."""
    X, unit = grid([x for row in document["X"] for x in row])
    n, d = len(document["X"]), len(document["X"][0])
    need(n and d and all(len(row) == d for row in document["X"]), "X is no matrix")
    X_rows = [X[i * d : (i + 1) * d] for i in range(n)]
    y, lam = [number(v) for v in document["y"]], number(document["lam"])
    need(len(y) == n and lam > 0, "y has another length than X, or lam is not positive")
    patterns, gated = document["patterns"], document["formulation"] == "gated"
    need(gated or document["formulation"] == "relu", "there is no such formulation")
    fine = all(type(p) is str and re.fullmatch(f"[01]{{{n}}}", p) for p in patterns)
    need(fine and len({*patterns}) == len(patterns), "a pattern is no text of n times 0 or 1")
    residual, penalty, slips, longest = list(y), Fraction(0), [Fraction(0)], Fraction(0)
    for sign, pattern, weights in document["network"]:
        need(sign in (1, -1) and len(weights) == d, "a neuron has no sign or the wrong length")
        u, scale = grid(weights)
        square = Fraction(sum(x * x for x in u), scale * scale)
        penalty, longest = penalty + root(square), max(longest, square)
        on = patterns[index(pattern, len(patterns))]
        for i, row in enumerate(X_rows):
            value = sum(map(int.__mul__, row, u))
            if on[i] == "1" if gated else value > 0:
                residual[i] -= Fraction(int(sign) * value, unit * scale)
            if not gated and value and (on[i] == "1") != (value > 0):
                slips.append(Fraction(value * value, scale * scale * sum(x * x for x in row)))
    allowed = number(document["violation"])
    need(allowed >= 0 and max(slips) <= allowed * allowed * longest, "a neuron leaves its pattern")
    attained = sum((r * r for r in residual), Fraction(0)) / 2 + lam * penalty
    nu, fine_unit = grid(document["dual"])
    need(len(nu) == n, "the dual vector has another length than y")
    rho: dict[Cell, list[tuple[int, Fraction]]] = {}
    for sign, pattern, row, value in document["multipliers"]:
        need(sign in (1, -1) and number(value) >= 0 and not gated, "a multiplier is negative")
        place = (int(sign), index(pattern, len(patterns)))
        rho.setdefault(place, []).append((index(row, n), number(value)))
    height = Fraction(0)
    for q, pattern in enumerate(patterns):
        active = [i for i in range(n) if pattern[i] == "1"]
        g = [sum(nu[i] * X_rows[i][c] for i in active) for c in range(d)]
        for sign in (1, -1):
            total = [Fraction(sign * x, fine_unit * unit) for x in g]
            for i, weight in rho.get((sign, q), ()):
                side = (weight if pattern[i] == "1" else -weight) / unit
                total = [t + side * x for t, x in zip(total, X_rows[i], strict=True)]
            height = max(height, sum((t * t for t in total), Fraction(0)))
    exact = [Fraction(x, fine_unit) for x in nu]
    along = sum((a * b for a, b in zip(y, exact, strict=True)), Fraction(0))
    square = sum((a * a for a in exact), Fraction(0))
    share = min(Fraction(1), lam / root(height))
    return attained, share * along - share * share * square / 2

def number(value: Any) -> Fraction:
    """Read a finite number of JSON: an integer or a double, which is an exact fraction."""
    need(type(value) in (int, float) and math.isfinite(value), f"{str(value)[:40]} is no number")
    return Fraction(value)

def grid(values: Sequence[Any]) -> tuple[list[int], int]:
    """Write numbers as integers over one power of two."""
    exact = [number(v) for v in values]
    unit = max((x.denominator for x in exact), default=1)
    return [int(x * unit) for x in exact], unit

def root(square: Fraction) -> Fraction:
    """Bound a square root from above."""
    return Fraction(math.isqrt((square.numerator << 512) // square.denominator) + 1, 1 << 256)

# ---- files ---------------------------------------------------------------------------------------
def problem_of(document: Any) -> str:
    """Say what is wrong with a certificate; nothing where it proves what it claims."""
    try:
        kind = document["format"]
        need(kind in (EXISTENCE, CONVEX), "the format is unknown")
        (check_existence if kind == EXISTENCE else check_convex)(document)
    except Refused as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (whatever a forged document makes go wrong)
        return f"the certificate is malformed: {type(error).__name__}: {error}"
    return ""

def claims_of(document: Any) -> list[str]:
    """Say what a certificate claims."""
    if document["format"] == CONVEX:
        return [f"attained {document['objective']!r}", f"bound {document['lower_bound']!r}"]
    return [f"{question} {document[question]['answer']}" for question in ANSWERS]

def main(paths: Sequence[str]) -> int:
    """Check certificates in files; 1 if one of them is refused."""
    refused = 0
    for path in paths:
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            document = document.get("certificate", document)  # of `relu-optima check --json`
            problem = problem_of(document)
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            problem = f"it cannot be read: {error}"
        refused |= bool(problem)
        said = f"REFUSED: {problem}" if problem else "proved: " + ", ".join(claims_of(document))
        print(f"{path}: {said}")
    return int(refused)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
