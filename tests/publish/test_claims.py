"""Products that are set beside a publication: mean curves and checked claims."""

import numpy as np
import pytest

from relu_optima.config.validate import validate_group
from relu_optima.plugins import load_plugin
from relu_optima.publish.frames import ProductError
from tests.publish import sweeps

BASE = {"title": "t", "caption": "c", "category": "Test", "sweeps": ["lu_training"]}


@pytest.fixture
def frames():
    return {"lu_training": sweeps.lu_training()}


def claims(frames, *criteria):
    values = {**BASE, "table": "criteria", "criteria": list(criteria)}
    config = validate_group("table", values)
    return load_plugin("table", "criteria").tabulate(frames, config).frame


def test_a_claim_about_all_runs_fails_with_its_worst_run(frames):
    runs = frames["lu_training"]
    worst = float(runs["loss"].max())
    base = {"claim": "c", "column": "loss", "statistic": "max"}
    found = claims(
        frames,
        {**base, "below": worst},
        {**base, "most": worst},
        {**base, "above": 0.0, "below": worst + 1},
        {**base, "below": {"column": "loss", "statistic": "min"}},
    )
    assert list(found["verdict"]) == ["fail", "pass", "pass", "fail"]
    assert list(found["measured"]) == [worst] * 4
    assert set(found["n"]) == {len(runs)}


def test_a_missing_number_is_never_a_pass(frames):
    frames["lu_training"].loc[3, "loss"] = np.nan
    claim = {"claim": "c", "column": "loss", "statistic": "max", "below": 1e9}
    assert list(claims(frames, claim)["verdict"]) == ["not measured"]
    other = {
        "claim": "c",
        "column": "weight_norm",
        "statistic": "min",
        "above": {"column": "loss", "statistic": "min"},
    }
    assert list(claims(frames, other)["verdict"]) == ["not measured"]


def test_mean_curves_are_means_and_standard_deviations(frames):
    values = {
        **BASE,
        "plot": "mean_curves",
        "where": {"pattern": "dense_4"},
        "hue": "training.weight_decay",
        "panels": [{"x": "epoch", "y": "loss"}],
    }
    points = (
        load_plugin("figure", "mean_curves").plot(frames, validate_group("figure", values)).points
    )
    runs = frames["lu_training"]
    for decay in (0.0, 1e-3):
        chosen = runs[(runs["pattern"] == "dense_4") & (runs["training.weight_decay"] == decay)]
        curves = np.array(chosen["series.loss"].tolist())
        mine = points[points["training.weight_decay"] == decay]
        np.testing.assert_allclose(mine["mean"], curves.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(mine["std"], curves.std(axis=0), rtol=1e-9, atol=1e-12)


def test_runs_on_different_grids_have_no_mean_curve(frames):
    row = frames["lu_training"].iloc[0]
    frames["lu_training"].at[0, "series.epoch"] = row["series.epoch"] + 1
    values = {
        **BASE,
        "plot": "mean_curves",
        "where": {"pattern": "lu"},
        "hue": "training.weight_decay",
        "panels": [{"x": "epoch", "y": "loss"}],
    }
    with pytest.raises(ProductError, match="no mean curve"):
        load_plugin("figure", "mean_curves").plot(frames, validate_group("figure", values))
