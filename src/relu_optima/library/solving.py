"""Solve any of the package's convex programs of shallow networks, and paths of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.convex.arrangement import enumerate_patterns
from relu_optima.convex.gates import as_inputs, gates_from_network, sample_gates
from relu_optima.convex.low_rank.all_patterns import solve_all
from relu_optima.convex.network import TwoLayerNetwork
from relu_optima.convex.path import regularization_path
from relu_optima.convex.problem import check_lambda
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution
from relu_optima.convex.solution import Solution as ListedSolution
from relu_optima.convex.solver import check_options, lambda_max
from relu_optima.convex.solver import solve as solve_listed
from relu_optima.convex.sparse.solve import SparseProgram
from relu_optima.convex.vector.exact import vector_lambda_max
from relu_optima.convex.vector.gated import solve_vector_gated, vector_gated_lambda_max
from relu_optima.convex.vector.one_vs_all import one_vs_all_lambda_max, solve_one_vs_all
from relu_optima.errors import BudgetError, SolveInputError, extras_named
from relu_optima.library.solution import Solution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Gates = int | str | np.ndarray | TwoLayerNetwork | ShallowNetwork
Supports = str | Sequence[Any] | np.ndarray


def solve(
    X: np.ndarray,
    Y: np.ndarray,
    lam: float,
    *,
    lam_scale: str = "absolute",
    gates: Gates = 50,
    supports: Supports | None = None,
    neurons: str = "relu",
    outputs: str = "shared",
    loss: str = "squared",
    intercept: bool = False,
    tol: float = 1e-6,
    seed: int = 0,
    time_limit: float | None = None,
) -> Solution:
    r"""Solve the convex program of a two-layer network to a certified optimum.

    .. math:: \min \tfrac12 \lVert f(X) - Y \rVert_F^2
              + \lambda \sum_j \lVert u_j \rVert_2 \lVert v_j \rVert_2

    over networks f(x) = sum_j v_j (x'u_j)_+ whose neurons have one of the activation patterns
    asked for (Pilanci & Ergen 2020; Sahiner et al. 2021 for several outputs).

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    Y : array, shape (n,) or (n, K)
        Targets; K = 1 is one output in either shape.
    lam : float
        Regularisation strength, positive.
    lam_scale : {"absolute", "max"}, default "absolute"
        Whether ``lam`` is canonical or a share of the smallest strength whose optimum is zero.
    gates : int, array (d, P), network or "all", default 50
        Patterns: those of sampled gates, of given gates, of the neurons of a network, or all of
        the data. All patterns are priced exactly up to rank 3 and enumerated beyond, where the
        budget allows; where it does not, the status is ``sub_program``.
    supports : {"pairs", "pairs_with_bias", "triples"}, list of index tuples or mask, optional
        Sets of inputs one of which every neuron reads; then all patterns of each set compete.
    neurons : {"relu", "gated"}, default "relu"
        ReLU neurons, or gated ones with free weights.
    outputs : {"shared", "separate"}, default "shared"
        Whether a neuron may feed several outputs (a nuclear norm for each gate), or each output
        has neurons of its own, which is one program for each (the penalty of pyscnn).
    loss : {"squared", "logistic", "squared_hinge", "hinge", "huber"}, default "squared"
        Loss; the others for one output over given or sampled gates (`relu_optima.convex.solve`).
    intercept : bool, default False
        Whether the output has an intercept without penalty, over the same programs.
    tol : float, default 1e-6
        Relative duality gap at which to stop, in (0, 1).
    seed : int, default 0
        Seed of sampled gates.
    time_limit : float, optional
        Wall-clock limit in seconds; the best point so far is returned.

    Returns
    -------
    Solution
        The point with its certificate. Its status is ``optimal``, ``inaccurate`` (gap above
        tol), ``time_limit`` or ``sub_program``.

    Raises
    ------
    SolveInputError
        If an argument has no meaning, or no method solves this combination.
    """
    X = as_inputs(X)
    Y = np.asarray(Y)
    if neurons not in ("relu", "gated"):
        raise SolveInputError(f"it is {neurons!r}", allowed="relu, gated", where="neurons")
    if lam_scale not in ("absolute", "max"):
        raise SolveInputError(f"it is {lam_scale!r}", allowed="absolute, max", where="lam_scale")
    if outputs not in ("shared", "separate"):
        raise SolveInputError(f"it is {outputs!r}", allowed="shared, separate", where="outputs")
    lam = check_lambda(lam)
    check_options(tol, time_limit, "auto")
    options = {"loss": loss, "intercept": intercept}
    program = _program(X, Y, gates, supports, neurons, outputs, seed, options)
    lam_max = program.lambda_max()
    if lam_scale == "max" and math.isnan(lam_max):
        raise SolveInputError(
            "there are too many patterns to find the strength whose optimum is zero",
            allowed="lam_scale='absolute'",
            where="lam_scale",
        )
    # where the optimum is zero at every strength, any share stands for any strength
    strength = lam * lam_max if lam_scale == "max" and lam_max > 0 else lam
    return Solution(program.solve(strength, tol, time_limit), lam_max)


@dataclass(frozen=True)
class _Program:
    """What solves a combination of outputs, gates, supports and neurons."""

    lambda_max: Callable[[], float]
    solve: Callable[[float, float, float | None], ListedSolution | ShallowSolution]


def _program(
    X: np.ndarray,
    Y: np.ndarray,
    gates: Gates,
    supports: Supports | None,
    neurons: str,
    outputs: str,
    seed: int,
    options: dict[str, Any],
) -> _Program:
    """Choose the method; a combination without one is an error that says what there is."""
    scalar = Y.ndim == 1 or (Y.ndim == 2 and Y.shape[1] == 1)
    plain = options == {"loss": "squared", "intercept": False}
    if not plain and (supports is not None or isinstance(gates, str) or not scalar):
        raise SolveInputError(
            f"loss {options['loss']!r}, intercept {options['intercept']} with gates {gates!r}, "
            f"supports {supports!r} and targets of shape {Y.shape}",
            allowed="the squared loss without an intercept, or one output over given or sampled "
            "gates",
            where="loss, intercept",
        )
    if supports is not None and neurons == "relu" and scalar:
        sparse = SparseProgram(X, Y, supports)
        return _Program(
            sparse.lambda_max,
            lambda lam, tol, limit: sparse.solve(lam, tol, limit, started=time.process_time()),
        )
    if supports is None and isinstance(gates, str) and gates == "all" and neurons == "relu":
        return _Program(
            lambda: _lambda_max_of_all(X, Y),
            lambda lam, tol, limit: solve_all(X, Y, lam, tol=tol, time_limit=limit),
        )
    if supports is None and not isinstance(gates, str):
        vectors = _gate_vectors(X, gates, seed)
        if scalar:
            return _Program(
                lambda: lambda_max(X, Y, vectors, neurons, **options),
                lambda lam, tol, limit: solve_listed(
                    X, Y, vectors, lam, formulation=neurons, tol=tol, time_limit=limit, **options
                ),
            )
        if outputs == "separate":
            return _Program(
                lambda: one_vs_all_lambda_max(X, Y, vectors, neurons),
                lambda lam, tol, limit: solve_one_vs_all(
                    X, Y, vectors, lam, formulation=neurons, tol=tol, time_limit=limit
                ),
            )
        if neurons == "gated":
            return _Program(
                lambda: vector_gated_lambda_max(X, Y, vectors),
                lambda lam, tol, limit: solve_vector_gated(
                    X, Y, vectors, lam, tol=tol, time_limit=limit
                ),
            )
    raise SolveInputError(
        f"no method solves {neurons} neurons with gates {gates!r}, supports {supports!r} and "
        f"targets of shape {Y.shape}",
        allowed="one output: listed gates, relu neurons also all patterns or supports; several: "
        "relu neurons over all patterns, gated ones over listed gates, either with "
        "outputs='separate'",
        where="gates, supports, neurons",
    )


def _lambda_max_of_all(X: np.ndarray, Y: np.ndarray) -> float:
    """Smallest strength whose optimum over all patterns is zero; NaN where they are too many."""
    if np.linalg.matrix_rank(X) <= 3 or (Y.ndim == 2 and Y.shape[1] > 1):
        return vector_lambda_max(X, Y)
    try:
        return lambda_max(X, Y, enumerate_patterns(X))
    except BudgetError:
        return math.nan


def path(
    X: np.ndarray,
    y: np.ndarray,
    *,
    n_lams: int = 30,
    smallest: float = 1e-2,
    gates: Gates = 50,
    neurons: str = "relu",
    tol: float = 1e-6,
    seed: int = 0,
) -> Path:
    """Solve the program with one output along falling strengths, each from the last answer.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,)
        Targets.
    n_lams : int, default 30
        Number of strengths, from the one whose optimum is zero down, equal in logarithm.
    smallest : float, default 0.01
        The last strength as a share of the first, in (0, 1).
    gates : int, array (d, P) or network, default 50
        Patterns, as in `solve`.
    neurons : {"relu", "gated"}, default "relu"
        Kind of neurons.
    tol : float, default 1e-6
        Relative duality gap of every point.
    seed : int, default 0
        Seed of sampled gates.

    Returns
    -------
    Path
        The solutions, the largest strength first.

    Raises
    ------
    SolveInputError
        If an argument has no meaning.
    """
    if n_lams < 2 or not 0 < smallest < 1:
        raise SolveInputError(
            f"n_lams is {n_lams}, smallest {smallest}",
            allowed="n_lams >= 2, 0 < smallest < 1",
            where="n_lams, smallest",
        )
    X = as_inputs(X)
    vectors = _gate_vectors(X, gates, seed)
    lam_max = lambda_max(X, y, vectors, neurons)
    lams = lam_max * np.geomspace(1.0, smallest, n_lams) if lam_max > 0 else np.ones(n_lams)
    found = regularization_path(X, y, vectors, list(lams), formulation=neurons, tol=tol)
    return Path(tuple(Solution(one, lam_max) for one in found))


def paths_by_output(
    X: np.ndarray,
    Y: np.ndarray,
    shares: np.ndarray,
    *,
    gates: Gates,
    neurons: str,
    tol: float,
    seed: int,
) -> list[Path]:
    """Solve each output's program along shares of the strength from which on all are zero."""
    vectors = _gate_vectors(X, gates, seed)
    top = one_vs_all_lambda_max(X, Y, vectors, neurons)
    lams = list((top or 1.0) * shares)
    return [
        Path(
            tuple(
                Solution(one, top)
                for one in regularization_path(X, y, vectors, lams, formulation=neurons, tol=tol)
            )
        )
        for y in Y.T
    ]


