r"""Optimal values of deep networks in closed form, and what is known of them.

With data whose rows are orthonormal, X Xᵀ = I, and σ_i the singular values of the targets,

.. math:: \sum_i \min_{s \ge 0} \tfrac12 (\sigma_i - s)^2 + \tfrac{\lambda L}{2} s^{2/L}

* is the optimal value of *linear* networks of L layers, at every L: the variational form of the
  Schatten-2/L quasi-norm (`bounds`) gives the lower bound, layers that share their singular vectors
  and singular values s^{1/L} attain it;
* is the value of the *aligned* ReLU network for one-hot targets of class sizes n_k, σ_k = √n_k:
  the singular vectors y_k/√n_k and e_k are not negative, so the ReLU leaves them as they are. For
  L = 2 it is optimal (the nuclear norm bound holds with ReLU). For L ≥ 3 it is an upper bound and
  **not** in general the optimum of a network whose layers are shared: see `counterexample`. Ergen &
  Pilanci (ICML 2021, "Revealing the structure of deep neural networks via convex duality") state
  it as optimal; their route through parallel branches does not cover shared layers.

*Batch normalisation* before the last ReLU, penalty on its scales γ, shifts α and the last layer,
any depth: a normalised column is γ ẑ + α 1/√n with ẑ centred of length 1, so its length is
√(γ² + α²), and the ReLU does not lengthen it. So the value is at least
min_A ½‖A - Y‖² + λ‖A‖_*, that is Σ_k ½ min(√n_k, λ)² + λ(√n_k - λ)₊, whatever the data and the
layers below. If every centred direction can be reached (the centred data have rank n - 1), the
columns y_k/√n_k can, with γ_k : α_k = ‖y_k - ȳ_k 1‖ : √n ȳ_k, and attain it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relu_optima.convex.deep.network import DeepNetwork, Neurons
from relu_optima.errors import SolveInputError

if TYPE_CHECKING:
    from relu_optima.convex.deep.collapse import Collapse

MAX_DEPTH = 1000


@dataclass(frozen=True)
class DeepValue:
    """A closed-form value of deep networks with what it is known to be.

    Attributes
    ----------
    depth : int
        Layers of weights L.
    lam : float
        Canonical regularisation strength.
    neurons : {"relu", "linear"}
        Kind of network.
    batch_norm : bool
        Whether the last hidden layer is normalised.
    class_sizes : tuple of int
        Rows of each class; empty for linear networks.
    singular_values : array, shape (K,)
        Of the targets; √n_k for classes.
    scales : array, shape (K,)
        Singular values s of the optimal or aligned outputs, in the order given.
    objective : float
        The value; a network that has it is made by `network`.
    lower_bound : float
        Proved bound of every network of that depth; equal to the value where it is optimal.
    status : {"optimal", "upper_bound"}
        ``upper_bound`` for ReLU networks of three and more layers.
    """

    depth: int
    lam: float
    neurons: Neurons
    batch_norm: bool
    class_sizes: tuple[int, ...]
    singular_values: np.ndarray
    scales: np.ndarray
    objective: float
    lower_bound: float
    status: str

    @property
    def gap(self) -> float:
        """(objective - lower_bound) / lower_bound: 0 to rounding where the value is optimal."""
        return (self.objective - self.lower_bound) / max(self.lower_bound, 1e-300)

    def targets(self) -> np.ndarray:
        """Return the targets for X = I: one-hot rows class by class, or diag(σ).

        Returns
        -------
        array, shape (n, K)
            Targets Y.
        """
        if not self.class_sizes:
            return np.diag(self.singular_values)
        return np.repeat(np.eye(len(self.class_sizes)), self.class_sizes, axis=0)

    def network(
        self,
        X: np.ndarray | None = None,
        Y: np.ndarray | None = None,
        *,
        width: int | None = None,
    ) -> DeepNetwork:
        """Make a network of this value.

        Parameters
        ----------
        X : array, shape (n, d), optional
            Data with orthonormal rows (with batch normalisation: centred rank n - 1). Default: I.
        Y : array, shape (n, K), optional
            Targets with the singular values, or class sizes, of this value. Default: `targets`.
        width : int, optional
            Neurons in each hidden layer, at least K; default K.

        Returns
        -------
        DeepNetwork
            Layers; ``network.objective(X, Y, lam)`` is `objective` to rounding.

        Raises
        ------
        SolveInputError
            For a width below K, or data that do not fit this value.
        """
        from relu_optima.convex.deep.construct import closed_form_network

        return closed_form_network(self, X, Y, width)

    def collapse(self) -> Collapse:
        """Predict the geometry of the last hidden layer.

        Returns
        -------
        Collapse
            Class means, their norms and angles, and the metrics NC1 to NC4.

        Raises
        ------
        SolveInputError
            For a linear network, which has no classes.
        """
        from relu_optima.convex.deep.collapse import predict_collapse

        return predict_collapse(self)


def deep_value(
    depth: int,
    lam: float,
    *,
    class_sizes: Sequence[int] | None = None,
    singular_values: Sequence[float] | np.ndarray | None = None,
    batch_norm: bool = False,
) -> DeepValue:
    r"""Return the closed-form value of a deep network on data with orthonormal rows.

    .. math:: \sum_k \min_{s \ge 0} \tfrac12 (\sigma_k - s)^2 + \tfrac{\lambda L}{2} s^{2/L},

    of linear networks for ``singular_values``, of ReLU networks on one-hot targets for
    ``class_sizes`` (σ_k = √n_k); with ``batch_norm`` the formula of L = 2 at every depth.

    Parameters
    ----------
    depth : int
        Layers of weights L, from 2 to 1000.
    lam : float
        Canonical regularisation strength, positive.
    class_sizes : sequence of int, optional
        Rows of each class, at least 1.
    singular_values : sequence of float, optional
        Singular values of the targets, finite, not negative. One of the two must be given.
    batch_norm : bool
        Normalise the last hidden layer (class sizes only).

    Returns
    -------
    DeepValue
        Value, scales, status, network and predicted collapse.

    Raises
    ------
    SolveInputError
        For arguments out of range, both or none of the two, or batch normalisation without classes.

    Notes
    -----
    The scalar problems are solved to the last bits; `lower_bound` comes from ball arithmetic. See
    the module docstring for the proofs, and for why ReLU networks of three and more layers have
    the status ``upper_bound``.

    References
    ----------
    Ergen & Pilanci, "Revealing the structure of deep neural networks via convex duality", ICML
    2021. Sukenik, Mondelli & Lampert, "Neural collapse vs. low-rank bias", NeurIPS 2024.
    """
    from relu_optima.convex.deep.bounds import linear_bound, relu_bound
    from relu_optima.convex.deep.scalar import shrink_all, total

    depth, lam = check_depth(depth), check_strength(lam)
    if (class_sizes is None) == (singular_values is None):
        raise SolveInputError(
            "class sizes and singular values are given both or neither",
            where="class_sizes, singular_values",
            allowed="one of them: sizes for a ReLU network, singular values for a linear one",
        )
    if class_sizes is None:
        if batch_norm:
            raise SolveInputError(
                "batch normalisation is given with singular values",
                where="batch_norm",
                fix="give class_sizes: the formula needs targets that are not negative",
            )
        assert singular_values is not None
        sizes: tuple[int, ...] = ()
        sigma = _singular_values(singular_values)
    else:
        sizes = check_class_sizes(class_sizes)
        sigma = np.sqrt(np.array(sizes, dtype=np.float64))
    effective = 2 if batch_norm else depth
    s = shrink_all(sigma, lam, effective)
    value = total(s, sigma, lam, effective)
    proved = not sizes or effective == 2
    bound = (linear_bound if proved else relu_bound)(sigma, lam, effective)
    return DeepValue(
        depth=depth,
        lam=lam,
        neurons="relu" if sizes else "linear",
        batch_norm=bool(batch_norm),
        class_sizes=sizes,
        singular_values=sigma,
        scales=s,
        objective=value,
        lower_bound=min(bound, value),
        status="optimal" if proved else "upper_bound",
    )


def check_depth(depth: int, most: int = MAX_DEPTH) -> int:
    """Accept a whole number of layers from 2 on."""
    if isinstance(depth, bool) or not isinstance(depth, int | np.integer) or not 2 <= depth <= most:
        raise SolveInputError(
            f"depth is {depth!r}", where="depth", allowed=f"a whole number from 2 to {most}"
        )
    return int(depth)


def check_strength(lam: float) -> float:
    """Accept a positive finite strength."""
    if isinstance(lam, bool) or not isinstance(lam, int | float | np.number):
        raise SolveInputError(f"lam is {lam!r}", where="lam", allowed="a positive number")
    if not np.isfinite(lam) or lam <= 0:
        raise SolveInputError(
            f"lam is {lam}",
            where="lam",
            allowed="positive and finite",
            fix="without a penalty every network that fits is optimal; take a small lam",
        )
    return float(lam)


def check_class_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Accept one positive whole number for each class."""
    given = np.asarray(sizes)
    whole = given.ndim == 1 and given.size > 0 and given.dtype.kind in "iuf"
    whole = whole and bool(np.isfinite(given).all()) and bool((given == np.floor(given)).all())
    if not whole or given.min() < 1:
        raise SolveInputError(
            f"class_sizes is {sizes!r}",
            where="class_sizes",
            allowed="one whole number of rows, at least 1, for each class",
            fix="leave out classes without rows",
        )
    return tuple(int(v) for v in given)


def _singular_values(values: Sequence[float] | np.ndarray) -> np.ndarray:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or given.size == 0 or not np.isfinite(given).all() or given.min() < 0:
        raise SolveInputError(
            f"singular_values is {values!r}",
            where="singular_values",
            allowed="a list of finite numbers that are not negative",
        )
    return given
