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

Masks and answers are what is claimed, so they are read strictly. A proof is evidence: however it is
read, what it says of the masks is checked. Whatever it makes go wrong (a key or an entry that does
not exist, a number that is none) refuses the certificate.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import random
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from operator import add, or_, sub
from pathlib import Path
from typing import Any

EXISTENCE = "relu-optima/existence-certificate/1"
CONVEX = "relu-optima/convex-certificate/1"
PRIME = 2_147_483_647  # full rank modulo a prime implies full rank over the rationals
ANSWERS = {
    "product": ("closed", "not_closed", "unknown"),
    "function": ("closed", "not_closed", "unknown"),
    "finite": ("always", "not_always", "unknown"),
}
Cell = tuple[int, int]
Ratio = tuple["Poly", list["Poly"]]  # a polynomial over a product of factors
Sides = dict[int, tuple[int, int]]  # neuron -> the rows that it feeds, the columns that it sees
Piece = tuple[int, int, int]  # neuron, rows, columns


class Refused(Exception):
    """What is wrong with a certificate."""


def need(condition: object, otherwise: str) -> None:
    """Refuse the certificate unless a condition holds."""
    if not condition:
        raise Refused(otherwise)


# ---- sets and masks ------------------------------------------------------------------------------
def bits(places: Iterable[int]) -> int:
    """Make a set of places."""
    return union(1 << place for place in places)


def union(some: Iterable[int]) -> int:
    """Unite sets."""
    return reduce(or_, some, 0)


def places_of(some: int) -> list[int]:
    """List a set, in order."""
    return [place for place, c in enumerate(reversed(bin(some)[2:])) if c == "1"]


def integer(value: Any) -> int:
    """Read an integer; ``true`` is none."""
    need(type(value) is int and value.bit_length() <= 4096, f"{str(value)[:40]} is no integer")
    return int(value)


def subset(value: Iterable[int], whole: int) -> int:
    """Read a list of distinct places of a set."""
    out = 0
    for place in map(integer, value):
        need(whole >> place & ~out >> place & 1, f"{place} is no place here, or is named twice")
        out |= 1 << place
    return out


def fraction(value: Any) -> Fraction:
    """Read an integer or a text such as -3/4."""
    top, _, bottom = str(value).partition("/")
    return Fraction(int(top), int(bottom or 1))


@dataclass(frozen=True)
class Mask:
    """A 0/1 matrix of n columns; each row is a set of columns."""

    n: int
    rows: list[int]

    @cached_property
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

    def after(self, below: Mask) -> Mask:
        """Multiply with the mask of the layer below."""
        reached = [union(below.rows[k] for k in places_of(row)) for row in self.rows]
        return Mask(below.n, reached)

    @property
    def cells(self) -> list[Cell]:
        """The cells that are one, row by row."""
        return [(i, j) for i, row in enumerate(self.rows) for j in places_of(row)]


