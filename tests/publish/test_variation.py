"""What captions say of seeds and sizes follows from the runs, so it cannot be wrong for long."""

import pandas as pd
import pytest

from relu_optima.publish.variation import describe_seeds, describe_sizes


def sweep(**columns):
    base = {
        "stage": "convex",
        "status": "ok",
        "dataset": "digits_2v6",
        "dataset.loader": "sklearn_bundled",
        "dataset.seed": 0,
        "seed": [0, 1, 2, 0, 1, 2],
        "convex.lam": [0.1] * 3 + [0.2] * 3,
    }
    return pd.DataFrame({**base, **columns})


def test_only_what_varies_inside_a_group_is_named():
    assert describe_seeds(sweep(), ["convex.lam"]) == "3 seeds (gates)"
    both = sweep(**{"dataset.seed": [0, 1, 2, 0, 1, 2]})
    assert describe_seeds(both, ["convex.lam"]) == "3 seeds (data split, gates)"
    assert describe_seeds(both, ["convex.lam", "seed"]) == "runs"
    made = sweep(**{"dataset.seed": [0, 1, 2, 0, 1, 2], "dataset.loader": "planted_relu"})
    assert describe_seeds(made, ["convex.lam"]) == "3 seeds (data, gates)"
    none = sweep(seed=None, **{"dataset.seed": [0, 1, 2, 0, 1, 2]})
    assert describe_seeds(none, ["convex.lam"]) == "3 seeds (data split)"


def test_runs_that_did_not_end_well_are_not_counted():
    frame = sweep(status=["ok", "ok", "refused", "ok", "ok", "ok"])
    assert describe_seeds(frame, ["convex.lam"]) == "2–3 seeds (gates)"


@pytest.mark.parametrize(
    ("upstream", "word"),
    [("up.convex.lam", "gates"), ("up.training", "initial weights"), ("up.other", "up.seed")],
)
def test_upstream_seeds_are_named_by_their_stage(upstream, word):
    frame = sweep(stage="pruning", seed=None, **{"up.seed": range(6), upstream: 1})
    assert describe_seeds(frame, []) == f"6 seeds ({word})"


def test_sizes_are_those_of_the_runs():
    frame = sweep(
        n_train=[80, 80, 81, 80, 80, 80], d=4, n_gates=50, lam_fraction=[0.1] * 3 + [0.2] * 3
    )
    assert describe_sizes(frame) == "data: n = 80–81, d = 4; P = 50; λ = 0.1–0.2 λₘₐₓ"
    two = frame.assign(dataset=["digits_2v6"] * 3 + ["diabetes"] * 3)
    assert describe_sizes(two).startswith(
        "data: digits 2 vs 6: n = 80–81, d = 4; diabetes: n = 80, d = 4; P"
    )
    below = sweep(n_train=80, d=4, **{"up.n_gates": 12})
    assert describe_sizes(below) == "data: n = 80, d = 4; P = 12"
    assert describe_sizes(sweep()) == ""