@dataclass(frozen=True, repr=False)
class Path:
    """Solutions of one program for several strengths, the largest first.

    Attributes
    ----------
    solutions : tuple of Solution
        One for each strength.
    """

    solutions: tuple[Solution, ...]

    def __repr__(self) -> str:
        worst = max(s.gap for s in self.solutions)
        return (
            f"<path of {len(self)} strengths, {self.lam[0]:.3g} to {self.lam[-1]:.3g}: "
            f"{self[0].n_neurons} to {self[-1].n_neurons} neurons, largest gap {worst:.1e}>"
        )

    def __len__(self) -> int:
        return len(self.solutions)

    def __getitem__(self, index: int) -> Solution:
        return self.solutions[index]

    @property
    def lam(self) -> np.ndarray:
        """Canonical strengths, shape (L,)."""
        return np.array([s.lam for s in self.solutions])

    @property
    def objective(self) -> np.ndarray:
        """Optimal values, shape (L,)."""
        return np.array([s.objective for s in self.solutions])

    @property
    def n_neurons(self) -> np.ndarray:
        """Neurons of each network, shape (L,)."""
        return np.array([s.n_neurons for s in self.solutions])

    @extras_named()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw objective and number of neurons against the strength.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; a new figure by default.

        Returns
        -------
        matplotlib Axes
            Axes of the objective; the number of neurons has its scale on the right.
        """
        import matplotlib.pyplot as plt

        from relu_optima.publish.scales import tick_logarithmic

        ax = plt.subplots()[1] if ax is None else ax
        ax.semilogx(self.lam, self.objective, color="C0")
        ax.set_xlabel("λ")
        ax.set_ylabel("objective", color="C0")
        right = ax.twinx()
        right.semilogx(self.lam, self.n_neurons, color="C1", drawstyle="steps-mid")
        right.set_ylabel("neurons", color="C1")
        tick_logarithmic(ax.xaxis, [float(lam) for lam in self.lam])  # of both: they share x
        return ax


def _gate_vectors(X: np.ndarray, gates: Gates, seed: int) -> np.ndarray:
    """Make gate vectors, shape (d, P), from what a caller may give."""
    if isinstance(gates, (int, np.integer)) and not isinstance(gates, bool):
        return sample_gates(X, int(gates), seed)
    if isinstance(gates, np.ndarray):
        return gates
    weights = getattr(gates, "W1", getattr(gates, "U", None))
    if weights is None:
        raise SolveInputError(
            f"it is {gates!r}",
            allowed="a number, an array (d, P), a network, or for `solve` 'all'",
            where="gates",
        )
    return gates_from_network(weights)
