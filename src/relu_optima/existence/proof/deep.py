"""Check answers about closed chains with several hidden layers: trees and paths.

A neuron is *live* if it lies on a path from an input to an output; the others add constants, which
the biases above them absorb. All biases are free.

**Trees.** If every live neuron below the last hidden layer feeds one live neuron only, and any two
live neurons of the last hidden layer that share an output feed only that output, every finite data
set has an optimum (for the losses of Theorem F). *Proof.* relu(c s) = c relu(s) for c > 0. So, from
the last hidden layer downwards, the size of the one weight w != 0 with which a neuron feeds the
next layer may be moved into the neuron's own weights and bias: all weights between hidden neurons
become -1, 0 or 1. For each of these finitely many choices the values of a last hidden neuron on the
data are a continuous, positively homogeneous, piecewise linear function of the weights from the
inputs and of the biases, which range over a linear space. So they range over a finite union K_k of
polyhedral cones, and independently for different k, as their trees are disjoint. With these K_k the
proof of Theorem F, (ii) => (i), holds word for word. ∎

**Paths.** If moreover every live neuron above the first hidden layer sees one live neuron only, and
no output is fed by two live neurons, the function set is closed (on a box, uniform norm).
*Proof.* The outputs split into blocks without common parameters, one for each path: the functions
u g(v.x) + c with supp u in S, supp v in T, where g = relu, with one hidden layer, or, with several,
any monotone function with at most two kinks and one piece that is not constant (weights w > 0 and
b + w relu, b > 0, make one kink; b - |w| relu, cut off at 0, makes two; more layers pass on what is
not negative). Let f_n -> f uniformly, f not constant. Scale v_n to length one and g_n to range
[0, 1] on the box: then v_n -> v and u_n -> u on a subsequence, as u_n is the range of each
coordinate up to sign, and g_n(v_n.x) converges uniformly. If the width of the part on which g_n
rises tended to 0, the limit would jump, so it does not, and g_n tends to a function of the same
kind; with one hidden layer g_n has one kink, and so has its limit. Coordinates outside S stay 0. ∎
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.existence.proof.linear import column_sizes, row_sizes

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask


def check_trees(masks: Sequence[Mask]) -> list[str]:
    """Check the hypotheses of the rule of trees."""
    live = _live_layers(masks)
    if any((column_sizes(layer) > 1).any() for layer in live[1:-1]):
        return ["trees: a neuron feeds two neurons"]
    last = live[-1]
    several, shared = column_sizes(last) > 1, row_sizes(last) > 1
    if row_sizes(last[shared][:, several]).any():
        return ["trees: two neurons share an output and feed another one"]
    return []


def check_paths(masks: Sequence[Mask]) -> list[str]:
    """Check the hypotheses of the rule of paths."""
    live = _live_layers(masks)
    if any((row_sizes(layer) > 1).any() for layer in live[1:]):
        return ["paths: a neuron or an output sees two neurons"]
    if any((column_sizes(layer) > 1).any() for layer in live[1:-1]):
        return ["paths: a neuron feeds two neurons"]
    return []


def _live_layers(masks: Sequence[Mask]) -> list[Mask]:
    """Keep the rows and columns of hidden neurons that lie on a path from input to output."""
    fed = [np.ones(masks[0].shape[1], bool)]
    for mask in masks[:-1]:
        fed.append(row_sizes(mask[:, np.flatnonzero(fed[-1])]) > 0)
    feeding = [np.ones(masks[-1].shape[0], bool)]
    for mask in reversed(masks[1:]):
        feeding.append(column_sizes(mask[np.flatnonzero(feeding[-1])]) > 0)
    kept = [np.flatnonzero(a & b) for a, b in zip(fed[1:], reversed(feeding[1:]), strict=True)]
    kept = [np.arange(masks[0].shape[1]), *kept, np.arange(masks[-1].shape[0])]
    return [
        mask[above][:, below] for mask, below, above in zip(masks, kept, kept[1:], strict=False)
    ]
