r"""The least width of the optimal networks of a spline, in closed form.

Every optimal network has the values f of the spline at the data and costs R(f), so its neurons,
read as ramps at data points, cancel nowhere: at a knot they all bend as the knot does. A neuron
whose kink lies strictly between two neighbouring data points is a combination of the ramps at
both, with positive weights; so one neuron serves one knot, or two knots at *neighbouring* points
that bend alike and ramp to the same side. A run of a such knots at consecutive points needs
ceil(a / 2) neurons. (Debarre et al., "Sparsest piecewise-linear regression of one-dimensional
data", 2022, count kinks this way where slopes cost nothing.)

What remains is which neurons ramp to the left. With c = 0 if |e| <= TV and c = (e -+ TV) / 2
beyond, the first slope is s_1 = c - sum L_k, so the left ramps have a given sum. Starting from all
falls to the left (all rises, if the ends fall), the slope changes that are moved to the other side
must add up to a number `need` in [0, TV].

* |e| >= TV: need = 0, so no neuron is moved. If |e| > TV, a linear part of weight |c| is added;
  it is a ramp at the first point (to the right) or the last (to the left), of the sign of e or
  against it, so it joins a run of odd length there that bends and ramps alike; else it is one
  neuron more.
* |e| < TV: moving neurons one after the other until one is split reaches every need, with one
  neuron more than the runs need. None more are needed if some choice reaches `need` exactly: whole
  neurons (a subset sum) and, in runs of odd length >= 3, the cut inside a knot that two neurons of
  different sides share. This is decided by meeting in the middle up to 2 * HALF choices; beyond
  that the answer is a pair of bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

HALF = 4096  # sums listed for each half: at 1e-12 a chance hit among 2^24 has odds of 1e-5
SAME = 1e-12  # sums that differ by less, relative to TV, are equal: the rounding of slopes
TIE = 1e-12  # |e| and TV that differ by less, relative to TV, are equal


@dataclass(frozen=True)
class Cover:
    """Ramps that make a spline with as few neurons as known, and how few there can be.

    Attributes
    ----------
    place, height : array, shape (m,)
        Kinks and weights of the ramps.
    left : array of bool, shape (m,)
        Which ramps rise to the left.
    least : int
        No optimal network has fewer neurons.
    """

    place: np.ndarray
    height: np.ndarray
    left: np.ndarray
    least: int


@dataclass(frozen=True)
class Knots:
    """Slope changes to be covered: abscissa, size, sign, and index of the data point."""

    place: np.ndarray
    size: np.ndarray
    sign: np.ndarray
    index: np.ndarray


Chain = list[int]  # knots at consecutive points that bend alike
Part = tuple[list[tuple[int, float]], bool]  # the shares of knots that a neuron takes; is it moved
Neuron = tuple[float, float, float, bool]  # kink, size, sign, is it moved


def cover_spline(
    x: np.ndarray, f: np.ndarray, index: np.ndarray, last: int, *, sparsest: bool
) -> Cover:
    """Cover the spline through (x, f), whose nodes are the given data points, by ramps.

    `last` is the index of the last data point. Neurons stay at the knots unless `sparsest`.
    """
    slopes = np.diff(f) / np.diff(x)
    changes = np.diff(slopes)
    total, ends = float(np.abs(changes).sum()), float(slopes[0] + slopes[-1]) if x.size > 1 else 0.0
    side = 1.0 if ends >= 0 else -1.0
    kept = np.flatnonzero(changes)
    knots = Knots(x[1:-1][kept], np.abs(changes[kept]), np.sign(changes[kept]), index[1:-1][kept])
    need = 0.0
    if abs(ends) < total * (1 - TIE):
        against = float(changes[changes * side < 0].sum())
        need = min(max(-side * float(slopes[0]) - side * against, 0.0), total)
    elif abs(ends) > total * (1 + TIE):
        knots = _with_linear_part(knots, 0.5 * (abs(ends) - total), side, x, last, sparsest)
    chains = _chains(knots, sparsest)
    neurons, least = _assign(knots, chains, need, SAME * total, sparsest)
    place, size, sign, moved = np.array(neurons, dtype=np.float64).reshape(-1, 4).T
    left = (sign == -side) != (moved > 0)
    return Cover(place, size * sign, left, least)


def _with_linear_part(
    knots: Knots, weight: float, side: float, x: np.ndarray, last: int, sparsest: bool
) -> Knots:
    """Append the linear part as a knot at that end where it costs no neuron, if there is one."""
    odd = [c for c in _chains(knots, True) if len(c) % 2] if sparsest else []
    joins_first = any(knots.index[c[0]] == 1 and knots.sign[c[0]] == side for c in odd)
    joins_last = any(knots.index[c[-1]] == last - 1 and knots.sign[c[-1]] == -side for c in odd)
    if joins_last and not joins_first:
        ends = [
            np.append(column, value)
            for column, value in (
                (knots.place, x[-1]), (knots.size, weight), (knots.sign, -side), (knots.index, last)
            )
        ]  # fmt: skip
    else:
        ends = [
            np.append(value, column)
            for value, column in (
                (x[0], knots.place), (weight, knots.size), (side, knots.sign), (0, knots.index)
            )
        ]  # fmt: skip
    return Knots(*ends)


def _chains(knots: Knots, together: bool) -> list[Chain]:
    """Group knots at consecutive points that bend alike; each alone if they stay apart."""
    chains: list[Chain] = []
    for k in range(knots.place.size):
        joined = (
            together
            and k > 0
            and knots.index[k] == knots.index[k - 1] + 1
            and knots.sign[k] == knots.sign[k - 1]
        )
        if joined:
            chains[-1].append(k)
        else:
            chains.append([k])
    return chains


def _assign(
    knots: Knots, chains: list[Chain], need: float, same: float, sparsest: bool
) -> tuple[list[Neuron], int]:
    """Choose neurons and move a total of `need` across; also return the least number of neurons."""
    count = sum((len(c) + 1) // 2 for c in chains)
    if sparsest and same < need < float(knots.size.sum()) - same:
        choice, decided = _choose(knots, chains, need, same)
        if choice is not None:
            neurons = [n for c, parts in zip(chains, choice, strict=True)
                       for n in _neurons(knots, c, parts)]  # fmt: skip
            return neurons, count
        least = count + decided
    else:
        least = count
    neurons = []
    for chain in chains:
        for place, size, sign, _ in _neurons(knots, chain, _parts(knots, chain, 0, 1.0, ())):
            part = min(size, need)
            part = 0.0 if part <= same else size if part >= size - same else part
            need -= part
            neurons += [(place, part, sign, True)] if part > 0 else []
            neurons += [(place, size - part, sign, False)] if part < size else []
    return neurons, least if sparsest else len(neurons)


def _parts(
    knots: Knots, chain: Chain, shared: int, share: float, moved: tuple[bool, ...]
) -> list[Part]:
    """Cut a chain into neurons: pairs, the knot `shared` split so that `share` goes to the left.

    For a chain of odd length `shared` is an even position, counted from 0 at its second knot.
    """
    pieces: list[list[tuple[int, float]]] = []
    if len(chain) % 2 == 0 or len(chain) == 1:
        pieces = [[(k, 1.0) for k in chain[i : i + 2]] for i in range(0, len(chain), 2)]
    else:
        cut = 2 * shared + 1  # position of the shared knot
        for i in range(0, cut - 1, 2):
            pieces.append([(chain[i], 1.0), (chain[i + 1], 1.0)])
        pieces.append([(chain[cut - 1], 1.0), (chain[cut], share)])
        pieces.append([(chain[cut], 1.0 - share), (chain[cut + 1], 1.0)])
        for i in range(cut + 2, len(chain), 2):
            pieces.append([(chain[i], 1.0), (chain[i + 1], 1.0)])
    flags = moved or (False,) * len(pieces)
    return list(zip(pieces, flags, strict=True))


def _neurons(knots: Knots, chain: Chain, parts: list[Part]) -> list[Neuron]:
    """Put the kink of each neuron at the mean of its knots, weighted by what it takes of them."""
    neurons = []
    for pieces, moved in parts:
        sizes = [share * float(knots.size[k]) for k, share in pieces]
        base = float(knots.place[pieces[0][0]])
        shift = sum(
            s * (float(knots.place[k]) - base) for s, (k, _) in zip(sizes, pieces, strict=True)
        )
        neurons.append((base + shift / sum(sizes), sum(sizes), float(knots.sign[chain[0]]), moved))
    return neurons


@dataclass(frozen=True)
class Option:
    """One way to move neurons of a chain: the sums it reaches, and how."""

    low: float
    high: float
    shared: int
    moved: tuple[bool, ...]


def _options(knots: Knots, chain: Chain) -> tuple[list[Option], bool]:
    """List the ways to move neurons of a chain across, and whether these are all."""
    size = knots.size[chain]
    count, complete = (len(chain) + 1) // 2, True
    cuts = (len(chain) - 1) // 2 if len(chain) % 2 else 0
    options = []
    if (cuts or 1) * 2**count <= HALF:
        flags: list[tuple[bool, ...]] = list(product((False, True), repeat=count))
    else:  # only those that move a beginning or an end
        complete = False
        flags = [(True,) * i + (False,) * (count - i) for i in range(count + 1)]
        flags += [tuple(not b for b in f) for f in flags[1:-1]]
    for shared in range(cuts or 1):
        for moved in flags:
            low = high = 0.0
            for pieces, flag in _parts(knots, chain, shared, 0.0, moved):
                low += flag * sum(float(knots.size[k]) * share for k, share in pieces)
            high = low
            if cuts and moved[shared] != moved[shared + 1]:
                whole = float(size[2 * shared + 1])
                low, high = (low, low + whole) if moved[shared] else (low - whole, low)
            options.append(Option(low, high, shared, moved))
    return options, complete


def _choose(
    knots: Knots, chains: list[Chain], need: float, same: float
) -> tuple[list[list[Part]] | None, bool]:
    """Look for whole neurons, and cuts inside shared knots, that move exactly `need`."""
    order = sorted(range(len(chains)), key=lambda i: -float(knots.size[chains[i]].sum()))
    halves: list[list[int]] = [[], []]
    sizes, decided, left = [1, 1], True, need
    picked: dict[int, Option] = {}
    listed: dict[int, list[Option]] = {}
    for i in reversed(order):  # the small ones, among which an exact sum is most likely
        options, complete = _options(knots, chains[i])
        half = 0 if sizes[0] <= sizes[1] else 1
        if sizes[half] * len(options) > HALF:
            break
        listed[i], sizes[half] = options, sizes[half] * len(options)
        halves[half].append(i)
        decided = decided and complete
    for i in order:  # the others as they fit, the largest first
        if i in listed:
            continue
        decided = False
        count = (len(chains[i]) + 1) // 2
        whole = float(knots.size[chains[i]].sum())
        fits = whole <= left
        left -= fits * whole
        picked[i] = Option(fits * whole, fits * whole, 0, (fits,) * count)
    found = _meet([[listed[i] for i in half] for half in halves], left, same)
    if found is None:
        return None, decided
    for chosen, ways in zip(halves, found, strict=True):
        picked |= dict(zip(chosen, ways, strict=True))
    return _cut(knots, chains, picked, need), True


def _cut(
    knots: Knots, chains: list[Chain], picked: dict[int, Option], need: float
) -> list[list[Part]]:
    """Place the cuts of shared knots so that the sum is `need`."""
    left = need - sum(option.low for option in picked.values())
    choice = []
    for i, chain in enumerate(chains):
        option = picked[i]
        room = option.high - option.low
        take = min(max(left, 0.0), room)
        left -= take
        share = 0.0 if room == 0.0 else take / room
        if room > 0.0 and not option.moved[option.shared]:
            share = 1.0 - share
        choice.append(_parts(knots, chain, option.shared, share, option.moved))
    return choice


def _meet(
    halves: list[list[list[Option]]], need: float, same: float
) -> list[tuple[Option, ...]] | None:
    """Find one option of each chain whose sums reach `need`: meeting in the middle."""
    combined = []
    for half in halves:
        ways = list(product(*half))
        low = np.array([sum(o.low for o in way) for way in ways])
        high = np.array([sum(o.high for o in way) for way in ways])
        combined.append((ways, low, high))
    (ways, low, high), (other_ways, other_low, other_high) = combined
    order = np.argsort(other_low, kind="stable")
    reach = other_high[order]
    best = np.maximum.accumulate(reach)
    first = np.flatnonzero(np.concatenate([[True], reach[1:] > best[:-1]]))
    count = np.searchsorted(other_low[order], need - low + same, side="right")
    able = (count > 0) & (best[np.maximum(count, 1) - 1] >= need - high - same)
    if not able.any():
        return None
    k = int(np.flatnonzero(able)[0])
    holder = first[np.searchsorted(first, count[k], side="left") - 1]
    return [ways[k], other_ways[int(order[holder])]]
