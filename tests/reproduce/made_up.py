"""Made-up sweeps of the ICML study with the columns of the stages, and numbers to expect."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd

TEN = (
    "fertility_uci", "heart_hungarian_uci", "mammographic_uci", "monks_1_uci", "planning_uci",
    "spectf_uci", "horse_colic_uci", "ilpd_indian_liver_uci", "parkinsons_uci", "pima_uci",
)  # fmt: skip
SEVEN = (
    "blood_uci", "breast_cancer_uci", "hepatitis_uci", "hill_valley_uci", "tic_tac_toe_uci",
    "statlog_heart_uci", "ionosphere_uci",
)  # fmt: skip
CRITERIA = ("min_l2", "max_l1", "valid", "test")
METHODS = ("optimal_ls", "magnitude", "gradient", "random")


def _frame(sweep, rows):
    head = [
        {"run_id": f"{sweep}{i}", "code_key": "0", "sweep": sweep, "stage": "x", "status": "ok"}
        for i in range(len(rows))
    ]
    return pd.DataFrame([{**a, **b} for a, b in zip(head, rows, strict=True)])


def tuning(sweep, tolerances, spread=0.3):
    """Make tuned models; the four criteria lie `spread` apart from first to last."""
    rng = np.random.default_rng(0)
    rows = []
    for dataset, tol, r in itertools.product(TEN + SEVEN, tolerances, range(5)):
        row = {
            "seed": 123 + r,
            "dataset": dataset,
            "dataset.seed": 650 + r,
            "dataset.validation_seed": r,
            "optimal_set.mode": "exact" if tol is None else "published",
        }
        if tol is not None:
            row["optimal_set.interior_tol"] = tol
        for k, c in enumerate(CRITERIA):
            row |= {
                f"{c}_test_accuracy_gated": 0.6 + spread * k / 3 + 0.01 * rng.uniform(-1, 1),
                f"{c}_penalty_ratio": 1.0 if tol is None else 1.5,
                f"{c}_fit_error": 1e-9,
                f"{c}_status": "optimal" if r else "fallback",
            }
        rows.append(row)
    return _frame(sweep, rows)


def pruning():
    """Make pruning runs in which the better method loses nowhere."""
    rows = []
    for dataset, mode, method, r in itertools.product(
        TEN[:5] + SEVEN[:5], ("exact", "published"), METHODS, range(5)
    ):
        rows.append(
            {
                "seed": 123 + r,
                "dataset": dataset,
                "pruning": method,
                "pruning.mode": mode,
                "icml_prune_optima.run_id": f"{dataset} {r}",
                "test_accuracy_area": 0.8 - 0.02 * METHODS.index(method) + 0.01 * r,
                "series.is_optimal": np.array([1, 1, 0]),
                "series.fit_change": np.array([0.0, 1e-13, 0.4]),
            }
        )
    return _frame("icml_prune_paths", rows)


def sweeps():
    """Make every sweep that the published numbers and statements need."""
    return {
        "icml_prune_paths": pruning(),
        "icml_tune_published": tuning("icml_tune_published", (1e-4, 1e-8)),
        "icml_tune_exact": tuning("icml_tune_exact", (None,), spread=0.0),
    }


def believe(set_attribute):
    """Have `reproduce` take plain Parquet files, which no plan makes, for a study's sweeps."""
    from relu_optima.reproduce import report

    def plan_now(study, root):
        files = (root / "results" / study / "sweeps").glob("*.parquet")
        return SimpleNamespace(study=study, sweeps={p.stem for p in files})

    def read_sweep(plan, sweep, results):
        return pd.read_parquet(results / plan.study / "sweeps" / f"{sweep}.parquet"), {}

    set_attribute(report, "plan_now", plan_now)
    set_attribute(report, "read_sweep", read_sweep)
