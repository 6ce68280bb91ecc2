"""What a caption says of the runs is checked on them before anything is drawn."""

from __future__ import annotations

import pytest

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import InvalidGroup, validate_group
from relu_optima.publish.claims import enforce
from relu_optima.publish.frames import ProductError
from relu_optima.publish.render import render_figure, render_table
from tests.publish import sweeps
from tests.studies import part

BASE = {
    "table": "runs",
    "sweeps": ["convex_lambda"],
    "title": "t",
    "caption": "All is as it should be.",
    "category": "Test",
    "columns": [{"column": "objective"}],
}
NEVER_LARGER = {
    "claim": "as it should be",
    "kind": "ordered",
    "value": "objective",
    "lower": "dual_objective",
    "along": "convex.formulation",
    "order": ["gated", "relu"],
    "same": ["lam"],
}


@pytest.fixture
def frames():
    return {"convex_lambda": sweeps.convex_lambda(), "convex_gates": sweeps.convex_gates()}


def preset(kind, name):
    return validate_group(kind, part(kind, name))


def table(*claims, **values):
    return validate_group("table", {**BASE, **values, "holds": list(claims)})


def row_of(frame, **wanted):
    chosen = frame
    for column, value in wanted.items():
        chosen = chosen[chosen[column.replace("__", ".")] == value]
    assert len(chosen) == 1
    return chosen.index[0]


def test_a_figure_is_not_drawn_if_a_run_contradicts_its_caption(frames, tmp_path):
    runs = frames["convex_lambda"]
    where = {"dataset": "digits_2v6", "convex__lam": 0.1, "seed": 3}
    gated = row_of(runs, **where, formulation="gated")
    relu = row_of(runs, **where, formulation="relu")
    render_figure(frames, preset("figure", "lambda_objective"), tmp_path / "before")
    runs.loc[gated, ["objective", "dual_objective"]] = 1.01 * runs.loc[relu, "objective"]
    with pytest.raises(ProductError) as caught:
        render_figure(frames, preset("figure", "lambda_objective"), tmp_path / "after")
    message = str(caught.value)
    for words in ("figure after: holds.0", "never larger", "1 of 59 pairs"):
        assert words in message
    for run in (gated, relu):
        assert f"run {runs.loc[run, 'run_id']}" in message
    assert not list(tmp_path.glob("after*"))


def test_values_at_different_strengths_are_not_compared(frames):
    runs = frames["convex_lambda"]
    runs["lam"] = runs["lam"].where(runs["formulation"] == "relu", 2 * runs["lam"])
    with pytest.raises(ProductError, match="not comparable, lam is"):
        enforce(frames, preset("figure", "lambda_objective"))


def test_a_difference_within_the_certified_gap_contradicts_nothing(frames):
    runs = frames["convex_lambda"]
    gated = runs["formulation"] == "gated"
    relu = runs.loc[~gated, "objective"].to_numpy()
    runs.loc[gated, "objective"] = relu * (1 + 1e-4)
    runs.loc[gated, "dual_objective"] = relu * (1 - 1e-4)
    enforce(frames, table(NEVER_LARGER))
    with pytest.raises(ProductError, match=r"\d+ of 59 pairs"):
        enforce(frames, table({**NEVER_LARGER, "lower": None}))


def test_more_gates_with_a_larger_value_are_an_error(frames):
    figure = preset("figure", "optimum")
    enforce(frames, figure)
    runs = frames["convex_gates"]
    run = row_of(runs, dataset="digits_2v6", convex="relu", seed=2, convex__gates__count=80)
    runs.loc[run, ["objective", "dual_objective"]] *= 2
    with pytest.raises(ProductError, match="more gates never raise it") as caught:
        enforce(frames, figure)
    assert f"run {runs.loc[run, 'run_id']} (convex.gates.count = 80)" in str(caught.value)


def test_presets_are_compared_with_the_values_that_they_name_and_no_others():
    runs = sweeps.pruning_paths()
    runs["pruning.node_limit"] = [9.0 if m == "global_minimum" else None for m in runs["pruning"]]
    fewest = {
        "claim": "as it should be",
        "kind": "ordered",
        "value": "n_exact",
        "along": "pruning",
        "order": ["global_minimum", "optimal"],
    }
    values = {**BASE, "table": "claims", "sweeps": ["pruning_paths"], "claims": [fewest]}
    del values["columns"]

    def judged(**changes):
        frame = runs.assign(**changes)
        config = validate_group("table", values)
        return load_plugin("table", "claims").tabulate({"pruning_paths": frame}, config).frame

    assert judged()[["verdict", "of"]].values.tolist() == [["pass", 6]]
    modes = ["exact" if m == "optimal" else "published" for m in runs["pruning"]]
    assert judged(**{"pruning.mode": modes})["of"].tolist() == [6], "decided by the preset"
    varied = [f"mode {k}" for k in range(len(runs))]
    assert judged(**{"pruning.mode": varied})["verdict"].tolist() == ["not measured"]


def test_bounds_are_numbers_or_columns_and_a_missing_value_is_outside(frames):
    runs = frames["convex_lambda"]
    within = {"claim": "as it should be", "kind": "within", "value": "objective"}
    enforce(frames, table({**within, "least": "dual_objective"}, {**within, "least": 0}))
    enforce(frames, table({**within, "value": "formulation", "among": ["relu", "gated"]}))
    with pytest.raises(ProductError, match="60 of 119 runs"):
        enforce(frames, table({**within, "value": "formulation", "among": ["relu"]}))
    runs.loc[5, "objective"] = float("nan")
    with pytest.raises(ProductError, match=f"1 of 119 runs: run {runs.loc[5, 'run_id']} "):
        enforce(frames, table({**within, "least": "dual_objective"}))


def test_runs_that_did_not_end_well_and_runs_without_a_partner_contradict_nothing(frames):
    runs = frames["convex_lambda"]
    assert runs.loc[52, "status"] == "inaccurate"
    runs.loc[52, "dual_objective"] = 1e9
    enforce(frames, table(NEVER_LARGER))
    frames["convex_lambda"] = runs[runs["formulation"] == "gated"]
    enforce(frames, table(NEVER_LARGER))


def test_a_table_enforces_and_the_table_of_claims_shows(frames, tmp_path):
    broken = {**NEVER_LARGER, "order": ["relu", "gated"]}
    with pytest.raises(ProductError, match=r"table shown: holds\.0"):
        render_table(frames, table(broken), tmp_path / "shown")
    values = {**BASE, "table": "claims", "claims": [NEVER_LARGER, broken]}
    del values["columns"]
    found = load_plugin("table", "claims").tabulate(frames, validate_group("table", values)).frame
    assert list(found["verdict"]) == ["pass", "fail"]
    assert list(found["of"]) == [59, 59]


def test_a_claim_that_the_caption_does_not_make_is_refused():
    with pytest.raises(InvalidGroup, match="neither title nor caption says"):
        table({**NEVER_LARGER, "claim": "never larger"})


@pytest.mark.parametrize("bounds", [{}, {"least": 1, "among": [1]}])
def test_a_claim_without_or_with_too_many_bounds_is_refused(bounds):
    claim = {"claim": "as it should be", "kind": "within", "value": "gap", **bounds}
    with pytest.raises(InvalidGroup, match="among"):
        table(claim)
