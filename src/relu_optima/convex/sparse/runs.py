"""The sparse program as runs of stage ``convex`` solve, describe and re-check it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from relu_optima.convex.program_row import canonical_strength, score_row
from relu_optima.convex.programs.sparse_relu import Config
from relu_optima.convex.shallow import ShallowNetwork, ShallowSolution, with_ones
from relu_optima.convex.sparse.best_masks import against_best
from relu_optima.convex.sparse.by_output import (
    ByOutput,
    Options,
    certify_by_output,
    fed_by_support,
    supports_by_output,
)
from relu_optima.convex.sparse.certificate import certify_sparse
from relu_optima.convex.sparse.listed_patterns import listed_gates
from relu_optima.convex.sparse.loose import all_patterns_bound, over_all_patterns
from relu_optima.convex.sparse.solve import SparseProgram
from relu_optima.convex.sparse.supports import Supports, supports_of
from relu_optima.convex.sparse.widths import fit_widths
from relu_optima.errors import SolveInputError
from relu_optima.patterns.reading import read_masks
from relu_optima.stage import Outcome, Record, Scalar, Task

ROUNDING = 1e-9  # relative distance below the bound that float64 can make of equality


@dataclass(frozen=True)
class _Masked:
    """A trained network with one hidden layer whose neurons have supports.

    Attributes
    ----------
    mask : array, shape (m, d)
        Inputs that each hidden neuron with an input and an output may read.
    last : array of bool, shape (K, m)
        Neurons that each output may read.
    network : ShallowNetwork or None
        The network, if its training ended well.
    biased : bool
        Whether it has biases: then a column of ones is the last input.
    """

    mask: np.ndarray
    last: np.ndarray
    network: ShallowNetwork | None
    biased: bool = False

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Inputs as the supports number them."""
        return with_ones(X) if self.biased else X


def run(task: Task, config: Config) -> Outcome:
    """Solve the sparse program of one data set and certify the answer."""
    started = time.process_time()
    dataset, training = task.upstream["dataset"], task.upstream.get("training")
    X = np.asarray(dataset.arrays["X_train"], dtype=np.float64)
    y = np.asarray(dataset.arrays["y_train"], dtype=np.float64)
    masked = _masked(training, X) if config.supports == "from_mask" and training else None
    X = X if masked is None else masked.inputs(X)
    gates = None if masked is None or masked.network is None else masked.network.U.T
    options = Options(config.budget, config.count, task.seed)
    program = _program(X, y, _supports(config, masked), masked, options, gates)
    lam_max = program.lambda_max()
    lam = canonical_strength(config, X, y, lam_max, training)
    solution = program.solve(lam, config.tol, config.time_limit, started=started)
    drawn = sum(not one.exact for one in program.listed.values())
    row = _row(solution, lam_max, drawn)
    bound, bound_dual = solution.dual_objective, solution.dual
    if not solution.exact:
        bound, bound_dual = over_all_patterns(program, solution, config.tol, config.time_limit)
        row["all_patterns_bound"] = bound
    if masked is not None:
        row |= _against_training(solution, masked, bound)
    if config.compare:
        row |= against_best(
            solution, options, config.tol, config.time_limit,
            biased=masked is not None and masked.biased,
            slots=None if masked is None else len(masked.mask),
        )  # fmt: skip
    row |= score_row(lambda Z: solution.predict(Z if masked is None else masked.inputs(Z)), dataset)
    sizes = [len(s) for s in solution.supports or ()]
    return Outcome(
        row=row,
        status="ok" if solution.status == "optimal" else solution.status,
        arrays={
            "U": solution.network.U,
            "V": solution.network.V,
            "dual": solution.dual,
            "bound_dual": bound_dual,
            "support_sizes": np.array(sizes, dtype=np.int64),
            "support_inputs": np.array(
                [i for s in solution.supports or () for i in s], dtype=np.int64
            ),
            "pattern_seed": np.array(task.seed, dtype=np.int64),
            "biased": np.array(masked is not None and masked.biased),
        },
    )


