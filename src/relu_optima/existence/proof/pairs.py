r"""What pairs of neurons say: closed pairs make everything closed, an open pair has a plain limit.

**Width two.** Rectangles S_k x T_k and S_l x T_l that share a cell have a closed product set iff
S_k in S_l and T_l in T_k, or the reverse ("antinested"), or both are stars in one row or column.
Rectangles that share no cell always have one. *Proof.* "If" is a case of Theorem P, "only if" of
the limit below.

**Theorem P.** If every two neurons have a closed product set, so has every set of neurons.
*Proof.* By induction on the number of neurons; the hypothesis passes to subsets, so the set of all
neurons will do. *A star* {i} x T is free: L + R^{i x T} = L, so its cells may be erased. Another
neuron m that meets it is a star itself, or has T_m in T and loses row i altogether: rectangles stay
rectangles. Antinested ones stay so: let S_m in S_m', T_m' in T_m. If m meets the star,
T_m' in T_m in T and i is in S_m', so both lose row i; if only m' does, T contains T_m', which
T_m contains, so i is not in S_m. Stars in a column: transpose. *No stars left:* rectangles that
meet are antinested, and k <= l iff they meet, S_k in S_l and T_l in T_k, is transitive (the chain
k <= l <= m meets in S_k x T_m). Let neuron 1 be minimal. Every neuron l that meets
B = S_1 x T_1 has S_1 in S_l and T_l in T_1, so all its cells in rows S_1 lie in B, and L is
invariant under M -> Q M on B, Q an orthogonal map of R^{S_1}. Let M_n in L converge. Rotate
u_1/|u_1| to e_i, i in S_1 fixed; the rotations converge to Q on a subsequence, and the rotated
M_n lie in the set L' in which neuron 1 is the star {i} x T_1. Erasing that star takes row i from
the neurons that meet B and leaves rectangles pairwise antinested or disjoint: let S_l in S_l',
T_l' in T_l; if l meets B then T_l' in T_1 and l' does too; if only l' meets B and i is in S_l, then
T_l does not meet T_1, but contains T_l', which does. One neuron less: L' is closed, so
Q M in L', and M in Q^{-1} L' in L. QED

**The limit of a pair.** Let p live on S_k & S_l, q on T_k & T_l, x on S_k | S_l, y on T_k | T_l.
Then A = p y^T + x q^T is a limit of members of L_{k,l}: with x = x_k - x_l and y = y_k - y_l on the
supports, (p + eps x_k)(q/eps + y_k)^T - (p + eps x_l)(q/eps + y_l)^T -> A. Let p, x and q, y be
independent, so that A has rank two. A is no member if x leaves the supports of both neurons, or y
does, or x and y leave those of one neuron m. *Proof.* In a member u_k = [p x] a_k and
v_k = [y q] b_k, as im A and row A have dimension two, and a_k b_k^T + a_l b_l^T is the 2 x 2
identity. The second entry of a_m is 0 where x leaves S_m, the first of b_m where y leaves T_m. If
x leaves both, a_k and a_l are dependent; the same for y. If x and y leave those of m, then
a_m b_m^T is 0 but for entry (1, 2), so entries (1, 1), (2, 1) and (2, 2) of the other neuron's
product are 1, 0 and 1, which no rank-one matrix has. QED
Where a pair is not antinested, vectors without zeros on these sets fulfil this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof.linear import meetings, rectangles, row_sizes
from relu_optima.existence.proof.values import in_range, vector

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask

Vector = dict[int, Fraction]


def check_pairs(masks: Sequence[Mask]) -> list[str]:
    """Check that every two neurons have a closed product set (Theorem P)."""
    _, rows, columns = rectangles(masks)
    heights, widths = row_sizes(rows), row_sizes(columns)
    for a, b, s, t in meetings(rows, columns):
        antinested = (s == heights[a]) & (t == widths[b]) | (s == heights[b]) & (t == widths[a])
        stars = (heights[a] == 1) & (heights[b] == 1) | (widths[a] == 1) & (widths[b] == 1)
        if not (antinested | stars).all():
            return ["two neurons have a product set that is not closed"]
    return []


def check_open_pair(
    masks: list[np.ndarray], proof: dict[str, Any]
) -> tuple[list[str], set[int], set[int]]:
    """Check that A = p y^T + x q^T is a limit of two neurons' products, and none of them."""
    lower, upper = (mask.astype(bool) for mask in masks)
    pair = proof["neurons"]
    if not in_range(pair, len(lower)) or len(pair) != 2:
        return ["the pair is not two neurons"], set(), set()
    (s_k, s_l), (t_k, t_l) = upper.T[pair], lower[pair]
    p, x = vector(proof["p"], s_k & s_l), vector(proof["x"], s_k | s_l)
    q, y = vector(proof["q"], t_k & t_l), vector(proof["y"], t_k | t_l)
    rows, columns = unit_vectors(p, x), unit_vectors(q, y)
    if rows is None or columns is None:
        return ["the limit of the pair has rank below two"], set(), set()
    tall = [any(not s[i] for i in x) for s in (s_k, s_l)]
    wide = [any(not t[j] for j in y) for t in (t_k, t_l)]
    if not (all(tall) or all(wide) or (tall[0] and wide[0]) or (tall[1] and wide[1])):
        return ["the limit of the pair is a product of it"], set(), set()
    return [], rows, columns


def unit_vectors(a: Vector, b: Vector) -> set[int] | None:
    """List the unit vectors in the span of two vectors.

    Of the pairs (a_i, b_i) other than 0, all but the one at i must be multiples of one pair.
    """
    zero = Fraction(0)
    directions: dict[Fraction | None, list[int]] = defaultdict(list)
    for i in {*a, *b}:
        directions[b.get(i, zero) / a[i] if i in a else None].append(i)
    if len(directions) < 2:
        return None
    if len(directions) > 2:
        return set()
    return {places[0] for places in directions.values() if len(places) == 1}
