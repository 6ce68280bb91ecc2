"""Theorems about closedness of product sets, and the symmetries every verdict must have."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import validate_group
from relu_optima.errors import BudgetError, DataError
from relu_optima.existence import decide
from relu_optima.existence.proof import laurent
from relu_optima.existence.windows import find_open_window
from relu_optima.patterns.clusters import (
    clusters_are_separated,
    determinant,
    provable_move,
    separated_clusters,
)


def random_masks(r, side, seed, p):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, side + 1, 2)
    lower, upper = (rng.random((r, n)) < p), (rng.random((m, r)) < p)
    lower[0, 0] = upper[0, 0] = True
    return [lower.astype(np.uint8), upper.astype(np.uint8)]


patterns = st.builds(
    random_masks, st.integers(1, 3), st.just(4), st.integers(0, 10**6), st.floats(0.3, 0.9)
)


def width_two_theorem(masks):
    """Not closed iff the rectangles share s rows and t columns, s, t >= 1, and one of (1)-(3)."""
    lower, upper = (m.astype(bool) for m in masks)
    s, t = (upper[:, 0] & upper[:, 1]).sum(), (lower[0] & lower[1]).sum()
    a = [(upper[:, k] & ~upper[:, 1 - k]).sum() for k in (0, 1)]
    b = [(lower[k] & ~lower[1 - k]).sum() for k in (0, 1)]
    one = any(a[k] and b[k] for k in (0, 1))
    two = s >= 2 and b[0] and b[1]
    three = t >= 2 and a[0] and a[1]
    return bool(s and t and (one or two or three))


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.floats(0.2, 0.9))
def test_width_two_is_the_theorem_at_any_size(seed, p):
    masks = random_masks(2, 9, seed, p)
    answer = decide(masks).product_set
    assert answer == ("not_closed" if width_two_theorem(masks) else "closed")


@pytest.mark.parametrize("n", [2, 3, 5, 17, 200])
def test_lu_is_not_closed_and_the_data_sets_exist(n):
    verdict = decide([np.triu(np.ones((n, n))), np.tril(np.ones((n, n)))])
    assert verdict.product_set == "not_closed"
    assert verdict.optimum == "not_always"
    assert verdict.certificate.verify()
    assert len(verdict.counterexample_dataset()[0]) == 2 * n + 1


@pytest.mark.parametrize(("m", "r", "n"), [(1, 1, 1), (3, 2, 4), (5, 5, 3), (2, 7, 9)])
def test_dense_is_closed_at_every_rank(m, r, n):
    verdict = decide([np.ones((r, n)), np.ones((m, r))])
    assert verdict.product_set == "closed"
    assert verdict.function_set == "closed"
    assert verdict.optimum == ("always" if r == 1 or m == 1 else "not_always")


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_scalar_output_is_always_fine(r, n, seed):
    lower = (np.random.default_rng(seed).random((r, n)) < 0.6).astype(np.uint8)
    lower[0, 0] = 1
    verdict = decide([lower, np.ones((1, r))])
    answers = (verdict.product_set, verdict.function_set, verdict.optimum)
    assert answers == ("closed", "closed", "always")


@settings(deadline=None, max_examples=20)
@given(patterns, st.integers(0, 10**6))
def test_verdicts_do_not_depend_on_names(masks, seed):
    rng = np.random.default_rng(seed)
    lower, upper = masks
    p, q, k = (rng.permutation(size) for size in (len(upper), lower.shape[1], len(lower)))
    other = [lower[k][:, q], upper[p][:, k]]
    a, b = (decide(m, time_limit=600.0) for m in (masks, other))
    assert a.optimum == b.optimum
    for x, y in ((a.product_set, b.product_set), (a.function_set, b.function_set)):
        assert x == y or "unknown" in (x, y)  # a search may miss a limit under other names
    assert {"closed", "not_closed"} != {a.product_set, b.product_set}


@settings(deadline=None, max_examples=40)
@given(patterns)
def test_idle_neurons_change_nothing(masks):
    lower, upper = masks
    r, n, m = len(lower), lower.shape[1], len(upper)
    a = decide(masks, time_limit=600.0)
    no_output = [np.vstack([lower, np.ones((1, n))]), np.hstack([upper, np.zeros((m, 1))])]
    no_input = [np.vstack([lower, np.zeros((1, n))]), np.hstack([upper, np.ones((m, 1))])]
    for other in (no_output, no_input):
        b = decide(other, time_limit=600.0)
        assert (a.product_set, a.function_set, a.optimum) == (
            b.product_set,
            b.function_set,
            b.optimum,
        )
        assert other[0].shape[0] == r + 1


@settings(deadline=None, max_examples=40)
@given(patterns)
def test_product_set_does_not_change_under_transposition(masks):
    a, b = decide(masks), decide([masks[1].T, masks[0].T])
    assert a.product_set == b.product_set or "unknown" in (a.product_set, b.product_set)


def test_finite_data_answer_does_change_under_transposition():
    scalar_output = [np.ones((2, 2)), np.ones((1, 2))]
    assert decide(scalar_output).optimum == "always"
    assert decide([m.T for m in reversed(scalar_output)]).optimum == "not_always"


@settings(deadline=None, max_examples=40)
@given(patterns, st.integers(0, 10**6))
def test_a_window_that_is_not_closed_makes_the_whole_not_closed(masks, seed):
    rng = np.random.default_rng(seed)
    window = [masks[0] * (rng.random(masks[0].shape[1]) < 0.7), masks[1].copy()]
    window[1][rng.random(len(masks[1])) < 0.3] = 0
    if not (window[0].any() and window[1].any()):
        return
    if decide(window).product_set == "not_closed":
        assert decide(masks).product_set == "not_closed"


@settings(deadline=None, max_examples=200)
@given(patterns)
def test_window_scan_finds_every_open_two_by_two_window(masks):
    """Brute force over windows with the rule word by word."""
    lower, upper = masks

    def opens(i, i2, j, j2):
        square = [(i, j), (i, j2), (i2, j), (i2, j2)]
        cover = {
            c: {k for k in range(len(lower)) if upper[c[0], k] and lower[k, c[1]]} for c in square
        }
        whole = set.intersection(*cover.values())
        return len(whole) == 1 and sum(len(k) > 1 for k in cover.values()) == 1

    expected = any(
        opens(i, i2, j, j2)
        for i, i2 in itertools.combinations(range(len(upper)), 2)
        for j, j2 in itertools.combinations(range(lower.shape[1]), 2)
    )
    assert (find_open_window(lower, upper) is not None) == expected


@pytest.mark.parametrize("n", [2, 4, 16])
def test_lul_reaches_everything_although_lu_does_not(n):
    low, up = np.tril(np.ones((n, n))), np.triu(np.ones((n, n)))
    assert decide([low, up, low]).product_set == "closed"
    assert decide([up, low]).product_set == "not_closed"


@pytest.mark.parametrize(("n", "count"), [(2, 5), (2, 7), (3, 7)])
def test_clusters_are_separated_exactly(n, count):
    points = separated_clusters(n, count)
    assert points.shape == (count, n + 1, n)
    exact = [[[Fraction(x) for x in v] for v in c] for c in points.tolist()]
    assert clusters_are_separated(exact)
    # and no hyperplane through n vertices of different clusters meets another hull
    for chosen in itertools.islice(itertools.combinations(range(count), n + 1), 50):
        hulls = points[list(chosen)]
        normal = np.linalg.lstsq(hulls[:n, 0], np.ones(n), rcond=None)[0]
        side = hulls[n] @ normal - 1
        assert (side > 0).all() or (side < 0).all()


@pytest.mark.parametrize(("n", "count"), [(1, 9), (2, 8), (3, 6), (4, 6)])
def test_closed_bound_separates_by_enumeration(n, count):
    steps = [p - count // 2 for p in range(count)]
    top = max(map(abs, steps))
    h = provable_move(n, top)
    moves = [h * top**j for j in range(n)]
    clusters = []
    for s in steps:
        centre = [Fraction(s) ** (j + 1) for j in range(n)]
        moved = [
            [x + (m if j == q else 0) for j, x in enumerate(centre)] for q, m in enumerate(moves)
        ]
        clusters.append([centre, *moved])
    assert clusters_are_separated(clusters)


@pytest.mark.parametrize(("n", "count"), [(3, 61), (4, 33), (6, 25)])
def test_many_clusters_in_higher_dimension_are_separated_where_sampled(n, count):
    """Exact signs of determinants, adjacent clusters (the tightest) and random ones."""
    points = separated_clusters(n, count).tolist()
    rng = np.random.default_rng(0)
    chosen = [range(q, q + n + 1) for q in range(count - n)]
    chosen += [sorted(rng.permutation(count)[: n + 1]) for _ in range(40)]
    for clusters in chosen:
        for _ in range(3):
            rows = [points[c][rng.integers(n + 1)] for c in clusters]
            assert determinant([[Fraction(1), *map(Fraction, row)] for row in rows]) > 0


def test_clusters_that_float64_cannot_hold_are_refused():
    with pytest.raises(BudgetError, match="closer than float64"):
        separated_clusters(12, 200)


def test_windows_with_four_inputs_have_a_cluster_data_set():
    """Two tridiagonal layers of width four: 17 clusters of five points, too many to enumerate."""
    index = np.arange(4)
    band = (np.abs(index[:, None] - index) <= 1).astype(np.uint8)
    verdict = decide([band, band], time_limit=300)
    X, Y = verdict.cluster_dataset()
    assert X.shape == (5 * 17, 4)
    limit = np.zeros((4, 4))
    proof = verdict.certificate.document["product"]["proof"]
    for (i, j), entry in laurent.from_json(proof["limit"]).items():
        limit[i, j] = float(entry[0])
    assert np.array_equal(Y, X @ limit.T)
    assert np.linalg.matrix_rank(X.reshape(17, 5, 4)[:, 1:] - X.reshape(17, 5, 4)[:, :1]).min() == 4


def test_cluster_loader_gives_the_data_set_of_the_verdict():
    preset = Path(__file__).parents[2] / "conf/dataset/lu_clusters.yaml"
    config = validate_group("dataset", yaml.safe_load(preset.read_text()))
    data = load_plugin("dataset", "clusters").load(config)
    X, Y = decide([np.triu(np.ones((2, 2))), np.tril(np.ones((2, 2)))]).cluster_dataset()
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.y, Y)
    with pytest.raises(DataError, match="differ in length"):
        load_plugin("dataset", "clusters").load(
            validate_group(
                "dataset", {"loader": "clusters", "matrix": [[1.0], [1.0, 2.0]], "neurons": 2}
            )
        )


def test_cluster_data_set_of_lu_has_fifteen_points_and_its_curve_fits():
    verdict = decide([np.triu(np.ones((2, 2))), np.tril(np.ones((2, 2)))])
    X, Y = verdict.cluster_dataset()
    assert X.shape == (15, 2)
    assert np.allclose(Y, X @ np.array([[0, 1.0], [1, 0]]))
    losses = []
    for eps in (1e-2, 1e-3):
        W1, W2 = np.array([[1, 1 / eps], [0, 1]]), np.array([[eps, 0], [1, -1 / eps]])
        bias = 10 / eps
        hidden = np.maximum(X @ W1.T + bias, 0)
        out = hidden @ W2.T - bias * W2.sum(axis=1)
        losses.append(np.square(out - Y).sum())
    assert losses[1] < 0.02 * losses[0]