def _program(
    X: np.ndarray,
    y: np.ndarray,
    supports: str | list[list[int]] | np.ndarray,
    masked: _Masked | None,
    options: Options,
    gates: np.ndarray | None,
) -> SparseProgram | ByOutput:
    """One program for one output, or one for each of several."""
    if masked is not None and len(masked.last) > 1:
        return ByOutput(X, y.reshape(len(X), -1), masked.mask, masked.last, options, gates)
    return SparseProgram(
        X, y, supports, gates=gates, budget=options.budget, count=options.count, seed=options.seed
    )


def _supports(config: Config, masked: _Masked | None) -> str | list[list[int]] | np.ndarray:
    """What the config names, as the solver takes it."""
    if masked is not None:
        return masked.mask
    if config.supports != "file":
        return config.supports
    if config.file is None:
        raise SolveInputError(
            "no file is named", where="convex.file", fix="set convex.file=masks.npz"
        )
    return read_masks([Path(config.file)], "convex.file")[0]


def _masked(training: Record, X: np.ndarray) -> _Masked:
    """Supports and network of a training run with one hidden layer.

    A bias is the weight of a column of ones. Those of the outputs are neurons that read nothing
    else, one for each output: an output bias c costs lam |c|.
    """
    arrays = training.arrays
    if "mask_1" not in arrays or "mask_2" in arrays:
        layers = sum(name.startswith("mask_") for name in arrays)
        raise SolveInputError(
            f"the trained network has {layers} layers of weights",
            allowed="two: one hidden layer",
            where="convex.supports",
            fix="train with pattern.hidden_layers=1",
        )
    first, last = arrays["mask_0"].astype(np.int64), arrays["mask_1"] != 0
    if first.shape[1] != X.shape[1]:
        raise SolveInputError(
            f"the mask has {first.shape[1]} inputs", allowed=str(X.shape[1]), where="supports"
        )
    W, w = (np.asarray(arrays[name], dtype=np.float64) for name in ("W0", "W1"))
    network = ShallowNetwork(W, w.T)
    biased = "b0" in arrays
    if biased:
        K = len(last)
        constant = with_ones(np.zeros((K, first.shape[1]), dtype=np.int64))
        first = np.vstack([with_ones(first), constant])
        last = np.hstack([last, np.eye(K, dtype=bool)])
        b, c = (np.asarray(arrays[name], dtype=np.float64) for name in ("b0", "b1"))
        network = replace(ShallowNetwork.of_layers(W, b, w, c), biased=False)  # of with_ones(X)
    alive = last.any(axis=0) & first.any(axis=1)
    if not alive.any():
        raise SolveInputError(
            "no neuron of the mask has an input and an output", where="convex.supports"
        )
    attempt = network if training.status == "ok" else None  # weights that diverged are none
    return _Masked(first[alive], last[:, alive], attempt, biased)


def _row(solution: ShallowSolution, lam_max: float, drawn: int) -> dict[str, Scalar]:
    counts = solution.counts
    return {
        "formulation": solution.formulation,
        "status": solution.status,
        "lam": solution.lam,
        "lam_max": lam_max,
        "lam_fraction": solution.lam / lam_max if lam_max > 0 else None,
        "objective": solution.objective,
        "dual_objective": solution.dual_objective,
        "gap": solution.gap,
        "kkt_residual": solution.kkt_residual,
        "violation": solution.violation,
        "n_neurons": solution.network.n_neurons,
        "n_outputs": solution.Y.shape[1],
        "penalty": float(solution.network.weights().sum()),
        "exact": solution.exact,
        "n_supports": counts["supports"],
        "n_supports_used": counts["supports_used"],
        "largest_support": max(len(s) for s in solution.supports or ((),)),
        "n_drawn": drawn,
        "n_rounds": counts["rounds"],
        "n_newton": counts["newton"],
        "n_sweeps": counts["sweeps"],
    }


