r"""Check answers about finite data: Theorem F for one hidden layer, clusters and trees for more.

**Theorem F.** Let neuron k feed the outputs S_k and see the inputs T_k (neurons with empty S_k
or T_k dropped), hidden biases free. The following are equivalent: (i) for every finite data set
and every loss that is lower semicontinuous with bounded sublevel sets in the outputs (squared,
Huber, l_p) an optimum exists; (ii) for any k != l, S_k and S_l are disjoint or are the same one
output. Output biases all free; where biases are missing see `proof.biases`.

*(ii) => (i).* The outputs split into independent blocks: the rows of one neuron alone, or one row
fed by neurons that feed nothing else. For fixed X the vectors relu(X^T v + b) form a finite union
of polyhedral cones K_k. One row: the sum of the cones +-K_k, a finite union of polyhedral cones,
is closed. One neuron alone: {u w^T : w in P K_k}, P K_k a closed cone (P projects off constants);
with |w| = 1 the vector u = M w stays bounded, so the set is closed.

*not (ii) => (i) fails.* Take i0 in S_k and S_l, and another i1 in S_k. All inputs move along one
line, at s = -2, -1, ..., 2r - 2 (r neurons left, 2r + 1 points). Targets: row i0 is
2 [s > 0] + [s = 0], row i1 is max(s, 0), and for the q-th other neuron, q = 1..r-2, one row of its
S gets max(s - p, 0), p = 2q + 1. *Infimum 0:* neuron k: relu(s + eps), u = e_i0 / eps + e_i1;
neuron l: relu(s - eps), u = -e_i0 / eps; the others exact. Row i0 is exact for eps < 1, row i1
errs by at most eps. *Not attained:* a neuron has one kink along s, so its second difference lives
on at most two adjacent interior points and D2 Y = sum_k u_k d_k^T. Column -1 of D2 Y is e_i0,
column 0 is e_i1, column 1 is -e_i0, each column p is one unit vector, all others are 0. Each of
the r - 2 columns p needs a neuron of its own, which cannot touch -1, 0, 1. So at most two neurons
touch these; none touches both -1 and 1; so exactly one touches -1, its u is parallel to e_i0,
and exactly one touches 1, its u too; then column 0 is parallel to e_i0, a contradiction. No
support was used, so no mask can help.

**Other activations.** Theorem F holds word for word for every continuous activation with one kink,
sigma(s) = s for s >= 0 and a s for s < 0, a != 1 fixed: leaky ReLU, PReLU with a slope that is not
trained, |s| (a = -1). *(ii) => (i)* uses that {sigma(X^T v + b)} is a finite union of polyhedral
cones. *not (ii):* the targets are 2 [s > 0] + (1 + a) [s = 0] + 2 a [s < 0] in row i0, sigma(s) in
row i1 and sigma(s - p) for the others; the same curve makes row i0 exact where |s| >= eps or s = 0,
and every second difference that the proof names is (1 - a) times what it is for ReLU.

**More hidden layers.** If the set of products is not closed, some finite data set has no optimum
(squared loss, free output biases). Let A be a limit of products, refuted on a window with n inputs,
other inputs zero. Where the layers below have fixed activations, the preactivation of a neuron is
affine, so it changes sign on a hyperplane at most. r hyperplanes cut a region into at most
sum_{j <= n} binom(r, j) regions; so if r_l neurons of layer l see the window and are seen by an
output, all layers together have at most

    H = sum_l r_l N_{l-1},   N_0 = 1,   N_l = N_{l-1} sum_{j <= n} binom(r_l, j)

hyperplanes. Take n H + 1 clusters of which no hyperplane meets more than n (`patterns.clusters`),
targets A x. Some cluster is met by none of them. There, layer by layer, all signs are fixed and the
network is affine with slope W_L D_{L-1} ... D_1 W_1, D_l diagonal with entries 0 and 1, which the
factors absorb: a fit of all points would put the window of A into the window of the products.
*Infimum 0:* linear networks with products -> A are ReLU networks on a bounded set, with large
hidden biases; the output biases remove the constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.existence.proof.biases import check_missing_biases, roles
from relu_optima.existence.proof.deep import check_trees
from relu_optima.existence.proof.document import Biases
from relu_optima.existence.proof.linear import column_sizes, has_ones, row_sizes
from relu_optima.existence.proof.values import index
from relu_optima.patterns.sparse import dense

if TYPE_CHECKING:
    from relu_optima.patterns.sparse import Mask


def _counted_neurons(masks: Sequence[Mask], biases: Biases | None) -> np.ndarray:
    """List the hidden neurons with input and output; where biases are missing the movable ones."""
    if biases is not None:
        return np.flatnonzero(roles(dense(masks), biases).movable)
    return np.flatnonzero((row_sizes(masks[0]) > 0) & (column_sizes(masks[1]) > 0))


def _clusters_needed(masks: list[np.ndarray], columns: list[int]) -> int:
    """Count the clusters, n H + 1, of which one lies where the network is affine."""
    seen_by_output = [np.ones(masks[-1].shape[0], bool)]
    for mask in reversed(masks[1:]):
        seen_by_output.append(mask[seen_by_output[-1]].any(axis=0))
    n, regions, hyperplanes = len(columns), 1, 0
    sees = np.zeros(masks[0].shape[1], bool)
    sees[columns] = True
    for mask, wanted in zip(masks[:-1], reversed(seen_by_output[1:]), strict=True):
        sees = mask[:, sees].any(axis=1) & wanted
        r = int(sees.sum())
        hyperplanes += r * regions
        regions *= sum(math.comb(r, j) for j in range(min(n, r) + 1))
    return n * hyperplanes + 1


def check_finite(
    masks: Sequence[Mask],
    answer: str,
    proof: dict[str, Any],
    product: dict[str, Any],
    biases: Biases | None = None,
) -> list[str]:
    """Check an answer to the finite-data question."""
    rule = proof.get("rule")
    if answer == "unknown":
        return []
    if rule == "no hidden layer" and answer == "always":
        return [] if len(masks) == 1 else ["there is a hidden layer"]
    if rule == "clusters" and answer == "not_always":
        return _check_clusters(dense(masks), proof, product)
    if rule == "trees" and answer == "always":
        return check_trees(masks) if len(masks) > 2 else ["trees: there is one hidden layer"]
    if biases is not None and (rule == "output biases" or answer == "always"):
        return check_missing_biases(dense(masks), answer, proof, biases)
    if rule != "Theorem F" or len(masks) != 2:
        return [f"rule {rule!r} does not prove that there is an optimum {answer!r}"]
    live = _counted_neurons(masks, biases)
    feeds = masks[1][:, live]
    if answer == "always":
        several, shared = column_sizes(feeds) >= 2, row_sizes(feeds) >= 2
        clash = row_sizes(feeds[shared][:, several]).any()
        return ["two neurons share an output and feed another one"] if clash else []
    outputs, width = masks[1].shape
    k, l = (index(neuron, width) for neuron in proof["neurons"])  # noqa: E741
    i0, i1 = (index(proof[name], outputs) for name in ("row_shared", "row_other"))
    others = [index(neuron, width) for neuron, _ in proof["row_of"]]
    rows_of_others = [index(row, outputs) for _, row in proof["row_of"]]
    problems = []
    if k == l or i0 == i1 or sorted([k, l, *others]) != live.tolist():
        problems.append("the neurons are not the live ones, each once")
    elif not has_ones(masks[1], [i0, i0, i1], [k, l, k]):
        problems.append("the two neurons do not feed the rows the proof needs")
    elif not has_ones(masks[1], rows_of_others, others):
        problems.append("a remaining neuron does not feed its row")
    return problems


def _check_clusters(
    masks: list[np.ndarray], proof: dict[str, Any], product: dict[str, Any]
) -> list[str]:
    if len(masks) <= 2:
        return ["one hidden layer is decided by Theorem F alone"]
    if product["answer"] != "not_closed":
        return ["the product set is not proved not closed"]
    columns = product["proof"]["refutation"]["columns"]
    if sorted(proof["columns"]) != sorted(columns):
        return ["the window is not the one on which the limit is refuted"]
    if proof["clusters"] != _clusters_needed(masks, columns):
        return ["the number of clusters is not what the widths need"]
    return []
