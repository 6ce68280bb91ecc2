"""Made-up sweeps of the study icml2023, with the columns its stages give."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

SETS = [
    *("blood", "breast_cancer", "fertility", "heart_hungarian", "hepatitis", "hill_valley"),
    *("mammographic", "monks_1", "planning", "spectf", "horse_colic", "ilpd_indian_liver"),
    *("parkinsons", "pima", "tic_tac_toe", "statlog_heart", "ionosphere"),
]
CRITERIA = ("solver", "min_l2", "max_l1", "valid", "test")


def _head(sweep: str, stage: str, index: int) -> dict[str, object]:
    return {
        "run_id": f"{index:012x}",
        "code_key": "0123456789abcdef",
        "sweep": sweep,
        "stage": stage,
        "status": "ok",
    }


def icml_prune_paths() -> pd.DataFrame:
    """Make pruning paths: ten sets, four methods, two modes, two repeats."""
    rng = np.random.default_rng(11)
    methods = ("optimal_ls", "magnitude", "gradient", "random")
    rows = []
    for name, method, mode, seed in itertools.product(
        SETS[:10], methods, ("exact", "published"), (123, 124)
    ):
        sizes = np.arange(int(rng.integers(3, 25)), 0, -1)
        score = 0.8 - 0.5 / sizes + rng.normal(0, 0.02, sizes.size)
        rows.append(
            _head("icml_prune_paths", "pruning", len(rows))
            | {
                "dataset": f"{name}_uci",
                "pruning": method,
                "pruning.method": method,
                "pruning.mode": mode,
                "icml_prune_optima.seed": seed,
                "icml_prune_optima.run_id": f"{SETS.index(name):04x}{seed:08x}",
                "n_start": int(sizes[0]),
                "n_exact": int(sizes[0]),
                "penalty_ratio": 1.0,
                "fit_error": 10 ** rng.uniform(-15, -6),
                "test_accuracy_area": float(score.mean()),
                "series.n_neurons": sizes.tolist(),
                "series.test_accuracy": score.tolist(),
                "series.fit_change": np.linspace(1e-12, 0.5, sizes.size).tolist(),
                "series.train_accuracy": (score + 0.05).tolist(),
                "series.is_optimal": (sizes == sizes[0]).tolist(),
            }
        )
    return pd.DataFrame(rows)


def _tuning(sweep: str, mode: str, tolerances: tuple[float, ...]) -> pd.DataFrame:
    rng = np.random.default_rng(len(sweep))
    rows = []
    for name, tol, seed in itertools.product(SETS, tolerances, range(3)):
        row = _head(sweep, "optimal_set", len(rows)) | {
            "dataset": f"{name}_uci",
            "icml_tune_optima.seed": 123 + seed,
            "dataset.validation_seed": 123 + seed,
            "optimal_set.tuning": mode,
            "optimal_set.interior_tol": tol,
        }
        for criterion in CRITERIA:
            row |= {
                f"{criterion}_test_accuracy": rng.uniform(0.5, 0.9),
                f"{criterion}_test_accuracy_gated": rng.uniform(0.5, 0.9),
                f"{criterion}_penalty_ratio": rng.uniform(1, 1.5),
                f"{criterion}_fit_error": 10 ** rng.uniform(-12, -3),
                f"{criterion}_status": "optimal",
            }
        if mode == "exact":  # what every description of an optimal set has
            row |= {"dimension": seed, "n_start": 9, "n_smallest": 9 - seed}
            spread = np.sort(rng.uniform(0.5, 0.9, 5)).tolist()
            names = ("min", "low", "median", "high", "max")
            row |= {f"test_accuracy_{n}": v for n, v in zip(names, spread, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def icml_tune_published() -> pd.DataFrame:
    """Make tuned networks as the authors coded it, at two tolerances."""
    return _tuning("icml_tune_published", "published", (1e-4, 1e-8))


def icml_tune_exact() -> pd.DataFrame:
    """Make networks tuned in the optimal set."""
    return _tuning("icml_tune_exact", "exact", (1e-8,))


def icml_polytope() -> pd.DataFrame:
    """Make one optimal set with a triangle as outline."""
    rng = np.random.default_rng(12)
    samples = np.sort(rng.uniform(0, 1, (200, 2)), axis=1)
    at = np.linspace(0, 3, 200)
    corners = np.array([[0, 0], [0, 1], [1, 1], [0, 0]])
    row = _head("icml_polytope", "optimal_set", 0) | {
        "series.coefficient_1": samples[:, 0].tolist(),
        "series.coefficient_2": samples[:, 1].tolist(),
        "series.edge_1": np.interp(at, range(4), corners[:, 0]).tolist(),
        "series.edge_2": np.interp(at, range(4), corners[:, 1]).tolist(),
    }
    return pd.DataFrame([row])


MAKERS = (icml_prune_paths, icml_tune_published, icml_tune_exact, icml_polytope)
