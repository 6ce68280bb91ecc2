"""The three answers about one pattern, with their certificate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from relu_optima.errors import BudgetError, DegenerateError
from relu_optima.existence.certificate import Certificate
from relu_optima.existence.clusters import cluster_dataset
from relu_optima.existence.deadline import TIME_LIMIT, TimeUp
from relu_optima.existence.divergence import Divergence, curve_divergence
from relu_optima.existence.finite_data import counterexample
from relu_optima.existence.measure import BadTargets, measure_bad_targets
from relu_optima.existence.proof.document import unpack_biases, unpack_masks
from relu_optima.patterns.sparse import dense


@dataclass(frozen=True)
class Verdict:
    """What is known about the existence of optima for a sparsity pattern.

    Attributes
    ----------
    product_set : str
        ``closed``, ``not_closed`` or ``unknown``: is {W_L ... W_1 : W_l on its mask} closed.
    function_set : str
        The same for the network functions on a box in the uniform norm, biases free.
    optimum : str
        ``always``, ``not_always`` or ``unknown``: does every finite data set have an optimum
        under the squared loss.
    method : str
        Rule that decided the product set, or why it is unknown.
    seconds : float
        Wall-clock seconds of the decision.
    certificate : Certificate
        Proofs of all three answers.
    """

    product_set: str
    function_set: str
    optimum: str
    method: str
    seconds: float
    certificate: Certificate = field(repr=False)

    @property
    def timed_out(self) -> bool:
        """Whether the time limit ended the search for an answer."""
        document = self.certificate.document
        parts = (document[question] for question in ("product", "function", "finite"))
        return any(part["proof"].get("reason") == TIME_LIMIT for part in parts)

    def counterexample_dataset(self, negative_slope: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return at most 2 r + 1 points on which no optimum exists.

        Parameters
        ----------
        negative_slope : float, optional
            Slope a != 1 of the activation max(s, 0) + a min(s, 0): 0 for ReLU, -1 for the modulus.

        Returns
        -------
        (array, shape (N, n); array, shape (N, m))
            Inputs and targets: N = 2 r + 1 by Theorem F, N = 2 where an output bias is missing.

        Raises
        ------
        DegenerateError
            If `optimum` is not ``not_always`` or there is more than one hidden layer.
        SolveInputError
            If the slope is 1.
        """
        document = self.certificate.document
        masks = unpack_masks(document["layers"])
        return counterexample(
            masks, document["finite"], unpack_biases(document, masks), negative_slope
        )

    def divergence(self) -> Divergence:
        r"""Return how fast factors grow along the certificate's curve to its limit.

        Along the curve the product differs from the limit A by the order :math:`\epsilon^q`. A
        neuron's column and row may be scaled against each other, so with P the largest sum of its
        two pole orders the norm of the factors is of the order :math:`\epsilon^{-P/2}`, and the
        squared error of the order :math:`\|\theta\|^{-4q/P}`.

        Returns
        -------
        Divergence
            q, P and the exponents; read from the Laurent polynomials, exactly. Other curves may be
            faster.

        Raises
        ------
        DegenerateError
            If `product_set` is not proved ``not_closed`` for two layers.
        """
        return curve_divergence(self.certificate.document["product"])

    def bad_targets(self, time_limit: float = 600.0) -> BadTargets:
        """Return what is known of the measure of targets of linear regression without optimum.

        Parameters
        ----------
        time_limit : float, optional
            Seconds of wall clock for the search for a proof.

        Returns
        -------
        BadTargets
            Number of cells, dimension of the set of products, and whether measure zero is proved;
            statement and proof in `existence.measure`.

        Raises
        ------
        DegenerateError
            If `product_set` is not proved ``not_closed`` for two layers.
        BudgetError
            If the time limit passes.
        """
        document = self.certificate.document
        masks = dense(unpack_masks(document["layers"]))
        if document["product"]["answer"] != "not_closed" or len(masks) != 2:
            raise DegenerateError(
                f"the product set is {document['product']['answer']!r}",
                where="bad_targets",
                allowed="patterns of two layers whose product set is proved not closed",
            )
        try:
            return measure_bad_targets(masks[0], masks[1], time.monotonic() + time_limit)
        except TimeUp:
            raise BudgetError("the time limit has passed", where="bad_targets") from None

    def cluster_dataset(self) -> tuple[np.ndarray, np.ndarray]:
        """Return clusters of inputs with targets A x, A a limit that is no product.

        Returns
        -------
        (array, shape (N, n); array, shape (N, m))
            Inputs and targets without optimum (free output biases); see `existence.clusters`.

        Raises
        ------
        DegenerateError
            If `product_set` is not proved ``not_closed``.
        BudgetError
            If too many clusters are needed, or float64 cannot hold them.
        """
        document = self.certificate.document
        return cluster_dataset(dense(unpack_masks(document["layers"])), document["product"])
