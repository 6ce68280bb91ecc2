"""Selection of runs: exact, never silent."""

import pandas as pd
import pytest

from relu_optima.config.validate import validate_group
from relu_optima.errors import ReluOptimaError, StoreError
from relu_optima.publish import frames as f
from relu_optima.publish.render import render_figure, render_table
from relu_optima.store.parquet import parquet_bytes
from relu_optima.store.sweeps import results
from tests.publish import sweeps

LINE = {
    "plot": "line",
    "sweeps": ["convex_lambda"],
    "title": "t",
    "caption": "c",
    "category": "Convex",
    "x": "convex.lam",
    "y": "objective",
    "hue": "convex",
    "panel": "dataset",
}


def line(**changes):
    return validate_group("figure", {**LINE, **changes})


def test_a_missing_column_names_figure_sweep_column_and_the_nearest(tmp_path):
    with pytest.raises(f.ColumnError) as caught:
        render_figure(sweeps.all_sweeps(), line(y="objectiv"), tmp_path / "lambda_objective")
    text = str(caught.value)
    for part in ("figure lambda_objective", "sweep convex_lambda", "'objectiv'", "'objective'"):
        assert part in text
    assert isinstance(caught.value, ReluOptimaError)
    assert not list(tmp_path.iterdir())


def test_a_missing_column_of_a_table_names_the_table(tmp_path):
    config = validate_group(
        "table",
        {
            "table": "runs",
            "sweeps": ["convex_lambda"],
            "title": "t",
            "caption": "c",
            "category": "Runs",
            "columns": [{"column": "gates"}],
        },
    )
    with pytest.raises(f.ColumnError, match="table all_runs: sweep convex_lambda"):
        render_table(sweeps.all_sweeps(), config, tmp_path / "all_runs")


def test_a_missing_sweep_lists_those_there():
    with pytest.raises(f.ProductError, match="convex_lambda"):
        f.sweep_of(sweeps.all_sweeps(), "convex_lambdas")


def test_selection_is_exact_and_types_matter():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [True, False, True], "c": ["x", "y", None]})
    assert f.select(frame, {"a": 1.0}, "s")["a"].tolist() == [1]
    assert f.select(frame, {"a": [1, 3], "b": True}, "s")["a"].tolist() == [1, 3]
    assert f.select(frame, {"b": 1}, "s").empty
    assert f.select(frame, {"c": "y"}, "s")["a"].tolist() == [2]
    with pytest.raises(f.ColumnError):
        f.select(frame, {"z": 1}, "s")


def test_an_empty_selection_is_an_error():
    with pytest.raises(f.ProductError, match="no run is selected"):
        f.gather(sweeps.all_sweeps(), line(where={"convex.lam": 7}), [])


def test_pooling_runs_that_differ_in_more_than_the_seed_is_refused_unless_named():
    frame = sweeps.convex_lambda()
    f.refuse_hidden_pooling(frame, ["convex.lam", "convex", "dataset"], [], "figure")
    with pytest.raises(f.ProductError, match=r"convex\.formulation"):
        f.refuse_hidden_pooling(frame, ["convex.lam", "dataset"], [], "figure")
    pool = ["convex", "convex.formulation"]
    f.refuse_hidden_pooling(frame, ["convex.lam", "dataset"], pool, "figure")


def test_upstream_settings_count_as_settings():
    frame = sweeps.pruning_paths()
    frame["convex_lambda.convex.lam"] = [0.1 if s == 0 else 0.2 for s in frame["seed"]]
    with pytest.raises(f.ProductError, match=r"convex_lambda\.convex\.lam"):
        f.refuse_hidden_pooling(frame, ["dataset", "pruning"], [], "figure")


def test_a_pooled_setting_of_whatever_sweep_stands_before():
    frame = sweeps.pruning_paths()
    frame["convex_lambda.convex.lam"] = [0.1 if s == 0 else 0.2 for s in frame["seed"]]
    f.refuse_hidden_pooling(frame, ["dataset", "pruning"], ["*.convex.lam"], "figure")
    with pytest.raises(f.ProductError, match=r"convex_lambda\.convex\.lam"):
        f.refuse_hidden_pooling(frame, ["dataset", "pruning"], ["*.convex.p"], "figure")


def test_levels_sort_numbers_and_keep_text_in_order():
    assert f.levels([3, 1.0, None, 2]) == [1.0, 2, 3]
    assert f.levels(["b", "a", "b", float("nan")]) == ["b", "a"]


def test_results_reads_a_collected_sweep_and_lists_what_exists(tmp_path):
    folder = tmp_path / "smoke" / "sweeps"
    folder.mkdir(parents=True)
    frame = sweeps.lambda_path()
    path = folder / "lambda_path.parquet"
    path.write_bytes(parquet_bytes(frame, {}))
    back = results("smoke", "lambda_path", tmp_path)
    assert back["run_id"].tolist() == frame["run_id"].tolist()
    assert f.series_of(back.iloc[0], "lam") == frame.iloc[0]["series.lam"].tolist()
    with pytest.raises(StoreError, match="lambda_path"):
        results("smoke", "lambda", tmp_path)
    with pytest.raises(StoreError, match="smoke"):
        results("default", "lambda_path", tmp_path)
    with pytest.raises(StoreError, match="cannot be the name"):
        results("../smoke", "lambda_path", tmp_path)
    with pytest.raises(StoreError, match="none has been collected"):
        results("smoke", "lambda_path", tmp_path / "nowhere")
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"PAR2", 1))
    with pytest.raises(StoreError, match="damaged"):
        results("smoke", "lambda_path", tmp_path)


def test_an_excess_may_be_over_a_value_of_whatever_sweep_stands_before():
    frame = sweeps.convex_lambda()
    frame["pairs.objective"] = 2 * frame["objective"]
    options = line(excess={"over": ["objective", "*.objective"]})
    found = f.gather({"convex_lambda": frame}, options, ["over"])
    assert found["over"].tolist() == pytest.approx([-0.5] * len(found))
