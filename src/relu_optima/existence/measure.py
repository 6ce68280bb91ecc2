r"""How many targets lack an optimum: a proof that they have measure zero, where there is one.

**Measure zero.** Let C be the cells that the products reach, and let formulas (programs of rule C6)
give factors of every matrix on C for which no divisor vanishes. Then L contains all of R^C but a
proper algebraic subset. Let X have full row rank. For W in R^C the loss ||W X - Y||^2 is that of
the best A(Y) in R^C plus the square of a norm of W - A(Y), so Y has an optimum if A(Y) is in L.
Y -> A(Y) is linear and onto R^C, so the targets without optimum lie in a proper algebraic subset:
they have measure zero. Cells that neurons fill freely (`proof.closed`) need no formula, and
components without common cells are asked one by one. If the dimension of L is less than |C|, or no
formulas are found, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relu_optima.existence.deadline import check_time
from relu_optima.existence.filling_search import generic_program
from relu_optima.existence.proof.filling import check_generic
from relu_optima.existence.proof.linear import PRIME, boolean_product, rank_mod_p
from relu_optima.existence.reduction import reduce_pattern

MAX_CELLS = 400  # of the support, for its dimension


@dataclass(frozen=True)
class BadTargets:
    """What is known of the matrices that products approach but do not reach.

    Attributes
    ----------
    cells : int
        Entries that the products reach: targets elsewhere add a constant to the loss.
    dimension : int or None
        Dimension of the set of products at a random point; None for more than 400 cells.
    measure_zero : bool
        Whether it is proved that targets of linear regression without optimum have measure zero.
    """

    cells: int
    dimension: int | None
    measure_zero: bool


def measure_bad_targets(lower: np.ndarray, upper: np.ndarray, deadline: float) -> BadTargets:
    """Measure the targets that have no optimum."""
    cells = boolean_product(upper, lower).astype(bool)
    count = int(cells.sum())
    if count > MAX_CELLS:
        return BadTargets(count, None, False)
    dimension = _dimension(lower, upper, cells)
    if dimension < count:
        return BadTargets(count, dimension, False)
    reduced = reduce_pattern(lower, upper, cap=False, deadline=deadline)
    for component in reduced.components:
        check_time(deadline)
        program = generic_program(component, reduced.observed, deadline)
        plain = [(p.neuron, list(p.rows), list(p.columns)) for p in component]
        if program is None or check_generic(plain, reduced.observed, program):
            return BadTargets(count, dimension, False)
    return BadTargets(count, dimension, True)


def _dimension(lower: np.ndarray, upper: np.ndarray, cells: np.ndarray) -> int:
    """Compute the rank of the derivative of the product at a random point."""
    rng = np.random.default_rng(0)
    U, V = (np.where(mask, rng.integers(1, PRIME, mask.shape), 0) for mask in (upper, lower))
    rows, columns = np.nonzero(cells)
    lines = [np.where(rows == i, V[k, columns], 0) for i, k in np.argwhere(upper)]
    lines += [np.where(columns == j, U[rows, k], 0) for k, j in np.argwhere(lower)]
    return rank_mod_p(np.array(lines))
