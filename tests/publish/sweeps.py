"""Made-up collected sweeps with the columns that the stages give, good and bad runs among them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from tests.publish import icml_sweeps

DATASETS = ("breast_cancer_wisconsin", "digits_2v6")
Row = dict[str, Any]


def frame(sweep: str, stage: str, rows: list[Row]) -> pd.DataFrame:
    """Put identity columns in front, as `collect_sweep` does."""
    head = [
        {
            "run_id": f"{abs(hash_of(sweep, i)):012x}"[:12],
            "code_key": "0123456789abcdef",
            "sweep": sweep,
            "stage": stage,
            "status": "ok",
        }
        for i in range(len(rows))
    ]
    return pd.DataFrame([{**a, **b} for a, b in zip(head, rows, strict=True)])


def hash_of(sweep: str, index: int) -> int:
    """Return a number that depends on nothing but its arguments."""
    import hashlib

    return int(hashlib.sha256(f"{sweep}/{index}".encode()).hexdigest()[:15], 16)


def _convex_row(rng: np.random.Generator, lam: float, gates: int, program: str) -> Row:
    gated = program == "gated"
    objective = 200 * lam**0.5 * (0.93 if gated else 1.0) / gates**0.1 * rng.uniform(0.99, 1.01)
    gap = 10 ** rng.uniform(-10, -6.5)
    accuracy = 0.97 - 0.2 * lam - 0.3 / gates + rng.normal(0, 0.008)
    return {
        "status": "optimal",
        "formulation": program,
        "lam": 40 * lam,
        "lam_max": 40.0,
        "lam_fraction": lam,
        "n_gates": gates,
        "objective": objective,
        "dual_objective": objective * (1 - gap),
        "gap": gap,
        "kkt_residual": gap * 10 ** rng.uniform(-1, 1),
        "violation": 0.0 if gated else 10 ** rng.uniform(-14, -11),
        "n_active": int(gates * (1 - lam) * rng.uniform(0.5, 0.8)) + 1,
        "n_neurons": int(gates * (1 - lam) * rng.uniform(0.5, 0.8)) + 1,
        "train_mse": 1 - accuracy,
        "test_mse": 1.1 - accuracy,
        "train_accuracy": min(accuracy + 0.01, 1.0),
        "test_accuracy": accuracy,
    }


def _convex_settings(dataset: str, program: str, lam: float, gates: int, seed: int) -> Row:
    return {
        "seed": seed,
        "dataset": dataset,
        "convex": program,
        "dataset.loader": "sklearn_bundled",
        "dataset.name": dataset,
        "dataset.seed": 0,
        "convex.formulation": program,
        "convex.lam": lam,
        "convex.lam_scale": "lambda_max",
        "convex.gates.count": gates,
    }


def convex_lambda() -> pd.DataFrame:
    """Make the λ sweep, one inaccurate run included."""
    rng = np.random.default_rng(0)
    rows = [
        _convex_settings(d, p, lam, 50, s) | _convex_row(rng, lam, 50, p)
        for d in DATASETS
        for p in ("gated", "relu")
        for lam in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
        for s in range(5)
    ]
    rows[52] |= {"status": "inaccurate", "gap": 2e-3, "kkt_residual": 1e-3}
    return frame("convex_lambda", "convex", rows)


def convex_gates() -> pd.DataFrame:
    """Make the sweep over the number of gates."""
    rng = np.random.default_rng(1)
    rows = [
        _convex_settings(d, p, 0.05, count, s) | _convex_row(rng, 0.05, count, p)
        for d in DATASETS
        for p in ("gated", "relu")
        for count in (5, 10, 20, 40, 80)
        for s in range(5)
    ]
    rows[7]["gap"] = 0.0
    return frame("convex_gates", "convex", rows)


def _verdict(closed: str) -> Row:
    return {
        "verdict_product": closed,
        "verdict_function": closed,
        "verdict_optimum": {"closed": "always", "not_closed": "not_always"}.get(closed, "unknown"),
        "method": {"closed": "rigid_blocks", "not_closed": "window_2x2"}.get(closed, "none"),
        "method_optimum": "Theorem F",
        "certificate_verified": True,
    }


def rectified_ellipsoids() -> pd.DataFrame:
    """Make an ellipse for two data sets, the second with spikes and so an upper bound only."""
    turn = np.linspace(0, 2 * np.pi, 60)
    rows = [
        {
            "dataset": f"two_rows_{name}",
            "convex": "spike_free",
            "status": status,
            "series.ellipsoid.first": (1.2 * np.cos(turn)).tolist(),
            "series.ellipsoid.second": np.sin(turn + tilt).tolist(),
            "series.ellipsoid.spike": (np.sin(turn) < tilt).astype(float).tolist(),
        }
        for name, status, tilt in (("orthonormal", "ok", 0.0), ("obtuse", "upper_bound", -0.5))
    ]
    return frame("rectified_ellipsoids", "convex", rows)


def existence_patterns() -> pd.DataFrame:
    """Make verdicts on structured patterns."""
    rows = []
    for family in ("dense_4", "lu", "ul", "banded", "block_diagonal"):
        for size in (2, 4, 10, 16):
            if family == "banded" and size == 16:
                answer = "unknown"
            else:
                answer = "closed" if family in ("dense_4", "block_diagonal") else "not_closed"
            rows.append(
                {
                    "pattern": family,
                    "pattern.family": family,
                    "pattern.n": size if family in ("lu", "ul", "banded") else None,
                    **_verdict(answer),
                    "n_in": size,
                    "n_out": size,
                    "n_hidden": size,
                    "n_hidden_live": size,
                    "nonzeros": size * (size + 1),
                    "density": (size + 1) / (2 * size),
                    "layers": 2,
                    "masks": " ".join(["/".join(["01" * (size // 2)] * size)] * 2),
                }
            )
    return frame("existence_patterns", "existence", rows)


def existence_random() -> pd.DataFrame:
    """Make verdicts on random masks."""
    rng = np.random.default_rng(2)
    rows = []
    for p in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        for seed in range(20):
            answer = rng.choice(
                ["closed", "not_closed", "unknown"], p=[(1 - p) * 0.8, p, 0.2 - 0.2 * p]
            )
            rows.append(
                {
                    "seed": seed,
                    "pattern": "bernoulli",
                    "pattern.family": "bernoulli",
                    "pattern.p": p,
                    "pattern.seed": seed,
                    **_verdict(str(answer)),
                    "n_hidden": 8,
                    "nonzeros": int(128 * p),
                    "density": p,
                }
            )
    return frame("existence_random", "existence", rows)


def _density(family: str) -> pd.DataFrame:
    """Make verdicts on random masks of a family; dense ones are undecided."""
    rng = np.random.default_rng(len(family))
    rows = []
    for size, density, _ in itertools.product((8, 64), np.arange(1, 16) / 16, range(5)):
        answer = "unknown" if density > 0.7 else str(rng.choice(["closed", "not_closed"]))
        rows.append(
            {
                "pattern": family,
                "n_hidden": size,
                "density": density + rng.normal(0, 0.1 / size),
                **_verdict(answer),
                "verdict_optimum": "not_always" if density > 0.1 else "always",
            }
        )
    return frame(f"density_{family}", "existence", rows)


def density_bernoulli() -> pd.DataFrame:
    """Make verdicts on Bernoulli masks."""
    return _density("bernoulli")


def density_regular() -> pd.DataFrame:
    """Make verdicts on regular masks."""
    return _density("regular")


def density_n_of_m() -> pd.DataFrame:
    """Make verdicts on N:M masks."""
    return _density("n_of_m")


def density_erk() -> pd.DataFrame:
    """Make verdicts on ERK masks."""
    return _density("erk")


def lu_training() -> pd.DataFrame:
    """Make LU training, one diverged run included."""
    rng = np.random.default_rng(3)
    rows = []
    for pattern, decay, seed in itertools.product(("lu", "dense_4"), (0.0, 1e-3), range(5)):
        diverged = decay == 0 and seed == 4 and pattern == "lu"
        epochs = np.arange(0, 60 if diverged else 201, 5, dtype=float)
        error = np.exp(-epochs / 60) * rng.uniform(0.8, 1.2) + (0.1 if decay else 0.0)
        norm = 3 + (0.02 * epochs if not decay else 1 - np.exp(-epochs / 40))
        if diverged:
            error[-1], norm = 9.0, norm * np.exp(epochs / 20)
        rows.append(
            {
                "seed": seed,
                "status": "diverged" if diverged else "ok",
                "dataset": "anti_diagonal",
                "pattern": pattern,
                "pattern.family": pattern[:5],
                "pattern.n": 10 if pattern == "lu" else None,
                "nonzeros": 110,
                "training": "sgd",
                "training.method": "sgd",
                "training.weight_decay": decay,
                "loss": float(error[-1] ** 2),
                "product_error": float(error[-1]),
                "weight_norm": float(norm[-1]),
                "behaviour": "diverged"
                if diverged
                else "bounded"
                if decay or pattern != "lu"
                else "growing",
                "series.epoch": epochs,
                "series.loss": error**2,
                "series.product_error": error,
                "series.weight_norm": norm,
            }
        )
    return frame("lu_training", "training", rows)


def shallow_training() -> pd.DataFrame:
    """Make training of dense shallow networks beside the certified optimum."""
    rng = np.random.default_rng(7)
    rows = []
    for dataset, certified in zip(DATASETS, (40.0, 12.0), strict=True):
        for seed, optimizer in itertools.product(range(5), ("sgd", "adam", "lbfgs")):
            reached = certified * rng.uniform(0.98, 1.2)
            rows.append(
                {
                    **_upstream(dataset, seed),
                    "training": "shallow",
                    "training.lam_from": "convex",
                    "training.optimizer": optimizer,
                    "pattern": "dense",
                    "objective": 1.01 * reached,
                    "objective_rescaled": reached,
                    "certified_objective": certified,
                    "excess": reached / certified - 1,
                    "n_active": 20,
                    "test_accuracy": 0.95,
                }
            )
    return frame("shallow_training", "training", rows)


def _upstream(dataset: str, seed: int) -> Row:
    return {
        "seed": seed,
        "dataset": dataset,
        "dataset.loader": "sklearn_bundled",
        "dataset.name": dataset,
        "convex_lambda.seed": seed,
        "convex_lambda.convex": "relu",
        "convex_lambda.convex.lam": 0.05,
        "convex_lambda.run_id": "0123456789ab",
        "convex_lambda.objective": 40.0,
    }


def pruning_paths() -> pd.DataFrame:
    """Make pruning paths of all methods."""
    rng = np.random.default_rng(4)
    methods = ("optimal", "optimal_ls", "magnitude", "gradient", "activation", "random")
    rows = []
    for dataset in DATASETS:
        for seed in range(3):
            start = int(rng.integers(24, 30))
            for method in (*methods, "global_minimum"):
                exact = start - 6 - (2 if method == "global_minimum" else 0)
                last = 1 if method != "optimal" else exact
                sizes = (
                    np.array([start, exact])
                    if method == "global_minimum"
                    else np.arange(start, last - 1, -1)
                )
                lost = np.maximum(exact - sizes, 0) + (
                    0 if method.startswith(("optimal", "global")) else 0.5 * (start - sizes)
                )
                objective = 40 + lost**1.5 * rng.uniform(0.5, 1.5)
                rows.append(
                    {
                        **_upstream(dataset, seed),
                        "mirrored_optima.seed": seed,
                        "pruning": method,
                        "pruning.method": method,
                        "method": method,
                        "n_start": start,
                        "n_exact": exact if method.startswith(("optimal", "global")) else start,
                        "n_final": int(sizes[-1]),
                        "objective": 40.0,
                        "objective_final": float(objective[-1]),
                        "objective_change": float(10 ** rng.uniform(-13, -9)),
                        "train_accuracy_start": 0.97,
                        "test_accuracy_start": 0.95,
                        "test_accuracy_exact": 0.95,
                        "test_accuracy_area": None if sizes[-1] > 1 else 0.9,
                        "series.n_neurons": sizes,
                        "series.objective": objective,
                        "series.train_accuracy": 0.97 - 0.01 * lost,
                        "series.test_accuracy": 0.95 - 0.01 * lost + rng.normal(0, 0.003),
                    }
                )
    return frame("pruning_paths", "pruning", rows)


def lambda_path() -> pd.DataFrame:
    """Make regularisation paths with missing degrees of freedom at some knots."""
    rng = np.random.default_rng(5)
    rows = []
    for dataset in DATASETS:
        for seed in range(3):
            share = np.geomspace(1, 0.01, 30)
            freedom = 20 * (1 - share) + rng.normal(0, 0.3, 30)
            freedom[[4, 11]] = np.nan
            rows.append(
                {
                    **_upstream(dataset, seed),
                    "sensitivity": "path",
                    "lam": 2.0,
                    "lam_max": 40.0,
                    "n_knots": 30,
                    "max_gap": 1e-9,
                    "n_degenerate": 2,
                    "n_non_unique": 1,
                    "max_n_active": 25,
                    "degrees_of_freedom": 18.2 if seed else None,
                    "objective": 40.0,
                    "penalty": 20.0,
                    "n_active": 20,
                    "series.lam": 40 * share,
                    "series.lam_fraction": share,
                    "series.objective": 200 * share**0.5 * rng.uniform(0.9, 1.1),
                    "series.penalty": 30 * (1 - share),
                    "series.n_active": np.round(25 * (1 - share)),
                    "series.degrees_of_freedom": freedom,
                    "series.gap": 10 ** rng.uniform(-13, -9, 30) * (share < 1),
                    "series.secant": np.append(np.nan, 100 * share[1:] ** -0.5),
                    "series.norm_squared": 9 * (1 - share),
                    "series.neurons.id": np.repeat([0, 1, 2], 10),
                    "series.neurons.lam_fraction": np.tile(share[::3], 3),
                    "series.neurons.coefficient": np.repeat([1, -2, 3], 10) * rng.uniform(1, 2, 30),
                    "series.neurons.rotation": rng.uniform(0, 0.3, 30),
                    "series.breakpoints.lam_fraction": np.array([0.9, 0.2, 0.05]),
                    "series.breakpoints.norm_above": np.array([1.0, 7.0, 8.0]),
                    "series.breakpoints.norm": np.array([1.0, 3.0, 8.0]),
                    "series.breakpoints.jump": np.array([0.0, 4 / 7, 0.0]),
                    "series.samples.residual": rng.normal(size=12),
                    "series.samples.influence": rng.normal(size=12) * (1 if seed else np.nan),
                }
            )
    return frame("lambda_path", "sensitivity", rows)


def optimal_sets() -> pd.DataFrame:
    """Make descriptions of optimal sets."""
    rng = np.random.default_rng(6)
    rows = [
        {
            **_upstream(dataset, seed),
            "optimal_set": "standard",
            "dimension": int(rng.integers(0, 6)),
            "is_unique": bool(rng.integers(0, 2)),
            "objective": 40.0,
            "n_start": 24,
            "n_smallest": 20,
            "n_smallest_bound": 19,
            "test_accuracy_low": 0.94,
            "test_accuracy_high": 0.96,
        }
        for dataset in DATASETS
        for seed in range(5)
    ]
    return frame("optimal_sets", "optimal_set", rows)


def polygon_widths() -> pd.DataFrame:
    """Make the staircases of four polygons, one of them of a solve that did not end well."""
    rows = []
    for k, name in enumerate(("triangle", "square", "pentagon", "hexagon")):
        widths = np.arange(2 + k, 8 + k)
        isolated = np.array([6.0 * 10**k, 12.0, 0, 0, 0, 0])
        rows.append(
            {
                "status": "node_limit" if name == "hexagon" else "ok",
                "dataset": f"regular_{name}",
                "optimal_set": "widths",
                "m_star": 2 + k,
                "M_star": 3 + k,
                "connected_from": 4 + k,
                "connected_bound": 4 + k,
                "published_bound": 4 + k + k % 2,
                "series.staircase.width": widths,
                "series.staircase.components": isolated + np.array([0, 3, 1, 1, 1, 1]),
                "series.staircase.isolated_points": isolated,
            }
        )
    return frame("polygon_widths", "optimal_set", rows)


def spline_fits() -> pd.DataFrame:
    """Make fits of one input with dual curves that meet their tube at the knots."""
    rng = np.random.default_rng(7)
    x = np.sort(rng.uniform(-1, 1, 25))
    rows = [
        {
            "dataset": "noisy_sine",
            "convex": "spline",
            "convex.lam": lam,
            "n_train": 25,
            "d": 1,
            "series.data.x": x,
            "series.data.y": np.abs(x) + rng.normal(0, 0.1, 25),
            "series.data.fit": np.abs(x) * (1 - lam),
            "series.data.dual": 1 - np.abs(x) / np.abs(x).max(),
            "series.knot.x": np.zeros(1),
            "series.knot.fit": np.zeros(1),
            "series.knot.dual": np.ones(1),
        }
        for lam in (0.3, 0.03)
    ]
    return frame("spline_fits", "convex", rows)


def spline_hinge() -> pd.DataFrame:
    """Make classifiers of one input that change their mind twice."""
    x = np.linspace(-1, 1, 21)
    rows = [
        {
            "dataset": "noisy_labels",
            "convex": "spline_hinge",
            "convex.lam": lam,
            "n_train": 21,
            "d": 1,
            "series.data.x": x,
            "series.data.y": np.where(np.abs(x) > 0.5, 1.0, -1.0),
            "series.data.fit": 2 * np.abs(x - 0.1) - 1,
            "series.data.dual": 1 - np.abs(x - 0.1),
            "series.knot.x": np.array([0.1]),
            "series.knot.fit": np.array([-1.0]),
            "series.knot.dual": np.ones(1),
        }
        for lam in (0.2, 0.02)
    ]
    return frame("spline_hinge", "convex", rows)


MAKERS = {
    f.__name__: f
    for f in (
        convex_lambda,
        convex_gates,
        rectified_ellipsoids,
        existence_patterns,
        existence_random,
        density_bernoulli,
        density_regular,
        density_n_of_m,
        density_erk,
        lu_training,
        shallow_training,
        pruning_paths,
        lambda_path,
        polygon_widths,
        optimal_sets,
        spline_fits,
        spline_hinge,
        *icml_sweeps.MAKERS,
    )
}


def all_sweeps() -> dict[str, pd.DataFrame]:
    """Make every sweep."""
    return {name: make() for name, make in MAKERS.items()}


def names() -> Iterator[str]:
    """List the sweeps."""
    yield from MAKERS
