"""Verdicts: each against arithmetic done here, and no published number is ever dropped."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.config.compose import load_yaml
from relu_optima.errors import ConfigError, ReluOptimaError
from relu_optima.plan.make import make_plan
from relu_optima.publish.frames import ProductError
from relu_optima.reproduce.compare import IN_QUANTILES, IN_TOLERANCE, NOT_RUN, OUTSIDE, compare
from relu_optima.reproduce.published import Published, load_published, published_studies
from tests.reproduce import made_up
from tests.studies import parts

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.fixture(scope="module")
def icml():
    return load_published(CONF, "icml2023")


def one_number(printed, **item):
    """Publish one number about one data set, answered by column `score` of sweep `s`."""
    return Published.model_validate(
        {
            "paper": "p",
            "items": {
                "t": {
                    "title": "t", "source": "s", "sweep": "s", "row": ["dataset"],
                    "tolerance": 0.05, "decimals": 2, "columns": {"c": {"column": "score"}},
                    "cells": [{"dataset": "a", "c": printed}],
                }
                | item
            },
        }
    )  # fmt: skip


def frame(values, **columns):
    rows = [{"dataset": "a", "seed": i, "score": v} | columns for i, v in enumerate(values)]
    return {"s": made_up._frame("s", rows)}


@pytest.mark.parametrize(
    ("printed", "ours", "verdict"),
    [
        ([0.70, 0.60, 0.72], 0.61, IN_QUANTILES),
        ([0.70, 0.60, 0.72], 0.604, IN_QUANTILES),
        ([0.70, 0.60, 0.72], 0.5951, IN_QUANTILES),  # rounds to the printed 0.60
        ([0.70, 0.69, 0.72], 0.66, IN_TOLERANCE),
        ([0.70, 0.69, 0.72], 0.64, OUTSIDE),
        ([0.14, 0.26, 0.14], 0.20, IN_QUANTILES),  # quantiles of a range need not be in order
        ([0.10, 0.11, 0.12], 0.10, IN_QUANTILES),
        (0.70, 0.70, IN_TOLERANCE),
        (0.70, 0.75, IN_TOLERANCE),
        (0.70, 0.65, IN_TOLERANCE),
        (0.70, 0.7551, OUTSIDE),
        (0.70, float("nan"), NOT_RUN),
    ],
)
def test_verdict_of_one_number(printed, ours, verdict):
    (found,) = compare(one_number(printed), frame([ours] * 5))
    assert found.verdict == verdict
    assert found.why or verdict == IN_QUANTILES


def test_ours_is_the_median_between_the_quartiles_of_the_good_runs():
    frames = frame([0.1, 0.5, 0.2, 0.4, 0.3, 9.0])
    frames["s"].loc[5, "status"] = "refused"
    (found,) = compare(one_number(0.3), frames)
    assert (found.ours_low, found.ours, found.ours_high) == pytest.approx((0.2, 0.3, 0.4))
    assert found.runs == 5
    assert "1 refused of 6 runs" in found.why


def test_tolerance_may_be_relative():
    big = one_number(1000.0, relative=True)
    assert compare(big, frame([1049.0]))[0].verdict == IN_TOLERANCE
    assert compare(big, frame([1051.0]))[0].verdict == OUTSIDE
    assert compare(one_number(1000.0), frame([1001.0]))[0].verdict == OUTSIDE


def test_a_point_of_a_curve_is_read_where_it_was_printed():
    column = {"column": "series.norm", "x": "series.epoch", "at": 200}
    published = one_number(3.0, columns={"c": column})
    series = {"series.epoch": np.array([100, 200, 300]), "series.norm": np.array([1.0, 3.0, 4.0])}
    frames = frame([0.0])
    frames["s"] = frames["s"].assign(**{k: [v] for k, v in series.items()})
    assert compare(published, frames)[0].ours == 3.0
    elsewhere = one_number(3.0, columns={"c": column | {"at": 150}})
    found = compare(elsewhere, frames)[0]
    assert found.verdict == NOT_RUN
    assert "epoch = 150" in found.why


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        ({}, "sweep s has not been run"),
        (frame([0.7], dataset="b"), "no run of sweep s has dataset = a"),
        (frame([0.7], status="refused"), "1 refused of 1 runs"),
        ({"s": frame([0.7])["s"].rename(columns={"score": "scores"})}, "did you mean 'scores'?"),
    ],
)
def test_what_cannot_be_compared_says_why(frames, part):
    (found,) = compare(one_number(0.7), frames)
    assert found.verdict == NOT_RUN
    assert part in found.why


def test_runs_of_two_settings_are_not_pooled():
    frames = frame([0.7, 0.7])
    frames["s"]["convex.lam"] = [0.1, 0.2]
    with pytest.raises(ProductError, match=r"convex\.lam"):
        compare(one_number(0.7), frames)


@settings(max_examples=6, deadline=None)
@given(
    kept=st.sets(st.sampled_from(sorted(made_up.sweeps()))),
    dropped=st.sets(st.sampled_from(made_up.TEN)),
    refused=st.sets(st.integers(0, 84)),
)
def test_every_published_number_appears_once_whatever_is_missing(kept, dropped, refused):
    published = load_published(CONF, "icml2023")
    frames = {k: v for k, v in made_up.sweeps().items() if k in kept}
    for name, value in frames.items():
        value.loc[value.index.isin(refused), "status"] = "refused"
        frames[name] = value[~value["dataset"].isin(dropped)]
    found = compare(published, frames)
    expected = [
        (name, variant, cell["dataset"], column)
        for name, item in published.items.items()
        for variant in item.variants
        for cell in item.cells
        for column in cell
        if column != "dataset"
    ]
    assert [(c.item, c.variant, c.row, c.column) for c in found] == expected
    for c in found:
        assert (c.verdict == NOT_RUN) == (c.ours != c.ours)
        assert c.why or c.verdict == IN_QUANTILES
        if c.row in dropped:
            assert c.verdict == NOT_RUN


def test_the_last_column_is_the_range_of_the_medians(icml):
    frames = made_up.sweeps()
    found = {(c.item, c.variant, c.row, c.column): c for c in compare(icml, frames)}
    for variant, where in (("published, solved to 1e-4", 1e-4), ("exact", None)):
        runs = frames["icml_tune_exact" if where is None else "icml_tune_published"]
        if where is not None:
            runs = runs[runs["optimal_set.interior_tol"] == where]
        for dataset in made_up.TEN:
            columns = [f"{c}_test_accuracy_gated" for c in made_up.CRITERIA]
            medians = runs[runs["dataset"] == dataset][columns].median()
            ours = found["table_1", variant, dataset, "diff"].ours
            assert ours == pytest.approx(medians.max() - medians.min(), abs=1e-15)


def test_explanations_are_quoted(icml):
    found = [c for c in compare(icml, made_up.sweeps()) if c.verdict == OUTSIDE]
    assert found
    number = next(c for c in found if c.column == "test" and c.variant.startswith("published"))
    assert "median test_penalty_ratio 1.5" in number.why
    assert "test_status fallback 1, optimal 4" in number.why


def test_tables_1_and_2_of_the_paper_agree(icml):
    small, large = icml.items["table_1"], icml.items["table_2"]
    assert (len(small.cells), len(large.cells)) == (10, 17)
    full = {cell["dataset"]: cell for cell in large.cells}
    for cell in small.cells:
        for column in large.columns:
            assert cell[column] == full[cell["dataset"]][column][0]
    for cell in large.cells:
        medians = [cell[c][0] for c in made_up.CRITERIA]
        # printed numbers are rounded: the range of rounded medians is off by 0.01 at most
        assert abs(max(medians) - min(medians) - cell["diff"][0]) <= 0.0101
        for c in made_up.CRITERIA:
            value, low, high = cell[c]
            assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize("study", published_studies(CONF))
def test_files_are_valid_and_name_existing_data_sets(study):
    published = load_published(CONF, study)
    for item in published.items.values():
        for cell in item.cells:
            if "dataset" in cell:
                assert (CONF / "dataset" / f"{cell['dataset']}.yaml").is_file()
    for table in published.claims:
        assert f"{study}/{table}" in parts("table")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"cells": [{"dataset": "a", "d": 0.5}]}, "allowed: c"),
        ({"cells": [{"c": 0.5}]}, "lacks dataset"),
        ({"cells": [{"dataset": "a", "c": [0.5, 0.4]}]}, "lower, upper"),
        ({"cells": [{"dataset": "a", "c": 0.5}, {"dataset": "a", "c": 0.6}]}, "twice"),
        ({"columns": {"c": {}}}, "needs either"),
        ({"columns": {"c": {"range_of": ["x"]}}}, "not a column"),
        ({"columns": {"c": {"column": "k", "x": "series.epoch"}}}, "go together"),
        ({"variants": {"v": {"columns": {"x": "y"}}}}, "allowed: c"),
        ({"tolerance": 0.0}, "greater than 0"),
        ({"sorce": "x"}, "sorce: unknown key"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, change, part):
    values = load_yaml(CONF / "study/icml2023/published.yaml")["published"]
    item = {
        "title": "t", "source": "s", "sweep": "s", "row": ["dataset"], "tolerance": 0.05,
        "decimals": 2, "columns": {"c": {"column": "k"}}, "cells": [{"dataset": "a", "c": 0.5}],
    }  # fmt: skip
    values["items"] = {"t": item | change}
    (tmp_path / "study").mkdir()
    path = tmp_path / "study" / "bad.yaml"
    path.write_text(yaml.safe_dump({"title": "t", "published": values}))
    with pytest.raises(ConfigError) as caught:
        load_published(tmp_path, "bad")
    assert part in str(caught.value)
    assert f"{tmp_path.name}/study/bad.yaml: published." in str(caught.value)


def test_a_study_without_published_numbers_is_refused():
    with pytest.raises(ReluOptimaError, match="icml2023"):
        load_published(CONF, "icml2033")


@pytest.mark.parametrize("study", published_studies(CONF))
def test_a_study_runs_every_sweep_that_its_published_numbers_need(study):
    published = load_published(CONF, study)
    planned = make_plan(study, root=CONF.parent)
    for item in published.items.values():
        assert {v.sweep or item.sweep for v in item.variants.values()} <= set(planned.sweeps)
    for table in published.claims:
        # claims are checked in the study's own report too
        assert table in planned.tables
