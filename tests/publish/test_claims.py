"""Mean curves, checked claims, exceptions, and sweeps put together by upstream columns."""

import numpy as np
import pytest

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import InvalidGroup, validate_group
from relu_optima.publish.config import ProductConfig
from relu_optima.publish.frames import ColumnError, ProductError, gather
from tests.publish import sweeps
from tests.studies import parts

BASE = {"title": "t", "caption": "c", "category": "Test", "sweeps": ["lu_training"]}


@pytest.fixture
def frames():
    return {"lu_training": sweeps.lu_training()}


def claims(frames, *measured):
    values = {**BASE, "table": "claims", "claims": [{"kind": "measured", **m} for m in measured]}
    config = validate_group("table", values)
    return load_plugin("table", "claims").tabulate(frames, config).frame


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
    assert list(found["extreme"]) == [worst] * 4
    assert f"of {len(runs)} runs" in found["detail"][0]


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
        "panels": [{"x": "series.epoch", "y": "series.loss"}],
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
        "panels": [{"x": "series.epoch", "y": "series.loss"}],
    }
    with pytest.raises(ProductError, match="no mean curve"):
        load_plugin("figure", "mean_curves").plot(frames, validate_group("figure", values))


def test_a_share_counts_the_runs_with_a_value(frames):
    runs = frames["lu_training"]
    claim = {"claim": "c", "column": "behaviour", "statistic": "share", "equals": "growing"}
    found = claims(frames, {**claim, "least": 0.0})
    assert found["extreme"][0] == (runs["behaviour"] == "growing").mean()
    with pytest.raises(InvalidGroup, match="equals"):
        claims(frames, {"claim": "c", "column": "behaviour", "statistic": "share", "least": 0.0})


def test_exceptions_are_the_runs_that_did_otherwise(frames):
    values = {
        **BASE,
        "table": "exceptions",
        "outcome": "behaviour",
        "predictions": [
            {"where": {"training.weight_decay": 0.0, "pattern": "lu"}, "expected": "growing"},
            {"where": {"training.weight_decay": 0.0, "pattern": "dense_4"}, "expected": "bounded"},
            {"where": {"training.weight_decay": 0.001}, "expected": "bounded"},
        ],
        "columns": [{"column": "seed"}],
    }
    result = load_plugin("table", "exceptions").tabulate(frames, validate_group("table", values))
    runs = frames["lu_training"]
    assert list(result.frame["run_id"]) == list(runs["run_id"][runs["behaviour"] == "diverged"])
    assert f"1 exceptions among {len(runs)} runs" in result.note
    frames["lu_training"] = runs[runs["behaviour"] != "diverged"]
    none = load_plugin("table", "exceptions").tabulate(frames, validate_group("table", values))
    assert none.frame.empty


def test_sweeps_with_different_upstreams_are_put_together():
    import pandas as pd

    head = {"run_id": ["a", "b"], "status": "ok"}
    frames = {
        "one": pd.DataFrame({**head, "up.norm": [1.0, 2.0], "up.dataset.norm": 5.0}),
        "two": pd.DataFrame({**head, "below.norm": [3.0, 4.0], "training.norm": 7.0}),
    }
    options = ProductConfig(
        sweeps=["one", "two"], title="t", caption="c", category="T", where={"*.norm": [2.0, 3.0]}
    )
    assert list(gather(frames, options, ["*.norm"])["*.norm"]) == [2.0, 3.0]
    frames["two"]["other.norm"] = 0.0
    with pytest.raises(ColumnError, match="2 upstream sweeps"):
        gather(frames, options, ["*.norm"])
    with pytest.raises(ColumnError, match="0 upstream sweeps"):
        gather(frames, options, ["*.absent"])
    frames["one"]["dataset"] = "iris"
    with pytest.raises(ColumnError, match="write dataset: no sweep stands before it"):
        gather(frames, options, ["*.dataset"])


def test_no_product_asks_an_upstream_sweep_for_the_data_set():
    """Columns of the data set have no sweep in front, wherever they come from."""
    for kind in ("figure", "table"):
        for name, values in parts(kind).items():
            assert "*.dataset" not in str(values), name


def test_excess_is_relative_to_the_second_column(frames):
    options = ProductConfig(
        sweeps=["lu_training"],
        title="t",
        caption="c",
        category="T",
        excess={"more": ["weight_norm", "loss"]},
    )
    runs = gather(frames, options, ["more"])
    np.testing.assert_allclose(runs["more"], runs["weight_norm"] / runs["loss"] - 1)
    with pytest.raises(ColumnError, match="absent"):
        gather(frames, options.model_copy(update={"excess": {"more": ["absent", "loss"]}}))