def read_mask(layer: Any) -> Mask:
    """Read a mask: its bits, or for each row the length of its list of columns."""
    m, n = map(integer, layer["shape"])
    need(1 <= m <= 100_000 and 1 <= n <= 100_000, "a mask has a wrong shape")
    if "lengths" not in layer:
        data = base64.b64decode(layer["bits"], validate=True)
        need(len(data) == (m * n + 7) // 8, "shape and bits of a layer disagree")
        text = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
        return Mask(n, [int(text[i * n : (i + 1) * n][::-1], 2) for i in range(m)])

    def numbers(text: str) -> list[int]:
        """Read integers of four bytes."""
        return [x for (x,) in struct.iter_unpack("<I", base64.b64decode(text, validate=True))]

    columns, lengths = numbers(layer["columns"]), numbers(layer["lengths"])
    need(len(lengths) == m and sum(lengths) == len(columns), "the lists of a layer disagree")
    left = iter(columns)
    rows = [list(itertools.islice(left, size)) for size in lengths]
    need(all(row == sorted(row) for row in rows), "the columns of a row do not ascend")
    return Mask(n, [subset(row, (1 << n) - 1) for row in rows])


def support(layers: Sequence[Mask]) -> Mask:
    """Multiply masks, first layer first."""
    return reduce(lambda below, above: above.after(below), layers)


def rectangles(masks: Sequence[Mask]) -> Sides:
    """List S and T of the neurons of two layers that have both."""
    both = zip(masks[1].columns, masks[0].rows, strict=True)
    return {k: (S, T) for k, (S, T) in enumerate(both) if S and T}


# ---- arithmetic ----------------------------------------------------------------------------------
def rank(rows: Iterable[Mapping[int, Any]], modulus: int = 0) -> int:
    """Compute a rank, exactly or modulo a prime; a row is {place: entry}."""
    pivots: dict[int, dict[int, Any]] = {}
    for given in rows:
        row = dict(given)
        while row := {c: y for c, x in row.items() if (y := x % modulus if modulus else x)}:
            pivot = pivots.setdefault(min(row), row)
            if pivot is row:
                break
            a, b = pivot[min(row)], row[min(row)]
            row = {c: a * row.get(c, 0) - b * pivot.get(c, 0) for c in row.keys() | pivot.keys()}
    return len(pivots)


class Poly(dict[tuple[int, ...], Fraction]):
    """A polynomial: exponents -> coefficient, never 0."""

    @classmethod
    def of(cls, terms: Iterable[tuple[tuple[int, ...], Fraction]]) -> Poly:
        """Add up terms."""
        out: dict[tuple[int, ...], Fraction] = {}
        for monomial, c in terms:
            out[monomial] = out.get(monomial, Fraction(0)) + c
        return cls({monomial: c for monomial, c in out.items() if c})

    @classmethod
    def number(cls, value: Fraction | int, size: int) -> Poly:
        """Return a constant among polynomials in some letters."""
        return cls({(0,) * size: Fraction(value)} if value else {})

    @classmethod
    def letters(cls, size: int) -> list[Poly]:
        """Return the letters."""
        units = (tuple(int(p == q) for p in range(size)) for q in range(size))
        return [cls({unit: Fraction(1)}) for unit in units]

    def __add__(self, other: Poly) -> Poly:
        return Poly.of([*self.items(), *other.items()])

    def __sub__(self, other: Poly) -> Poly:
        return Poly.of([*self.items(), *((monomial, -c) for monomial, c in other.items())])

    def __mul__(self, other: Poly) -> Poly:
        pairs = itertools.product(self.items(), other.items())
        return Poly.of((tuple(map(add, a, b)), c * d) for (a, c), (b, d) in pairs)

    def divided(self, *divisors: Poly) -> tuple[Poly, Poly]:
        """Divide leading terms while a divisor can: the quotients in one sum, and the rest."""
        steps, rest = [], self
        while rest:
            top = max(rest)
            shifts = ((tuple(map(sub, top, max(g))), g) for g in divisors)
            shift, g = next(((s, g) for s, g in shifts if min(s) >= 0), (None, self))
            if shift is None:
                break
            steps.append((shift, rest[top] / g[max(g)]))
            rest -= Poly(steps[-1:]) * g
        return Poly.of(steps), rest

    @property
    def is_constant(self) -> bool:
        """It is a number other than 0."""
        return len(self) == 1 and not any(next(iter(self)))


def multiplied(a: Mapping[Cell, Any], b: Mapping[Cell, Any]) -> dict[Cell, Any]:
    """Multiply sparse matrices of numbers or of polynomials."""
    lines: dict[int, list[tuple[int, Any]]] = {}
    for (k, j), x in b.items():
        lines.setdefault(k, []).append((j, x))
    out: dict[Cell, Any] = {}
    for (i, k), x in a.items():
        for j, y in lines.get(k, ()):
            out[i, j] = out[i, j] + x * y if (i, j) in out else x * y
    return out


# ---- existence: the whole document ---------------------------------------------------------------
def check_existence(document: Any) -> None:
    """Check all answers other than ``unknown``."""
    masks = [read_mask(layer) for layer in document["layers"]]
    need(masks, "there is no layer")
    chained = all(above.n == len(below.rows) for below, above in itertools.pairwise(masks))
    need(chained, "the layers do not chain")
    need(all(any(mask.rows) for mask in masks), "all entries of a layer are zero")
    biases = None
    if "biases" in document:
        free = [read_mask(layer) for layer in document["biases"]]
        shapes = [(len(mask.rows), mask.n) for mask in free]
        fine = len(masks) == 2 and shapes == [(1, len(mask.rows)) for mask in masks]
        need(fine, "there is not one bias for each neuron of one hidden layer")
        biases = (free[0].rows[0], free[1].rows[0])
    for question, allowed in ANSWERS.items():
        answer, proof = document[question]["answer"], document[question]["proof"]
        need(answer in allowed, f"{question}: there is no such answer")
        fine = type(proof.get("reason")) is str and proof.get("rule") is None
        need(answer != "unknown" or fine, f"{question}: no reason for 'unknown', or a rule")
    product, function, finite = (
        (document[question]["answer"], document[question]["proof"]) for question in ANSWERS
    )
    if str(product[1].get("reason")).startswith("full dimension"):
        check_full_dimension(masks, product[1]["full_dimension"])
    if product[0] == "closed":
        check_closed(masks, product[1])
    elif product[0] == "not_closed":
        check_refutation(masks, check_curve(masks, product[1]), product[1]["refutation"])
    if function[0] != "unknown":
        need(biases is None, "function: its rules are about free biases")
        check_function(masks, *function, product[0])
    if finite[0] != "unknown":
        check_finite(masks, *finite, product, biases)


# ---- product set closed: shorten the chain, reduce the pair, check what is left ------------------
def check_closed(masks: list[Mask], proof: Any) -> None:
    """Check that a product set is closed."""
    rule = proof["rule"]
    if rule == "one layer":
        need(len(masks) == 1, "there is more than one layer")
    elif rule == "Z chain":
        factors = [
            {cell: integer(x) for cell, x in zip(mask.cells, values, strict=True)}
            for mask, values in zip(masks, proof["factors"], strict=True)
        ]
        check_open(factors, support(masks).cells)
    elif rule == "chain":
        chain = list(masks)
        for step in proof["steps"]:
            shorten(chain, step)
        if len(chain) > 1:
            check_closed(chain, proof["last"])
    else:
        need(len(masks) == 2 and rule in ("P", "reduction"), "the rule is not about such layers")
        if rule == "P":
            check_pairs(rectangles(masks).values())
        else:
            check_reduction(masks, proof)


def shorten(chain: list[Mask], step: Any) -> None:
    """Take one step: peel a layer off an end, or merge layers that reach all of their product."""
    kind = step["kind"]
    if kind == "peel":
        bottom = step["end"] == "bottom"
        view = [mask.turned for mask in reversed(chain)] if bottom else chain
        last, under, reach = view[-1], view[-2], support(view[:-1])
        taken = [0] * len(last.rows)
        classes = {(last.columns[k], under.rows[k]): reach.rows[k] for k in range(last.n)}
        for (fed, _), seen in classes.items():
            for i in places_of(fed):
                need(not taken[i] & seen, "the classes of a peeled layer meet")
                taken[i] |= seen
        del chain[0 if bottom else -1]
        return
    low, width = integer(step["layer"]), 3 if kind == "LUL" else 2
    parts = chain[max(low, 0) : low + width]
    need(len(parts) == width, "a merge names layers that do not exist")
    merged, n = support(parts), parts[0].n
    if kind == "LUL":
        lower, upper = [(2 << i) - 1 for i in range(n)], [(1 << n) - (1 << i) for i in range(n)]
        same = [mask.rows for mask in parts] in ([lower, upper, lower], [upper, lower, upper])
        need(same, "the layers are not alternately lower and upper triangular")
    elif kind == "identity":
        other, unit = parts if step["unit"] == "above" else reversed(parts)
        diagonal = all(row >> i & 1 for i, row in enumerate(unit.rows))
        need(diagonal and merged == other, "a layer is not absorbed by its neighbour")
    else:
        need(kind == "full", "there is no such step")
        proof, m = step["proof"], len(merged.rows)
        kept = [proof["rows"], proof["columns"]]
        need(kept == [[*range(m)], [*range(n)]], "rows or columns are dropped")
        rules = {component["rule"] for component in proof["components"]}
        need(rules <= {"C3", "Z", "C4", "C5", "C6"}, "a component does not fill its space")
        check_reduction(parts, proof)
    chain[low : low + width] = [merged]


def check_pairs(sides: Iterable[tuple[int, int]]) -> None:
    """P: every two rectangles that meet are antinested, or stars in one row or column."""
    for (S, T), (S2, T2) in itertools.combinations({*sides}, 2):
        if S & S2 and T & T2:
            nested = not (S & ~S2 or T2 & ~T) or not (S2 & ~S or T & ~T2)
            stars = any(a.bit_count() == b.bit_count() == 1 for a, b in ((S, S2), (T, T2)))
            need(nested or stars, "P: two neurons have a product set that is not closed")


def check_reduction(masks: Sequence[Mask], proof: Any) -> None:
    """Twins are capped, free cells erased; then the components are closed one by one."""
    sides, kept = rectangles(masks), []
    live = bits(sides)
    for members, named in ((masks[1].rows, proof["rows"]), (masks[0].columns, proof["columns"])):
        kept.append(subset(named, (1 << len(members)) - 1))
        twins = Counter(members[i] & live for i in places_of(kept[-1]))
        for i, member in enumerate(members):
            enough = twins[member & live] >= (member & live).bit_count()
            need(enough or kept[-1] >> i & 1, "too many twins were dropped")
    observed = [kept[1] if kept[0] >> i & 1 else 0 for i in range(len(masks[1].rows))]
    for step in proof["erasures"]:
        erase(sides, observed, step)
    held, taken = dict[Cell, int](), dict[int, int]()
    for component in proof["components"]:
        pieces, mine = read_pieces(sides, observed, component["pieces"]), dict[int, int]()
        for k, R, C in pieces:
            for i in places_of(R):
                before, cells = held.get((k, i), 0), C & observed[i]
                need(not before & cells, "two pieces of a neuron meet")
                need(not taken.get(i, 0) & cells, "two components share a cell")
                held[k, i], mine[i] = before | cells, mine.get(i, 0) | cells
        taken |= {i: cells | taken.get(i, 0) for i, cells in mine.items()}
        need(component["rule"] in LEAVES, f"there is no component rule {component['rule']!r}")
        LEAVES[component["rule"]](pieces, observed, component)
    for k, (S, T) in sides.items():
        complete = all(not observed[i] & T & ~held.get((k, i), 0) for i in places_of(S))
        need(complete, "a component is missing")


def read_pieces(sides: Sides, observed: list[int], values: Any) -> list[Piece]:
    """Read parts of neurons that share no observed row and column with the rest of them."""
    out = []
    for k, rows, columns in values:
        S, T = sides[k]
        R, C = subset(rows, S), subset(columns, T)
        tied = any(observed[i] & (T & ~C if R >> i & 1 else C) for i in places_of(S))
        need(R and C and not tied, "a piece is empty, or tied to the rest of its neuron")
        out.append((k, R, C))
    return out


def erase(sides: Sides, observed: list[int], step: Any) -> None:
    """Erase cells that may take any value: a star, or the free cells of a saturated flag."""
    if step["kind"] == "star":
        ((_, R, C),) = read_pieces(sides, observed, [step["piece"]])
        need(1 in (R.bit_count(), C.bit_count()), "a star has several rows and columns")
    else:
        along = {"rows": 1, "columns": 2}[step["axis"]]
        pieces = read_pieces(sides, observed, step["pieces"])
        (shared,) = {piece[3 - along] for piece in pieces}
        need(len({k for k, _, _ in pieces}) == len(pieces), "a flag repeats a neuron")
        nested = sorted((piece[along] for piece in pieces), key=int.bit_count)
        need(all(not a & ~b for a, b in itertools.pairwise(nested)), "a flag is not nested")
        need(len(pieces) >= shared.bit_count(), "a flag is not saturated")
        free = nested[len(nested) - shared.bit_count()]  # what at least |shared| of them hold
        R, C = (free, shared) if along == 1 else (shared, free)
    for i in places_of(R):
        observed[i] &= ~C


# ---- rules that close one component --------------------------------------------------------------
def observed_cells(pieces: list[Piece], observed: list[int]) -> list[Cell]:
    """List the observed cells of some pieces, in order."""
    rows = dict[int, int]()
    for _, R, C in pieces:
        rows |= {i: rows.get(i, 0) | C & observed[i] for i in places_of(R)}
    return [(i, j) for i in sorted(rows) for j in places_of(rows[i])]


def need_observed(pieces: list[Piece], observed: list[int]) -> None:
    """All cells of the rectangles are observed."""
    fine = all(not C & ~observed[i] for _, R, C in pieces for i in places_of(R))
    need(fine, "a cell of a rectangle is not observed")


def leaf_pairs(pieces: list[Piece], observed: list[int], component: Any) -> None:
    """P: see `check_pairs`."""
    need_observed(pieces, observed)
    check_pairs((R, C) for _, R, C in pieces)


def leaf_deficits(pieces: list[Piece], observed: list[int], component: Any) -> None:
    """C7: the t-th smallest number of rows and columns that a piece lacks is below t."""
    R, C = (union(piece[side] for piece in pieces) for side in (1, 2))
    need_observed([(0, R, C)], observed)
    lacking = sorted((R & ~r).bit_count() + (C & ~c).bit_count() for _, r, c in pieces)
    need(all(d <= t for t, d in enumerate(lacking)), "C7: the deficits are too large")


def leaf_open(pieces: list[Piece], observed: list[int], component: Any) -> None:
    """C3, Z: where the product is 0 its derivative is onto; in C3 one side of each piece is 0."""
    raw, data = component["pieces"], component["data"]
    if component["rule"] == "C3":
        data = {side: [x if held == side else None for held, x in data["fixed"]] for side in "uv"}
    layers = []
    for side, place in (("v", 2), ("u", 1)):
        entries = dict[Cell, int]()
        for q, (value, given) in enumerate(zip(raw, data[side], strict=True)):
            values = [0] * len(value[place]) if given is None else map(integer, given)
            for line, x in zip(value[place], values, strict=True):
                entries[(q, line) if side == "v" else (line, q)] = x
        layers.append(entries)
    check_open(layers, observed_cells(pieces, observed))


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
        return [
            {q: top.get((i, a), 0) * bottom.get((b, j), 0) for q, (i, j) in enumerate(left)}
            for a, b in layers[level]
        ]

    for level, side in ((0, 1), (len(layers) - 1, 0)):  # leave out what a line reaches alone
        for line in {cell[side] for cell in cells}:
            mine = [cell for cell in cells if cell[side] == line]
            if rank(images(level, mine), PRIME) == len(mine):
                cells = [cell for cell in cells if cell[side] != line]
    every = [image for level in range(len(layers)) for image in images(level, cells)]
    need(rank(every, PRIME) == len(cells), "Z: the derivative is not onto")


def leaf_row_basis(pieces: list[Piece], observed: list[int], component: Any) -> None:
    """C4: all rows but one lie in every piece, and every 0/1 special row has a basis around it."""
    need_observed(pieces, observed)
    data, raw = component["data"], component["pieces"]
    a, b = (2, 1) if data.get("transpose") else (1, 2)
    others = union(p[a] for p in pieces) & ~(1 << data["row"])
    need(all(not others & ~p[a] for p in pieces), "C4: a row is not in every piece")
    inside = [q for q, p in enumerate(pieces) if p[a] & ~others]
    allowed, width = union(pieces[q][b] for q in inside), union(p[b] for p in pieces).bit_count()
    table = {bits(support): vectors for support, vectors in data["table"]}
    for size in range(allowed.bit_count() + 1):
        for support in itertools.combinations(places_of(allowed), size):
            vectors = [
                dict(zip(value[b], map(fraction, entries), strict=True))
                for value, entries in zip(raw, table[bits(support)], strict=True)
            ]
            span, special = [vectors[q] for q in inside], dict.fromkeys(support, Fraction(1))
            need(rank(vectors) == width, "C4: the vectors do not span")
            need(rank([*span, special]) == rank(span), "C4: the special row is not in its span")


TABLE: dict[str, tuple[list[tuple[list[int], list[int]]], list[Cell]]] = {
    # pieces as rows and columns, and the erased cells
    "F-a": ([([0, 1], [0, 1]), ([0, 1], [0, 2])], [(1, 2)]),
    "F-d": ([([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 1, 2], [0, 1, 2])], []),
    "F-f": ([([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2]), ([0, 2], [0, 2])], []),
}


def leaf_table(pieces: list[Piece], observed: list[int], component: Any) -> None:
    """C5: one of three components that were constructed by hand."""
    data = component["data"]
    shape, erased = TABLE[data["name"]]
    turn = -1 if data.get("transpose") else 1
    rows, columns = data["rows"], data["columns"]
    need(all(len({*x}) == len(x) for x in (rows, columns)), "C5: a row or column is named twice")
    wanted = [(bits(rows[i] for i in R), bits(columns[j] for j in C)) for R, C in shape]
    need(sorted(wanted) == sorted(p[1:][::turn] for p in pieces), "C5: it is another component")
    cells = {(i, j) for _, R, C in pieces for i in places_of(R) for j in places_of(C)}
    named = {(rows[i], columns[j])[::turn] for i, j in erased}
    need(cells - {*observed_cells(pieces, observed)} == named, "C5: the erased cells are others")


def cancelled(top: Poly, factors: list[Poly]) -> Ratio:
    """Cancel the factors that divide the top."""
    kept = []
    for factor in factors:
        quotient, rest = top.divided(factor)
        kept += [factor] if rest else []
        top = top if rest else quotient
    return top, kept if top else []


def split(f: Poly, factors: Iterable[Poly]) -> tuple[list[Poly], Poly]:
    """Divide by factors as often as possible: those that divide, and what is left."""
    found: list[Poly] = []
    for factor in factors:
        while f and not factor.is_constant:
            quotient, rest = f.divided(factor)
            if rest:
                break
            found, f = [*found, factor], quotient
    return found, f


class Filling:
    """C6: formulas for factors of every matrix, by cases of what is zero in it.

    A ratio is (top, factors): a polynomial in the cells and in free parameters t, divided by
    factors that vanish nowhere in this case, or only for t on a proper algebraic subset.
    """

    def __init__(self, pieces: list[Piece], observed: list[int], component: Any) -> None:
        self.pieces, self.names = pieces, observed_cells(pieces, observed)
        self.size = len(self.names) + 24  # so many parameters
        self.letters = Poly.letters(self.size)
        cells: dict[Cell, Ratio] = {c: (self.letters[q], []) for q, c in enumerate(self.names)}
        self.check(component["data"]["tree"], cells, [])

    def minus(self, x: Ratio, y: Ratio) -> Ratio:
        """Return x - y."""
        mine, yours = list(x[1]), list[Poly]()
        for factor in y[1]:
            mine.remove(factor) if factor in mine else yours.append(factor)
        top = math.prod(yours, start=x[0]) - math.prod(mine, start=y[0])
        return cancelled(top, x[1] + yours)

    def over(self, x: Ratio, y: Poly, units: list[Poly]) -> Ratio:
        """Return x / y, with y split into factors that are known."""
        found, rest = split(y, [*units, *x[1], *self.letters])
        if rest.is_constant:
            return cancelled(
                x[0] * Poly.number(1 / next(iter(rest.values())), self.size), x[1] + found
            )
        return cancelled(x[0], [*x[1], *found, rest])

    def put(self, f: Poly, place: int, by: Ratio) -> Ratio:
        """Put a ratio in the place of a letter."""
        out: Ratio = (Poly(), [])
        for monomial, c in f.items():
            power, others = monomial[place], (*monomial[:place], 0, *monomial[place + 1 :])
            top = math.prod([by[0]] * power, start=Poly({others: -c}))
            out = self.minus(out, cancelled(top, by[1] * power))
        return out

    def check(self, tree: Any, cells: dict[Cell, Ratio], units: list[Poly]) -> None:
        """Check a case: formulas, or "a polynomial in the cells is zero, or it is not"."""
        if "fill" in tree:
            return self.fill(tree["fill"], cells, units)
        condition = Poly()
        for coefficient, powers in tree["condition"]:
            term = Poly.number(fraction(coefficient), self.size)
            for i, j, power in powers:
                need(power <= 64, "C6: a power is too high")
                term = math.prod([self.letters[self.names.index((i, j))]] * power, start=term)
            condition += term
        i, j = tree["cell"]
        place = self.names.index((i, j))
        rest = Poly({m: -c for m, c in condition.items() if not m[place]})
        slope, left = (condition + rest).divided(self.letters[place])
        fine = not left and not any(m[place] for m in slope)
        need(fine and split(slope, units)[1].is_constant, "C6: a condition has no solution")
        by = self.over((rest, []), slope, units)
        still = [self.put(unit, place, by)[0] for unit in units]
        if all(still):  # else the case is empty
            zero = {}
            for cell, (top, factors) in cells.items():
                above = self.put(top, place, by)
                below = self.put(math.prod(factors, start=Poly.number(1, self.size)), place, by)
                raised = math.prod(below[1], start=above[0])
                zero[cell] = self.over((raised, above[1]), below[0], units)
            self.check(tree["zero"], zero, still)
        self.check(tree["nonzero"], cells, [*units, condition])

    def fill(self, steps: Any, cells: dict[Cell, Ratio], units: list[Poly]) -> None:
        """Run the steps that compute all factors, and compare their product with the cells."""
        known: dict[tuple[str, int, int], Ratio] = {}

        def rest(cell: Cell, without: int) -> Ratio:
            """What the products of all neurons but one leave of a cell."""
            left = cells[cell]
            for q, (_, R, C) in enumerate(self.pieces):
                if q != without and R >> cell[0] & 1 and C >> cell[1] & 1:
                    keys = ("u", q, cell[0]), ("v", q, cell[1])
                    if all(known[key][0] for key in keys if key in known):  # else it is 0
                        u, v = (known[key] for key in keys)
                        left = self.minus(left, cancelled(u[0] * v[0], u[1] + v[1]))
            return left

        for kind, side, q, place, argument in steps:
            need((side, q, place) not in known, "C6: an entry is set twice")
            if kind == "set":
                free = self.letters[len(self.names) :]
                named = type(argument) is str
                value = (
                    free[int(argument[1:])] if named else Poly.number(integer(argument), self.size)
                )
                known[side, q, place] = value, []
                continue
            i, j = argument
            top, factors = known[("v", q, j) if side == "u" else ("u", q, i)]
            parts: dict[tuple[int, ...], Poly] = {}  # by the monomials in the parameters
            n = len(self.names)
            for m, c in top.items():
                parts.setdefault(m[n:], Poly())[(*m[:n], *(0 for _ in m[n:]))] = c
            fine = any(split(part, units)[1].is_constant for part in parts.values())
            need(fine, "C6: a formula may divide by zero")
            wanted, under = rest((i, j), q)
            raised = math.prod(factors, start=wanted)
            known[side, q, place] = self.over((raised, under), top, units)
        need(not any(rest(cell, -1)[0] for cell in cells), "C6: the factors do not produce A")


LEAVES: dict[str, Callable[[list[Piece], list[int], Any], object]] = {
    "P": leaf_pairs,
    "C3": leaf_open,
    "Z": leaf_open,
    "C4": leaf_row_basis,
    "C5": leaf_table,
    "C6": Filling,
    "C7": leaf_deficits,
}


def check_full_dimension(masks: list[Mask], proof: Any) -> None:
    """Every row has a neuron of its own, and some V spans what that leaves: no null set."""
    need(len(masks) == 2, "full dimension: two layers are needed")
    lower, upper = masks if not proof["transposed"] else [mask.turned for mask in reversed(masks)]
    reached = [(i, row) for i, row in enumerate(upper.after(lower).rows) if row]
    subset(proof["neurons"], (1 << len(lower.rows)) - 1)
    draw = random.Random(0)
    V = [{j: draw.randrange(1, PRIME) for j in places_of(row)} for row in lower.rows]
    for (i, row), k in zip(reached, proof["neurons"], strict=True):
        need(upper.rows[i] >> k & 1, "full dimension: a neuron does not feed its row")
        left = row & ~lower.rows[k]
        lines = ({j: x for j, x in V[q].items() if left >> j & 1} for q in places_of(upper.rows[i]))
        need(rank(lines, PRIME) == left.bit_count(), "full dimension: a row is not spanned")


# ---- product set not closed: a curve of members, and its limit that is none ----------------------
def laurent_matrix(value: Any) -> dict[Cell, Poly]:
    """Read a sparse matrix of Laurent polynomials in one letter eps."""
    out = {
        (i, j): Poly.of(((int(power),), fraction(c)) for power, c in entry.items())
        for i, j, entry in value
    }
    need(len(out) == len(value), "a cell occurs twice")
    return out


def check_curve(masks: Sequence[Mask], proof: Any) -> dict[Cell, Fraction]:
    """The factors stay on the masks, and their product tends to the limit."""
    layers = [laurent_matrix(layer) for layer in proof["curve"]]
    for layer, mask in zip(layers, masks, strict=True):
        rows = dict(enumerate(mask.rows))
        need(all(rows[i] >> k & 1 for i, k in layer), "the curve leaves the mask of a layer")
    curve = reduce(lambda below, above: multiplied(above, below), layers)
    need(all(p >= 0 for entry in curve.values() for (p,) in entry), "the curve is not bounded")
    found = {cell: entry[0,] for cell, entry in curve.items() if (0,) in entry}
    limit = {cell: entry[0,] for cell, entry in laurent_matrix(proof["limit"]).items() if entry}
    need(found == limit, "the product of the curve does not converge to the limit")
    return limit


def check_refutation(masks: Sequence[Mask], limit: dict[Cell, Fraction], proof: Any) -> None:
    """The limit is no product: of the layers below and above a cut, merged into two masks."""
    cut = proof.get("cut", 1)
    need(1 <= cut < len(masks), "the refutation cuts the chain outside")
    lower, upper = support(masks[:cut]), support(masks[cut:])
    seen = subset(proof["rows"], (1 << len(upper.rows)) - 1)
    inside = subset(proof["columns"], (1 << lower.n) - 1)
    sides = {
        k: (places_of(S & seen), places_of(T & inside))
        for k, (S, T) in rectangles([lower, upper]).items()
        if S & seen and T & inside
    }
    window = list(itertools.product(places_of(seen), places_of(inside)))
    if "useless" in proof:
        need(proof["useless"] in sides, "X: the neuron does not see the window")
        S, T = sides[proof["useless"]]
        used, size = [cell for cell in window if cell in limit], seen.bit_count()
        lines = [len(used), len({i for i, _ in used}), len({j for _, j in used})]
        fine = lines == [size] * 3 and inside.bit_count() == size
        need(fine, "X: the limit is no permutation of the window")
        need(len(sides) <= size, "X: more neurons see the window than it has rows")
        return need(not any(i in S and j in T for i, j in used), "X: the neuron is of use")
    if "cells" in proof:
        listed = {(i, j) for i, j in proof["cells"]}
        need(listed <= {*window}, "a cell of the refutation lies outside its window")
        window = sorted(listed)
    target = {cell: limit.get(cell, Fraction(0)) for cell in window}
    return Membership(target, sides).refute({}, proof["tree"])


class Contradiction(Exception):
    """The equations of a case have no solution."""


Known = dict[tuple[Any, int, int], Any]  # ("u", i, k), ("v", k, j): zero (0) or not (1)
# and (k, i, j): the value of the product u_ik v_kj


class Membership:
    """The equations sum_k u_ik v_kj = A_ij on some cells, refuted by cases."""

    def __init__(
        self, cells: dict[Cell, Fraction], sides: dict[int, tuple[list[int], list[int]]]
    ) -> None:
        self.cells, self.sides = cells, sides
        self.products = [(k, i, j) for k, (S, T) in sides.items() for i in S for j in T]
        self.at = {
            (i, j): [k for k, (S, T) in sides.items() if i in S and j in T] for i, j in cells
        }

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
                missing = [k for k in self.at[i, j] if (k, i, j) not in known]
                rest = target - sum(known.get((k, i, j), 0) for k in self.at[i, j])
                if len(missing) == 1:
                    put((missing[0], i, j), rest)
                elif rest and not missing:
                    raise Contradiction
            for k, i, j in self.products:
                S, T = self.sides[k]
                for i2, j2 in itertools.product(S, T):
                    # the products at (i, j) and (i2, j2) multiply to those at (i, j2) and (i2, j)
                    corners = (k, i2, j2), (k, i, j2), (k, i2, j)
                    if i != i2 and j != j2 and known.keys() >= {*corners}:
                        other, a, b = (known[corner] for corner in corners)
                        if other:
                            put((k, i, j), Fraction(a * b) / other)
                        elif a and b:
                            raise Contradiction

    def refute(self, known: Known, tree: Any) -> None:
        """Check a tree of case distinctions: an entry is zero, or it is not."""
        try:
            self.propagate(known)
        except Contradiction:
            return
        need(tree is not None, "a case of the refutation ends without a contradiction")
        if tree[0] == "solve":
            need(self.no_common_zero(known), "the equations of a case do not generate 1")
        elif tree[0] == "rank":
            need(self.exceeds_rank(known, *tree[1:]), "the rank of a window is small enough")
        else:
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
        window = list(itertools.product(rows, columns))
        entry = dict(zip(window, Poly.letters(len(window)), strict=True))  # if it is free
        for i, j in window:
            rest = [k for k in self.at.get((i, j), ()) if k not in neurons]
            others: list[Any] = [known.get((k, i, j)) for k in rest]
            if (i, j) in self.cells and None not in others:
                entry[i, j] = Poly.number(self.cells[i, j] - sum(others), len(window))
        determinant = Poly()
        for order in itertools.permutations(range(size)):
            swaps = sum(a > b for a, b in itertools.combinations(order, 2))
            sign = Poly.number((-1) ** swaps, len(window))
            cells = zip(rows, (columns[q] for q in order), strict=True)
            determinant += math.prod((entry[cell] for cell in cells), start=sign)
        return determinant.is_constant

    def no_common_zero(self, known: Known) -> bool:
        """The equations generate 1: a Groebner basis, given up beyond 300 polynomials."""
        entries = sorted({e for k, i, j in self.products for e in (("u", i, k), ("v", k, j))})
        nonzero = [e for e in entries if known.get(e) == 1]
        size = len(entries) + len(nonzero)
        # the first exponent is the total degree
        letters = [Poly({(1, *m): c for m, c in x.items()}) for x in Poly.letters(size)]
        at = {e: Poly() if known.get(e) == 0 else x for e, x in zip(entries, letters, strict=False)}
        products = {(k, i, j): at["u", i, k] * at["v", k, j] for k, i, j in self.products}
        waiting = [
            at[e] * inverse - Poly.number(1, size + 1)
            for e, inverse in zip(nonzero, letters[len(entries) :], strict=True)
        ]
        for (i, j), target in self.cells.items():
            total = sum((products[k, i, j] for k in self.at[i, j]), start=Poly())
            waiting.append(total - Poly.number(target, size + 1))
        told = products.keys() & known.keys()
        waiting += [products[key] - Poly.number(known[key], size + 1) for key in told]
        basis: list[Poly] = []
        while waiting and len(basis) < 300:
            waiting.sort(key=lambda f: max(f, default=()), reverse=True)
            _, f = waiting.pop().divided(*basis)
            if f.is_constant:
                return True
            for g in basis if f else ():
                lcm = tuple(map(max, max(f), max(g)))[1:]
                if lcm != tuple(map(add, max(f), max(g)))[1:]:
                    lifted = [
                        h * Poly({tuple(map(sub, (sum(lcm), *lcm), max(h))): 1 / h[max(h)]})
                        for h in (f, g)
                    ]
                    waiting.append(lifted[0] - lifted[1])
            basis += [f] if f else []
        return False


# ---- the set of network functions ----------------------------------------------------------------
def restricted(masks: Sequence[Mask], keep: int) -> list[Mask]:
    """Keep some neurons of two layers; the others become idle."""
    low = [row if keep >> k & 1 else 0 for k, row in enumerate(masks[0].rows)]
    return [Mask(masks[0].n, low), Mask(masks[1].n, [row & keep for row in masks[1].rows])]


def check_function(masks: list[Mask], answer: str, proof: Any, product: str) -> None:
    """Check an answer about the set of network functions."""
    rule = proof["rule"]
    closed = {"no hidden layer", "paths", "B2", "B5"}
    fine = rule == "outputs" or rule in (closed if answer == "closed" else {"B1", "B4", "B6"})
    need(fine, "the rule does not prove the answer")
    if rule == "B1":
        return need(product == "not_closed", "B1: the product set is not not_closed")
    if rule == "no hidden layer":
        return need(len(masks) == 1, "there is a hidden layer")
    if rule == "paths":
        return check_trees(masks, paths=True)
    need(len(masks) == 2, "the rule needs one hidden layer")
    if rule == "B4":
        return check_kinks(masks, proof)
    if rule == "B6":
        return check_open_pair(masks, proof)
    sides = rectangles(masks)
    if rule == "B2":
        return check_pairs(sides.values())
    if rule == "B5":
        (a, b), (c, d), (s, t) = sorted(sides.values(), key=lambda r: sum(map(int.bit_count, r)))
        sizes = [x.bit_count() for x in (a, b, c, d, s, t)]
        return need(sizes == [1, 1, 1, 1, 2, 2] and (a | c, b | d) == (s, t), "B5: another pattern")
    parts = [subset(part["neurons"], bits(sides)) for part in proof["parts"]]
    others = bits(sides) & ~union(parts)
    fed = [union(sides[k][0] for k in places_of(part)) for part in (*parts, others)]
    need(sum(map(int.bit_count, fed)) == union(fed).bit_count(), "two parts share an output")
    need(parts and not (others and answer == "closed"), "not every neuron is in a part")
    for neurons, part in zip(parts, proof["parts"], strict=True):
        check_function(restricted(masks, neurons), answer, part["proof"], "unknown")


def vector(entries: Any, support: int) -> dict[int, Fraction]:
    """Read a sparse vector on a support."""
    out = {place: fraction(value) for place, value in entries}
    fine = len(out) == len(entries) and all(out.values())
    need(
        fine and not bits(out) & ~support, "a vector leaves its support, repeats a place or holds 0"
    )
    return out


def check_kinks(masks: list[Mask], proof: Any) -> None:
    """B4: a limit and kinks; whoever carries the kinks, the others cannot make the slope left."""
    sides = rectangles(masks)
    need(len(sides) <= 8, "B4: there are too many neurons")
    chosen = subset(proof["subset"], bits(sides))
    limit = check_curve(restricted(masks, chosen), proof)
    subset([*proof["subset"], *(kink["neuron"] for kink in proof["kinks"])], bits(sides))
    kinks = []
    for kink in proof["kinks"]:
        S, T = sides[kink["neuron"]]
        kinks.append((vector(kink["p"], S), vector(kink["w"], T)))
    need(all(p and w for p, w in kinks), "B4: a kink is 0")
    cases = {tuple(map(tuple, case["carriers"])): case["refutation"] for case in proof["cases"]}
    # a neuron carries nothing, or a kink, as it is or turned
    options = [
        [(), *((k, q, t) for q, (_, w) in enumerate(kinks) if not bits(w) & ~T for t in (0, 1))]
        for k, (_, T) in sides.items()
    ]
    some = False
    for choice in itertools.product(*options):
        carriers = tuple(filter(None, choice))
        reach = {
            (q, t): union(sides[k][0] for k, *carried in carriers if carried == [q, t])
            for q in range(len(kinks))
            for t in (0, 1)
        }
        if any(bits(p) & ~(reach[q, 0] | reach[q, 1]) for q, (p, _) in enumerate(kinks)):
            continue
        some = True
        need(carriers in cases, "B4: a choice of carriers is not refuted")
        target = dict(limit)
        lower, upper = restricted(masks, bits(sides) & ~bits(k for k, _, _ in carriers))
        for q, (p, w) in enumerate(kinks):
            for i, (j, x) in itertools.product(places_of(reach[q, 1] & ~reach[q, 0]), w.items()):
                target[i, j] = target.get((i, j), Fraction(0)) + p.get(i, 0) * x
            if both := reach[q, 1] & reach[q, 0]:  # one more neuron stands for a free share
                free = enumerate(upper.rows)
                upper = Mask(upper.n + 1, [row | (both >> i & 1) << upper.n for i, row in free])
                lower = Mask(lower.n, [*lower.rows, bits(w)])
        check_refutation([lower, upper], target, cases[carriers])
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
    sides = rectangles(masks)
    subset(proof["neurons"], bits(sides))
    (S, T), (S2, T2) = (sides[k] for k in proof["neurons"])
    p, x = vector(proof["p"], S & S2), vector(proof["x"], S | S2)
    q, y = vector(proof["q"], T & T2), vector(proof["y"], T | T2)
    rows, columns = unit_vectors(p, x), unit_vectors(q, y)
    tall, wide = [bits(x) & ~s for s in (S, S2)], [bits(y) & ~t for t in (T, T2)]
    both = any(a and b for a, b in zip(tall, wide, strict=True))
    need(both or all(tall) or all(wide), "B6: the limit of the pair is a product of it")
    for k, (s, t) in sides.items():
        seen = [(T if S >> i & 1 else 0) | (T2 if S2 >> i & 1 else 0) for i in places_of(s)]
        fine = t & ~columns and (s & ~rows or any(t & ~row for row in seen))
        need(k in proof["neurons"] or fine, "B6: another neuron may hide its kink")


# ---- finite data ---------------------------------------------------------------------------------
def check_finite(
    masks: list[Mask], answer: str, proof: Any, product: Any, biases: tuple[int, int] | None
) -> None:
    """Check an answer about optima on finite data sets."""
    rule = proof["rule"]
    if rule == "no hidden layer":
        return need(len(masks) == 1 and answer == "always", "there is a hidden layer")
    if rule == "clusters":
        need(len(masks) > 2 and answer == "not_always", "clusters: one hidden layer is Theorem F's")
        return check_clusters(masks, proof, *product)
    if rule == "trees":
        need(answer == "always", "trees: the answer is another one")
        return check_trees(masks, paths=False)
    need(len(masks) == 2, "the rule needs one hidden layer")
    sides = rectangles(masks)
    hidden, constant = biases or (-1, -1)
    makers = (k for k, row in enumerate(masks[0].rows) if not row and hidden >> k & 1)
    constant |= union(masks[1].columns[k] for k in makers)
    fixed = {k for k, (_, T) in sides.items() if T.bit_count() == 1 and not hidden >> k & 1}
    movable = {k: S for k, (S, _) in sides.items() if k not in fixed}
    if rule == "output biases":
        k, i0, i1 = proof["neuron"], proof["constant"], proof["other"]
        seen = subset(proof["columns"], sides[k][1])
        need(answer == "not_always", "the rule does not prove the answer")
        need(movable[k] >> i0 & movable[k] >> i1 & 1, "the neuron does not feed the two outputs")
        need(constant >> i0 & ~constant >> i1 & 1, "not one output with constants and one without")
        need(
            seen.bit_count() == (1 if hidden >> k & 1 else 2),
            "not one input moves, or two without bias",
        )
        for q, (S, T) in sides.items():
            free = q == k or not (S >> i0 | S >> i1) & 1 or (q in fixed and not T & seen)
            need(free, "another neuron feeds one of the two outputs")
        return None
    need(rule == "Theorem F", "there is no such rule")
    if answer == "always":
        for S, S2 in itertools.combinations(movable.values(), 2):
            alike = not S & S2 or (S | S2).bit_count() == 1
            need(alike, "two neurons share an output and feed another one")
        kinds = [constant, *(sides[k][0] for k in fixed)]
        several = [S for S in movable.values() if S.bit_count() > 1]
        fine = all(S & kind in (0, S) for S in several for kind in kinds)
        return need(fine, "the outputs of a neuron differ")
    k, l = proof["neurons"]  # noqa: E741
    i0, i1 = proof["row_shared"], proof["row_other"]
    fed = [(k, i0), (l, i0), (k, i1), *map(tuple, proof["row_of"])]
    subset([i0, i1], (1 << len(masks[1].rows)) - 1)
    same = sorted([l, *(q for q, _ in fed[2:])]) == sorted(movable)
    need(same, "the neurons are not the live ones, each once")
    return need(all(movable[q] >> i & 1 for q, i in fed), "a neuron does not feed its row")


def reaching(masks: list[Mask]) -> list[int]:
    """For each layer the neurons that some output sees, and last the outputs."""
    out = [(1 << len(masks[-1].rows)) - 1]
    for mask in reversed(masks[1:]):
        out.insert(0, union(mask.rows[i] for i in places_of(out[0])))
    return out


def check_trees(masks: list[Mask], *, paths: bool) -> None:
    """Trees: live neurons feed one neuron, outputs as in Theorem F; paths: nothing sees two."""
    need(len(masks) > 2, "trees and paths: there is one hidden layer")
    below, live = (1 << masks[0].n) - 1, []
    for mask, wanted in zip(masks, reaching(masks), strict=True):
        rows = [row & below if wanted >> i & 1 else 0 for i, row in enumerate(mask.rows)]
        live.append(Mask(mask.n, rows))
        below = bits(i for i, row in enumerate(rows) if row)
    for layer in live[1:-1]:
        need(all(c.bit_count() < 2 for c in layer.columns), "a neuron feeds two neurons")
    last = [S for S in live[-1].columns if S]
    for S, S2 in itertools.combinations(last, 2):
        need(not S & S2 or (S | S2).bit_count() == 1, "two neurons share an output")
    seen = (row.bit_count() for layer in live[1:] for row in layer.rows)
    need(not paths or max(seen) < 2, "paths: a neuron or an output sees two neurons")


def check_clusters(masks: list[Mask], proof: Any, answer: str, product: Any) -> None:
    """A matrix that is no product, on so many clusters that the network is affine on one."""
    need(answer == "not_closed", "clusters: the product set is not proved not closed")
    columns = product["refutation"]["columns"]
    need(sorted(proof["columns"]) == sorted(columns), "clusters: the window is another one")
    sees, regions, hyperplanes, n = bits(columns), 1, 0, len(columns)
    for mask, wanted in zip(masks[:-1], reaching(masks), strict=False):
        sees = bits(k for k, row in enumerate(mask.rows) if row & sees) & wanted
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
    n, d = len(document["X"]), len(document["X"][0])
    flat, unit = grid(itertools.chain(*document["X"]))
    X = [flat[i * d : (i + 1) * d] for i in range(n)]
    y, (nu, nu_unit) = [number(v) for v in document["y"]], grid(document["dual"])
    patterns = [[{"0": False, "1": True}[c] for c in text] for text in document["patterns"]]
    sides = [len(y), len(nu), *map(len, patterns)]
    fine = all(len(row) == d for row in document["X"]) and all(side == n for side in sides)
    need(fine, "the rows of X, y, the dual vector and the patterns do not fit together")
    lam, allowed = number(document["lam"]), number(document["violation"])
    need(lam > 0 and allowed >= 0, "lam is not positive, or the violation is negative")
    gated = {"gated": True, "relu": False}[document["formulation"]]
    residual, penalty, slips, longest = list(y), Fraction(0), [Fraction(0)], Fraction(0)
    for sign, pattern, weights in document["network"]:
        need(sign in (1, -1), "a neuron has no sign")
        u, scale = grid(weights)
        square = Fraction(dot(u, u), scale * scale)
        penalty, longest = penalty + root(square), max(longest, square)
        for i, (row, on) in enumerate(zip(X, patterns[pattern], strict=True)):
            value = dot(row, u)
            if on if gated else value > 0:
                residual[i] -= Fraction(integer(sign) * value, unit * scale)
            if not gated and value and on != (value > 0):
                slips.append(Fraction(value * value, scale * scale * dot(row, row)))
    need(max(slips) <= allowed * allowed * longest, "a neuron leaves its pattern")
    attained = dot(residual, residual) / 2 + lam * penalty
    rho: dict[Cell, list[tuple[int, Fraction]]] = {}
    for sign, pattern, row, value in document["multipliers"]:
        need(number(value) >= 0 and not gated, "a multiplier is negative")
        rho.setdefault((sign, pattern), []).append((row, number(value)))
    height = Fraction(0)
    for q, pattern in enumerate(patterns):
        active = [(nu[i], X[i]) for i in range(n) if pattern[i]]
        g = [Fraction(sum(x * row[c] for x, row in active), nu_unit * unit) for c in range(d)]
        for sign in (1, -1):
            total = [sign * x for x in g]
            for i, weight in rho.get((sign, q), ()):
                side = (weight if pattern[i] else -weight) / unit
                total = [t + side * x for t, x in zip(total, X[i], strict=True)]
            height = max(height, dot(total, total))
    share = min(Fraction(1), lam / root(height))
    along, square = dot(y, nu) / nu_unit, Fraction(dot(nu, nu), nu_unit * nu_unit)
    return attained, share * along - share * share * square / 2


number = Fraction.from_float  # of a finite double or an integer, which are exact fractions


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Multiply two vectors."""
    return sum((x * y for x, y in zip(a, b, strict=True)))


def grid(values: Iterable[Any]) -> tuple[list[int], int]:
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
        check = {EXISTENCE: check_existence, CONVEX: check_convex}[document["format"]]
        check(document)
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
