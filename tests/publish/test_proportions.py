"""Wilson intervals: the formula, their coverage, and undecided runs that can only widen them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from relu_optima.publish.proportions import binned, proportion, wilson_interval


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (3, 20), (10, 20), (20, 20)])
def test_interval_solves_the_score_equation(hits, n):
    """Its ends are the p with |hits/n - p| = z sqrt(p (1 - p) / n)."""
    z = norm.ppf(0.975)
    for p in wilson_interval(hits, n):
        assert abs(hits / n - p) == pytest.approx(z * math.sqrt(p * (1 - p) / n), abs=1e-7)


def test_no_trial_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("n", [20, 40])
def test_coverage_is_near_95_percent_on_average(n):
    ends = np.array([wilson_interval(k, n) for k in range(n + 1)])
    grid = np.linspace(0.02, 0.98, 97)
    inside = [
        binom.pmf(np.arange(n + 1), n, p)[(ends[:, 0] <= p) & (p <= ends[:, 1])] for p in grid
    ]
    assert np.mean([part.sum() for part in inside]) == pytest.approx(0.95, abs=0.01)


@given(st.lists(st.sampled_from(["closed", "not_closed", "unknown", None]), min_size=1), st.data())
def test_interval_holds_whatever_the_undecided_would_answer(answers, data):
    found = proportion(pd.Series(answers, dtype=object), ["not_closed"], ["unknown"])
    assert found.n == len(answers)
    assert found.undecided == sum(a in ("unknown", None) for a in answers)
    extra = data.draw(st.integers(0, found.undecided))
    low, high = wilson_interval(found.hits + extra, found.n)
    assert found.low <= low
    assert high <= found.high
    assert found.low <= found.share <= found.share + found.share_undecided <= found.high + 1e-12


def test_bins_are_centred_at_multiples_of_the_width():
    found = binned(pd.Series([0.06, 0.0624, 0.13, 0.5]), 0.0625)
    assert found.tolist() == [0.0625, 0.0625, 0.125, 0.5]
