"""Repair a pattern: few entries to delete, or to add, so that an optimum always exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.errors import DataError, SolveInputError
from relu_optima.existence.decision import decide_layers
from relu_optima.existence.networks import network_layers
from relu_optima.existence.repair_pairs import repair_pairs
from relu_optima.existence.repair_stars import repair_stars
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.layers import FREE, mask_layers
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from torch import nn

    from relu_optima.existence.networks import Network

QUESTIONS = ("finite", "function", "product")
CHANGES = ("delete", "add")
MAX_PAIR_CELLS = 4_000_000  # cells of the masks whose pairs of neurons are compared again and again


@dataclass(frozen=True)
class Repair:
    """A pattern of one hidden layer, changed so that a question is answered by yes.

    Attributes
    ----------
    question : str
        ``finite``, ``function`` or ``product``.
    change : str
        ``delete`` or ``add``.
    before, after : Verdict
        Certified verdicts on the masks that were given and on those that result.
    masks : list of array of uint8
        The masks that result, first layer first.
    changed : list of (int, int, int)
        Layer (from 0), row and column of every entry deleted or added.
    lower_bound : int
        No fewer changes reach the condition that `repair` aims at: proved in exact arithmetic.
    """

    question: str
    change: str
    before: Verdict = field(repr=False)
    after: Verdict = field(repr=False)
    masks: list[np.ndarray] = field(repr=False)
    changed: list[tuple[int, int, int]]
    lower_bound: int

    @property
    def fewest(self) -> bool:
        """Whether it is proved that no fewer changes reach the condition that was aimed at."""
        return len(self.changed) == self.lower_bound


def repair(
    masks: Network | nn.Module,
    question: str = "finite",
    change: str = "delete",
    time_limit: float = 10.0,
) -> Repair:
    r"""Change few entries of two masks so that an optimum always exists.

    Finite data, by Theorem F: delete entries until any two neurons that share an output feed
    nothing else. Of the graph of outputs and neurons a forest of stars is left; a neuron may also
    be cut off from its inputs. With x = 1 at the centres of stars (and at lone outputs) and d = 1
    at neurons cut off, the number of deleted entries is

    .. math:: \sum_k (1 - d_k)(|S_k| - 1) + d_k |T_k| - m + \sum_v x_v,

    minimal over 0/1 vectors with :math:`x_v + \sum_{w \sim v} x_w + d_v \ge 1` (a forest of stars
    has as many edges as vertices minus centres, and its centres dominate). Solved as an integer
    program; the lower bound is a dual solution of its linear relaxation, in rational arithmetic.

    Function set and product set, by Theorem P: change entries until every two neurons have a
    closed product set. This suffices, and for the function set rule B6 shows that little less would
    do. Small patterns are an integer program, in others pairs are closed one by one, the cheapest
    first. The lower bound adds up what pairs without a common neuron need, as each entry belongs to
    one neuron.

    Parameters
    ----------
    masks : sequence of two matrices (n_out, n_in), or torch.nn.Module
        As `decide` takes them; biases free.
    question : str, optional
        What is to hold: ``finite`` (every finite data set has an optimum), ``function`` or
        ``product`` (the set is closed).
    change : str, optional
        ``delete`` entries or ``add`` some; adding never helps ``finite``.
    time_limit : float, optional
        Wall-clock seconds of each of the two decisions, > 0; the repair itself counts its work.

    Returns
    -------
    Repair
        The new masks with verdicts before and after; nothing is changed where the answer is yes
        already.

    Raises
    ------
    DataError
        If the masks are not those of one hidden layer with free biases, or are too large.
    SolveInputError
        If question or change are not among those above, or adding is asked for ``finite``.

    References
    ----------
    Ferneyhough, Haas, Hanson, MacGillivray, "Star forests, dominating sets and Ramsey-type
    problems", Discrete Mathematics 245 (2002): a largest forest of stars has as many edges as
    vertices minus a smallest dominating set.
    """
    if question not in QUESTIONS:
        raise SolveInputError(
            f"{question!r} was given", where="question", allowed=", ".join(QUESTIONS)
        )
    if change not in CHANGES:
        raise SolveInputError(f"{change!r} was given", where="change", allowed=", ".join(CHANGES))
    if question == "finite" and change == "add":
        raise SolveInputError(
            "more entries never help finite data", where="change", allowed="'delete'"
        )
    layers = network_layers(masks)
    if len(layers) != 2 or any(layer.bias != FREE for layer in layers):
        raise DataError(
            f"{len(layers)} layers were given, or biases are missing",
            where="masks",
            allowed="one hidden layer with free biases",
        )
    old = dense([layer.mask for layer in layers])
    if question != "finite" and sum(mask.size for mask in old) > MAX_PAIR_CELLS:
        raise DataError("they are too large", where="masks", allowed=f"{MAX_PAIR_CELLS} cells")
    before = decide_layers(layers, time_limit)
    answers = {
        "finite": before.optimum,
        "function": before.function_set,
        "product": before.product_set,
    }
    if answers[question] in ("always", "closed"):
        return Repair(question, change, before, before, old, [], 0)
    new, bound = repair_stars(old) if question == "finite" else repair_pairs(old, change)
    changed = [
        (number, int(i), int(j))
        for number, (a, b) in enumerate(zip(old, new, strict=True))
        for i, j in np.argwhere(a != b)
    ]
    after = decide_layers(mask_layers(new), time_limit)
    return Repair(question, change, before, after, new, changed, bound)