def _against_training(
    solution: ShallowSolution, masked: _Masked, bound: float
) -> dict[str, Scalar]:
    """How far the trained network is from the optimum of its own mask."""
    outputs = len(masked.last) if masked.biased else 0  # output biases take no hidden neuron
    row: dict[str, Scalar] = {"n_slots": len(masked.mask) - outputs}
    if len(masked.last) == 1:
        supports = solution.supports or ()
        places = {s: k for k, s in enumerate(supports)}
        widths = [0] * len(supports)
        for one in masked.mask:
            widths[places[tuple(int(i) for i in np.flatnonzero(one))]] += 1
        row["attained"] = fit_widths(solution.network, supports, widths)
    if masked.network is None:
        return row
    trained = masked.network.objective(solution.X, solution.Y, solution.lam)
    row["trained_objective"] = trained
    row["trained_excess"] = trained / max(solution.objective, 1e-300) - 1.0
    gap = trained / max(bound, 1e-300) - 1.0
    row["trained_gap"], row["trained_below"] = gap, gap < -ROUNDING
    return row


def verify(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Re-check a stored sparse network from the data alone."""
    data, stored, row = upstream["dataset"].arrays, record.arrays, record.row
    X = np.asarray(data["X_train"], dtype=np.float64)
    Y = np.asarray(data["y_train"], dtype=np.float64).reshape(len(X), -1)
    lam = float(row["lam"] or 0.0)
    config = Config.model_validate(record.config["groups"]["convex"])
    masked = _masked(upstream["training"], X) if config.supports == "from_mask" else None
    X = X if masked is None else masked.inputs(X)
    gates = None if masked is None or masked.network is None else masked.network.U.T
    options = Options(config.budget, config.count, int(stored["pattern_seed"].item()))
    problems = []
    network = ShallowNetwork(stored["U"], stored["V"])
    if masked is not None and len(masked.last) > 1:
        last = masked.last
        proof, listed = certify_by_output(
            X, Y, masked.mask, last, lam, network, stored["dual"], options, gates
        )
        fed = fed_by_support(supports_by_output(X, masked.mask, last))
    else:
        supports = _stored_supports(stored)
        if supports_of(_supports(config, masked), X) != supports:
            problems.append("the stored supports are not those of the config")
        found = listed_gates(X, supports, config.budget, config.count, options.seed, gates)
        proof = certify_sparse(
            X, Y[:, 0], supports, lam, network.U, network.V[:, 0], dual=stored["dual"][:, 0],
            gates={s: one.gates for s, one in found.items()},
        )  # fmt: skip
        fed = dict.fromkeys(supports, (0,))
        listed = {supports[s]: one for s, one in found.items()}
    exact = all(one.exact for one in listed.values())
    bound = proof.dual_objective
    if not exact:
        bound = all_patterns_bound(X, Y, fed, lam, stored["bound_dual"], listed)
        said = float(row["all_patterns_bound"] or 0.0)
        if said > bound * (1 + 1e-9):
            problems.append(f"the bound over all patterns is {bound:.12g}, not {said:.12g}")
    scale = max(abs(proof.objective), 1e-300)
    said = float(row["objective"] or 0.0)
    if abs(proof.objective - said) > 1e-9 * scale:
        problems.append(f"objective is {proof.objective:.12g}, the row says {said:.12g}")
    said = float(row["dual_objective"] or 0.0)
    if said > proof.dual_objective + 1e-9 * scale:  # less is a looser bound, and true as well
        problems.append(f"dual_objective is {proof.dual_objective:.12g}, the row says {said:.12g}")
    if proof.gap > float(row["gap"] or 0.0) + 1e-9:
        problems.append(f"the certified gap is {proof.gap:.3g}, the row says {row['gap']}")
    if proof.violation > 0.0:
        problems.append(f"a neuron has a share {proof.violation:.3g} outside of every support")
    if bool(row["exact"]) != exact:
        problems.append("the row is wrong about whether all patterns take part")
    if masked is not None and masked.network is not None:
        trained = masked.network.objective(X, Y, lam)
        if abs(trained - float(row["trained_objective"] or 0.0)) > 1e-9 * scale:
            problems.append(f"the trained network has objective {trained:.12g}")
        if trained < bound * (1 - ROUNDING):
            problems.append("the trained network lies below the certified bound")
    return problems


def _stored_supports(stored: Mapping[str, np.ndarray]) -> Supports:
    """Supports as a record holds them: their sizes, and all inputs in a row."""
    ends = np.cumsum(stored["support_sizes"])[:-1]
    parts = np.split(stored["support_inputs"], ends)
    return tuple(tuple(int(i) for i in part) for part in parts)
