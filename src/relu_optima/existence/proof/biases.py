r"""Optima on finite data where biases are missing: which neurons and outputs Theorem F counts.

One hidden layer, neuron k feeding the outputs S_k and seeing the inputs T_k, some hidden and some
output biases free, the others 0. Neurons without output are dropped. A neuron without input that
has a bias makes any constant on its outputs; C is the set of outputs that have a bias or are fed by
such a neuron, so that the constants are exactly R^C. A neuron with input but without bias that
sees one input j only is *fixed*: it adds u relu(x_j) or u relu(-x_j), for each of the two signs a
linear space of functions. The other neurons with input are *movable*: on data that move along a
line, x_j = s + beta_j with different beta_j > 2, their preactivations are all a s + b (by the bias,
or by two inputs).

**Missing biases.** (i) If any two movable neurons that share an output feed only that output, and
the outputs of each movable neuron are alike (all in C or none, and fed by the same fixed neurons),
every finite data set has an optimum, for the losses of Theorem F. *Proof.* For each of the finitely
many choices of signs of the fixed neurons, row i of the outputs ranges over a linear space W_i,
spanned by the vectors of the fixed neurons that feed it and by 1 if i is in C, plus what movable
neurons add. A row fed by movable neurons that feed nothing else ranges over a sum of W_i and of
the cones +-K_k, K_k = {relu(X^T v + b)} a finite union of polyhedral cones: closed. The rows of a
movable neuron that feeds several have one common W; modulo W they range over {u w^T : w in P K_k},
P K_k a closed cone, and with |w| = 1 the vector u stays bounded: closed. Rows of different kinds
share no parameter.
(ii) If two movable neurons share an output and one of them feeds another output as well, some data
set has no optimum. *Proof.* That of Theorem F, with r the number of movable neurons and inputs
x_j = s + beta_j: constants and fixed neurons are affine in s >= -2 and have no second difference,
and the curve of Theorem F uses neither.
(iii) If a movable neuron k feeds an output i0 in C and an output i1 outside C, no other movable
neuron feeds i0 or i1, and no fixed neuron that sees one of the inputs J does, J in T_k one input or
two if k has no bias, then some data set has no optimum. *Proof.* Two points s = 0, 1: the first
input of J is s, the second 1, all others 0; the target is s in row i0, 1 in row i1 and 0 elsewhere.
With relu(s + B), u_i0 = 1, the constant -B in row i0 and u_i1 = 1 / B the loss tends to 0. In an
exact fit row i1 makes the neuron's values constant, as nothing else reaches it, so row i0 is
constant too, which s is not.

Where all hidden biases are free no neuron is fixed, and one of the three cases always holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relu_optima.existence.proof.document import Biases
from relu_optima.existence.proof.values import in_range, index


@dataclass(frozen=True)
class Roles:
    """What the neurons and outputs of one hidden layer are to the theorem on missing biases.

    Attributes
    ----------
    movable, fixed : array of bool, shape (r,)
        Neurons with input and output: movable ones, and those tied to one input.
    constant : array of bool, shape (m,)
        The outputs C that reach every constant.
    """

    movable: np.ndarray
    fixed: np.ndarray
    constant: np.ndarray


def roles(masks: list[np.ndarray], biases: Biases) -> Roles:
    """Tell movable neurons, fixed neurons and outputs with constants apart."""
    lower, upper = masks
    inputs, feeds = lower.sum(axis=1), np.asarray(upper.any(axis=0))
    fixed = feeds & ~biases.hidden & (inputs == 1)
    movable = feeds & (inputs > 0) & ~fixed
    makers = biases.hidden & (inputs == 0)
    return Roles(movable, fixed, biases.output | upper[:, makers].any(axis=1))


def check_missing_biases(
    masks: list[np.ndarray], answer: str, proof: dict[str, Any], biases: Biases
) -> list[str]:
    """Check case (i) or (iii); case (ii) is checked with Theorem F, on the movable neurons."""
    of = roles(masks, biases)
    lower, upper = (mask.astype(bool) for mask in masks)
    if answer == "always":
        for several in np.flatnonzero(of.movable & (upper.sum(axis=0) >= 2)):
            rows = upper[:, several]
            if upper[rows][:, of.movable].sum() != rows.sum():
                return ["two movable neurons share an output and feed another one"]
            kinds = np.column_stack([of.constant[rows], upper[rows][:, of.fixed]])
            if (kinds != kinds[0]).any():
                return ["the outputs of a movable neuron are not alike"]
        return []
    k, with_constant, without = _integers(proof, ("neuron", "constant", "other"), masks)
    columns = proof["columns"]
    if not of.movable[k] or not (upper[with_constant, k] and upper[without, k]):
        return ["the neuron is not movable or does not feed the two outputs"]
    if not of.constant[with_constant] or of.constant[without]:
        return ["not one output with constants and one without"]
    wanted = 1 if biases.hidden[k] else 2
    if not in_range(columns, lower.shape[1]) or len(columns) != wanted:
        return ["the inputs that move are not one, or two for a neuron without bias"]
    if not lower[k, columns].all():
        return ["the neuron does not see the inputs that move"]
    others = (upper[with_constant] | upper[without]) & (np.arange(len(lower)) != k)
    if (others & of.movable).any():
        return ["another movable neuron feeds one of the two outputs"]
    if (others & of.fixed & lower[:, columns].any(axis=1)).any():
        return ["a fixed neuron that sees the inputs feeds one of the two outputs"]
    return []


def _integers(
    proof: dict[str, Any], names: tuple[str, str, str], masks: list[np.ndarray]
) -> tuple[int, int, int]:
    outputs, width = masks[1].shape
    return (
        index(proof[names[0]], width),
        index(proof[names[1]], outputs),
        index(proof[names[2]], outputs),
    )
