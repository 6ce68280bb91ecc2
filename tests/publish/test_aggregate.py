"""The interval around a median: exact coverage, invariances, honest counts."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from relu_optima.publish.aggregate import (
    aggregate_seeds,
    describe_interval,
    median_interval,
    median_quartiles,
)
from relu_optima.publish.frames import ProductError
from relu_optima.publish.tables import aggregate

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize("n", range(1, 80))
def test_coverage_is_the_binomial_one_and_the_interval_the_narrowest_that_keeps_95_percent(n):
    values = np.arange(1.0, n + 1)  # the k-th order statistic is k
    found = median_interval(values)
    k = int(found.low)
    assert found.high == n + 1 - k
    assert found.coverage == pytest.approx(max(1 - 2 * binom.cdf(k - 1, n, 0.5), 0), abs=1e-12)
    if n >= 6:
        assert found.coverage >= 0.95
        if 2 * (k + 1) <= n:
            assert 1 - 2 * binom.cdf(k, n, 0.5) < 0.95
    else:
        assert (found.low, found.high) == (1, n)
        assert found.coverage == 1 - 2.0 ** (1 - n)


def test_five_seeds_are_too_few_for_95_percent_and_the_words_say_so():
    assert median_interval(range(5)).coverage == 0.9375
    text = describe_interval([0.9375, 0.9375])
    assert "too few for 95\N{NO-BREAK SPACE}%" in text
    assert "93.8\N{NO-BREAK SPACE}%" in text
    assert describe_interval([0.97]) == "median and 95\N{NO-BREAK SPACE}% interval over seeds"
    assert describe_interval([0.0]) == "single runs"


@pytest.mark.parametrize("n", [6, 9, 20])
def test_true_median_is_inside_as_often_as_stated(n):
    rng = np.random.default_rng(n)
    draws = rng.exponential(size=(4000, n))
    inside = [(i := median_interval(row)).low <= math.log(2) <= i.high for row in draws]
    stated = median_interval(draws[0]).coverage
    assert np.mean(inside) == pytest.approx(stated, abs=4 * math.sqrt(stated * (1 - stated) / 4000))


@given(st.lists(FINITE, min_size=1, max_size=30), st.randoms())
def test_order_does_not_matter_and_missing_values_do_not_count(values, random):
    shuffled = [*values, math.nan, math.inf]
    random.shuffle(shuffled)
    assert median_interval(shuffled) == median_interval(values)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=31))
def test_interval_moves_with_a_monotone_map_and_holds_the_median(values):
    plain = median_interval(values)
    cubed = median_interval([float(v) ** 3 for v in values])
    assert (cubed.low, cubed.high) == (plain.low**3, plain.high**3)
    assert plain.low <= plain.median <= plain.high
    assert plain.n == len(values)


def test_no_value_is_no_number():
    empty = median_interval([math.nan])
    assert empty.n == 0
    assert math.isnan(empty.median)
    assert empty.coverage == 0


def test_runs_that_are_not_ok_are_counted_but_not_summarised():
    frame = pd.DataFrame(
        {
            "run_id": [f"{i:012x}" for i in range(5)],
            "status": ["ok", "optimal", "diverged", "diverged", "time_limit"],
            "lam": [0.1] * 4 + [0.2],
            "objective": [1.0, 3.0, 1e9, None, 5.0],
        }
    )
    table = aggregate_seeds(frame, ["lam"], ["objective"])
    first, second = table.to_dict("records")
    assert (first["n_runs"], first["n_ok"], first["not_ok"]) == (4, 2, "2 diverged")
    assert (first["objective.median"], first["objective.n"]) == (2.0, 2)
    assert (second["n_runs"], second["objective.n"]) == (1, 0)
    assert second["not_ok"] == "1 time_limit"
    assert first["runs"].split() == frame["run_id"][:4].tolist()
    assert len(table) == 2


def test_a_missing_group_value_is_a_group():
    frame = pd.DataFrame(
        {"run_id": ["a", "b"], "status": ["ok", "ok"], "p": [0.1, None], "v": [1.0, 2.0]}
    )
    assert aggregate_seeds(frame, ["p"], ["v"])["n_runs"].sum() == 2


@given(st.lists(FINITE, min_size=2, max_size=30))
def test_quartiles_are_those_of_the_standard_library_and_claim_no_coverage(values):
    found = median_quartiles([*values, math.nan])
    expected = statistics.quantiles(values, n=4, method="inclusive")
    assert (found.low, found.median, found.high) == pytest.approx(tuple(expected), abs=1e-6)
    assert found.n == len(values)
    assert math.isnan(found.coverage)


def test_quartiles_of_five_seeds_are_the_second_and_the_fourth():
    found = median_quartiles([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
    assert describe_interval([math.nan], spread="quartiles") == "median and quartiles over seeds"


def test_the_difference_is_that_of_the_medians_not_the_median_of_differences():
    frame = pd.DataFrame(
        {
            "run_id": list("abc"),
            "status": ["ok"] * 3,
            "dataset": ["d"] * 3,
            "first": [0.1, 0.2, 0.9],
            "second": [0.8, 0.3, 0.7],
        }
    )
    columns = [{"column": "first"}, {"column": "second"}]
    common = {"table": "aggregate", "sweeps": ["s"], "title": "t", "caption": "c", "category": "k"}
    config = {**common, "by": ["dataset"], "columns": columns}
    options = aggregate.Config.model_validate({**config, "difference": ["first", "second"]})
    result = aggregate.tabulate({"s": frame}, options)
    assert result.frame["difference"].tolist() == pytest.approx([0.5])  # of 0.2 and 0.7
    assert list(result.columns)[-1] == "difference"
    wrong = aggregate.Config.model_validate({**config, "difference": ["third"]})
    with pytest.raises(ProductError, match="third"):
        aggregate.tabulate({"s": frame}, wrong)
