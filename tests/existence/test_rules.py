"""Each closed rule on a pattern it decides, families of the literature, chains, and kinks."""

import itertools
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import SolveInputError
from relu_optima.existence import Certificate, atlas, deadline, decide
from relu_optima.existence.filling_cases import whole_case
from relu_optima.existence.proof.linear import rank_mod_p, rational_rank
from relu_optima.existence.quantifiers import closed_by_z3


def make(family, **fields):
    module = load_plugin("pattern", family)
    return module.masks(module.Config(family=family, **fields))


def mask(*rows):
    return np.array([[int(c) for c in row] for row in rows], np.uint8)


CLOSED_BY = {
    "P": [mask("110", "001", "111"), mask("101", "011", "011")],
    "C3": [mask("110", "101", "011"), mask("111", "011")],
    "C4": [mask("110", "101", "011"), mask("111", "111", "001")],
    "C5": make("banded", n=3),
    "C6": [mask("100", "011", "110", "111"), mask("1011", "0101", "0011")],
    "Z": make("banded", n=4, lower=1, upper=0),
    # rank three although the last neuron lacks a row and a column
    "C7": [mask("1111", "1011", "1111"), mask("111", "101", "111", "111")],
}


@pytest.mark.parametrize("rule", CLOSED_BY)
def test_rule_decides_its_pattern(rule):
    verdict = decide(CLOSED_BY[rule], time_limit=600)
    assert verdict.product_set == "closed"
    assert verdict.certificate.problems() == []
    assert verdict.certificate.document["product"]["proof"]["leaves"] == [rule]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_deficit_rule_agrees_with_wedderburn_numerically(seed, r):
    """Rank reduction by each neuron in turn reproduces any matrix of rank r."""
    rng = np.random.default_rng(seed)
    m, n = 5, 6
    M = rng.integers(-3, 4, (m, r)) @ rng.integers(-3, 4, (r, n)).astype(float)
    rank = np.linalg.matrix_rank(M)
    rest = M.copy()
    for t in range(rank, 0, -1):
        lost = list(rng.permutation(m)[: t - 1])  # a piece may lack t - 1 rows
        keep_x = null_space(rest[lost]) if lost else np.eye(n)
        form = rest @ keep_x
        i, j = np.unravel_index(np.abs(form).argmax(), form.shape)
        assert abs(form[i, j]) > 1e-9
        u, v = form[:, j], rest[i] / form[i, j]
        assert np.allclose(u[lost], 0, atol=1e-8)
        rest = rest - np.outer(u, v)
    assert np.allclose(rest, 0, atol=1e-6)


def null_space(A):
    _, values, right = np.linalg.svd(A)
    return right[(values > 1e-9).sum() :].T


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_ranks(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(-2, 3, (5, 4))
    assert rank_mod_p(a) == np.linalg.matrix_rank(a)
    assert rational_rank([[Fraction(x) for x in row] for row in a.tolist()]) == rank_mod_p(a)


@pytest.mark.parametrize(
    ("family", "fields", "answer"),
    [
        ("butterfly", {"factors": 5}, "closed"),
        ("channel_wise", {"n_in": 16, "n_hidden": 16, "n_out": 16}, "closed"),
        ("block_diagonal", {"blocks": 5}, "closed"),
        ("banded", {"n": 12, "lower": 1, "upper": 0}, "not_closed"),
        ("banded", {"n": 4}, "not_closed"),
        ("n_of_m", {"n_in": 8, "n_hidden": 8, "n_out": 8}, "not_closed"),
        ("regular", {"n_in": 16, "n_hidden": 16, "n_out": 16, "fan_in": 4}, "not_closed"),
        ("erk", {"widths": [16, 16, 16], "density": 0.3}, "not_closed"),
    ],
)
def test_patterns_of_the_pruning_literature(family, fields, answer):
    verdict = decide(make(family, **fields), time_limit=300)
    assert verdict.product_set == answer
    assert verdict.certificate.verify()


def test_chain_with_a_curve_through_every_layer():
    low, up = mask("1000", "1100", "1110", "1111"), mask("1111", "0111", "0011", "0001")
    verdict = decide([up, np.eye(4), low, low])
    assert verdict.product_set == "not_closed"
    assert verdict.optimum == "not_always"
    assert len(verdict.certificate.document["product"]["proof"]["curve"]) == 4
    assert verdict.certificate.verify()


def test_a_deep_chain_has_a_cluster_on_which_every_network_is_affine():
    """The count of the proof, by hand and against random networks of all scales."""
    low, up = mask("10", "11"), mask("11", "01")
    masks = [up, np.eye(2), low]
    verdict = decide(masks)
    proof = verdict.certificate.document["finite"]["proof"]
    # 2 hyperplanes, 4 regions, 2 more hyperplanes in each; two inputs
    assert proof == {"rule": "clusters", "columns": [0, 1], "clusters": 2 * (2 + 2 * 4) + 1}
    X, Y = verdict.cluster_dataset()
    assert X.shape == (21 * 3, 2)
    assert np.linalg.matrix_rank(np.linalg.lstsq(X, Y, rcond=None)[0]) == 2
    rng = np.random.default_rng(0)
    for _ in range(300):
        scale = 10 ** rng.uniform(-2, 2)
        weights = [rng.normal(size=m.shape) * m for m in masks]
        biases = [scale * rng.normal(size=len(m)) for m in masks[:-1]]
        hidden, signs = X, []
        for W, b in zip(weights[:-1], biases, strict=True):
            before = hidden @ W.T + b
            signs.append(before > 0)
            hidden = np.maximum(before, 0)
        pattern = np.hstack(signs).reshape(21, 3, -1)
        assert (pattern == pattern[:, :1]).all(axis=(1, 2)).any()
    for change in ({"clusters": 20}, {"columns": [0]}):
        document = verdict.certificate.document
        finite = {**document["finite"], "proof": {**proof, **change}}
        assert not Certificate({**document, "finite": finite}).verify()


def test_a_closed_set_may_have_an_open_function_set():
    """LU 2x2 beside a dense neuron reaches every matrix, but kinks betray the missing limit."""
    verdict = decide([mask("11", "01", "11"), mask("101", "111")])
    assert verdict.product_set == "closed"
    assert verdict.function_set == "not_closed"
    assert verdict.certificate.document["function"]["proof"]["rule"] == "B4"
    assert verdict.certificate.verify()


def test_pattern_b5_is_closed_although_a_subset_is_not():
    verdict = decide([mask("10", "01", "11"), mask("101", "011")])
    assert verdict.function_set == "closed"
    assert verdict.certificate.document["function"]["proof"]["rule"] == "B5"
    assert verdict.certificate.verify()
    assert decide([mask("10", "00", "11"), mask("101", "011")]).product_set == "not_closed"


B5 = [mask("10", "01", "11"), mask("101", "011")]
KINKED = [mask("11", "01", "11"), mask("101", "111")]  # its function set is not closed


def beside(*patterns):
    """Put patterns side by side that share all inputs and no output."""
    lower = np.vstack([lower for lower, _ in patterns])
    return [lower, block_diag(*(upper for _, upper in patterns)).astype(np.uint8)]


@pytest.mark.parametrize(
    ("patterns", "answer"),
    [
        ([B5, [mask("01"), mask("1")]], "closed"),
        ([B5, B5], "closed"),
        ([B5, KINKED], "not_closed"),
        ([[mask("11"), mask("1", "1")], KINKED, B5, B5], "not_closed"),  # ten neurons
    ],
)
def test_networks_that_share_no_output_are_decided_one_by_one(patterns, answer):
    verdict = decide(beside(*patterns), time_limit=600)
    assert (verdict.product_set, verdict.function_set) == ("closed", answer)
    document = verdict.certificate.document
    assert document["function"]["proof"]["rule"] == "outputs"
    assert verdict.certificate.verify()
    parts = document["function"]["proof"]["parts"]
    wider = {"neurons": [*parts[0]["neurons"], 0, 1, 2, 3], "proof": parts[0]["proof"]}
    for wrong in (parts[1:], [*parts, parts[0]], [wider, *parts[1:]]):
        proof = {"rule": "outputs", "parts": wrong}
        forged = {**document, "function": {"answer": answer, "proof": proof}}
        assert not Certificate(forged).verify()


def test_a_part_that_shares_an_output_proves_nothing():
    """B5 alone is closed; with LU's missing neuron at its outputs the whole is another pattern."""
    masks = [np.vstack([B5[0], mask("11")]), np.hstack([B5[1], mask("1", "0")])]
    verdict = decide(masks, time_limit=600)
    document = verdict.certificate.document
    parts = [{"neurons": [0, 1, 2], "proof": {"rule": "B5"}}]
    for answer in ("closed", "not_closed"):
        forged = {"answer": answer, "proof": {"rule": "outputs", "parts": parts}}
        assert not Certificate({**document, "function": forged}).verify()


def test_a_case_that_cannot_be_is_no_reason_to_fail():
    """A condition of rule C6 under which something known to be nonzero would vanish."""
    case = whole_case([(0, 0), (0, 1), (1, 0)])
    a, b, c, *_ = case.ring.gens()
    known = case.with_units([c, c - b, a * c + b])
    assert known.where_zero(a * c + b, (0, 0)) is None
    zero = case.with_units([c, c - b]).where_zero(a * c + b, (0, 0))
    assert (zero.cells[0, 0].top, zero.cells[0, 0].bottom) == (-b, c)


M2 = [
    mask("1011", "0111", "1101", "1011", "1010"),
    mask("10111", "01001", "01111", "11101", "10110"),
]


def wide(seed, side, density):
    rng = np.random.default_rng(seed)
    return [(rng.random((side, side)) < density).astype(np.uint8) for _ in range(2)]


@pytest.mark.parametrize("masks", [M2, wide(0, 400, 0.5), wide(1, 60, 0.6)])
def test_the_time_limit_ends_the_search_and_decides_nothing(masks, monkeypatch):
    """The clock stops at its n-th look: whatever n, an answer is the same or is not awaited."""
    free = decide(masks, time_limit=1e-9)
    assert free.timed_out
    assert (free.product_set, free.method) == ("unknown", "time limit")
    assert (free.function_set, free.optimum) == ("not_closed", "not_always")
    assert free.certificate.problems() == []


@pytest.mark.parametrize("family", ["lu", "banded"])
def test_an_answer_does_not_depend_on_when_the_clock_stops(family, monkeypatch):
    """The clock stops at its n-th look: an answer is that of a free run, or is not awaited."""
    masks = make(family, n=4)
    looks = itertools.count()
    monkeypatch.setattr(deadline.time, "monotonic", lambda: float(next(looks)))
    final = decide(masks, time_limit=1e9)
    assert not final.timed_out
    for limit in (1, 2, 3, 5, 10, 30, next(looks) // 2):
        looks = itertools.count()
        verdict = decide(masks, time_limit=limit)
        for name in ("product_set", "function_set", "optimum"):
            assert getattr(verdict, name) in (getattr(final, name), "unknown")
        assert verdict.timed_out == (verdict.product_set != final.product_set)


@pytest.mark.parametrize("n", [8, 32])
@pytest.mark.parametrize("seed", range(4))
def test_a_useless_neuron_is_found_below_the_threshold(n, seed):
    """A neuron that lacks at least as many rows and columns as there are neurons."""
    masks = make("bernoulli", n_in=n, n_hidden=n, n_out=n, p=0.4, seed=seed)
    verdict = decide(masks, time_limit=600)
    assert verdict.product_set == "not_closed"
    assert verdict.method in ("X", "P4")
    assert verdict.certificate.problems() == []


@pytest.mark.parametrize("density", [0.4375, 0.5])
@pytest.mark.parametrize("n", [16, 32])
def test_wide_hidden_layers_are_open_at_zero(n, density):
    masks = make("erk", widths=[n, n, n // 4], density=density, seed=0)
    verdict = decide(masks, time_limit=600)
    assert verdict.product_set == "closed"
    assert verdict.certificate.document["product"]["proof"]["leaves"] == ["Z"]
    assert verdict.certificate.problems() == []


def test_nearly_full_square_masks_cost_no_search():
    verdict = decide(make("regular", n_in=32, n_hidden=32, n_out=32, fan_in=24), time_limit=600)
    assert (verdict.product_set, verdict.function_set) == ("unknown", "not_closed")
    assert "conjectured" in verdict.method


@pytest.mark.parametrize(("m", "r", "n"), [(2000, 2000, 2000), (1, 1, 100_000), (300, 400, 10_000)])
def test_dense_layers_of_any_size_are_closed_at_once(m, r, n):
    verdict = decide([np.ones((r, n)), np.ones((m, r))], time_limit=60)
    assert (verdict.product_set, verdict.function_set, verdict.method) == ("closed", "closed", "P")
    assert verdict.certificate.problems() == []


def test_z3_agrees_on_the_classics():
    triangle = np.triu(np.ones((2, 2), np.uint8))
    assert closed_by_z3(triangle, triangle.T, rlimit=5_000_000) == "not_closed"
    square = np.ones((2, 2), np.uint8)
    assert closed_by_z3(square, square, rlimit=5_000_000) == "closed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "fields"), [("lu", {"n": 1000}), ("butterfly", {"factors": 10})]
)
def test_a_thousand_wide_is_decided_and_checked(family, fields):
    verdict = decide(make(family, **fields))
    assert verdict.product_set == {"butterfly": "closed", "lu": "not_closed"}[family]
    assert verdict.certificate.verify()


def check_in_a_process_of_its_own(tmp_path, side):
    """Check two dense-looking random layers; answers or error, GiB and CPU seconds."""
    rng = np.random.default_rng(0)
    for name in ("first", "second"):
        layer = np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", np.uint8, (side, side))
        for start in range(0, side, 1000):
            layer[start : start + 1000] = rng.integers(0, 2, (1000, side), np.uint8)
        layer.flush()
    code = (
        "import resource, sys, time\n"
        "from relu_optima.errors import ReluOptimaError\n"
        "from relu_optima.existence import check_files\n"
        "start = time.process_time()\n"
        "try:\n"
        "    report = check_files(sys.argv[1:], time_limit=10)\n"
        "    print(*report.answers.values(), report.verified)\n"
        "except ReluOptimaError as error:\n"
        "    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)\n"
        "print(time.process_time() - start)\n"
    )
    files = [str(tmp_path / "first.npy"), str(tmp_path / "second.npy")]
    done = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=True
    )
    *said, peak, seconds = done.stdout.splitlines()
    return "\n".join(said), float(peak), float(seconds)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_largest_masks_stay_within_memory_and_time(tmp_path):
    """Two layers of 7,000 x 7,000 cells: an honest answer below 4 GiB."""
    said, peak, seconds = check_in_a_process_of_its_own(tmp_path, 7_000)
    product, _, finite, verified = said.split()
    assert (product, finite, verified) == ("unknown", "not_always", "True")
    assert peak < 4
    assert seconds < 120


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_larger_masks_are_refused_in_one_clear_error(tmp_path):
    said, peak, seconds = check_in_a_process_of_its_own(tmp_path, 20_000)
    assert "allowed: at most 100000000" in said
    assert peak < 4
    assert seconds < 20


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("r", [1, 2, 3])
def test_z3_agrees_wherever_it_ends(r):
    entries = list(atlas(r))
    if len(entries) > 100:
        chosen = np.random.default_rng(0).permutation(len(entries))[:100]
        entries = [entries[q] for q in chosen]
    ended = 0
    for entry in entries:
        answer = closed_by_z3(*entry.masks, timeout=20)
        if answer != "unknown":
            ended += 1
            assert answer == entry.verdict.product_set
    assert ended >= len(entries) // 3


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_width_three_random_masks_are_almost_all_decided():
    rng = np.random.default_rng(0)
    unknown = 0
    for _ in range(1000):
        m, n = rng.integers(3, 13, 2)
        p = rng.uniform(0.2, 0.8)
        masks = [(rng.random((3, n)) < p).astype(int), (rng.random((m, 3)) < p).astype(int)]
        if masks[0].any() and masks[1].any():
            unknown += decide(masks, time_limit=300).product_set == "unknown"
    assert unknown < 10


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_atlas_of_width_four_has_no_unknowns():
    answers = [entry.verdict for entry in atlas(4, only_largest=True)]
    assert len(answers) == 4159
    for question in ("product_set", "function_set", "optimum"):
        assert not any(getattr(v, question) == "unknown" for v in answers)
    assert all(v.certificate.verify() for v in answers)


def test_windows_without_any_curve_do_not_stall_the_search():
    """Disjoint supports vanish nowhere, so no limit can be drawn: the draws must end."""
    from relu_optima.existence.limits import candidates

    eye = np.eye(2, dtype=bool)
    rng = np.random.default_rng(0)
    assert list(candidates(list(eye), list(eye), np.ones((2, 2), bool), rng)) == []


def test_z3_is_asked_last_and_its_answer_is_never_taken_for_a_proof(monkeypatch):
    """With all rules silenced, z3 decides LU 2x2; the verdict says whose word it is."""
    import relu_optima.existence.decision as decision

    silent = {"answer": "unknown", "proof": {"reason": "silenced"}}
    monkeypatch.setattr(decision, "decide_product", lambda masks, deadline: silent)
    triangle = np.triu(np.ones((2, 2), np.uint8))
    assert decide([triangle, triangle.T]).product_set == "unknown"
    verdict = decide([triangle, triangle.T], z3_rlimit=5_000_000)
    assert (verdict.product_set, verdict.function_set) == ("not_closed", "not_closed")
    assert verdict.method == "oracle z3"
    certificate = verdict.certificate
    assert not certificate.verify()
    assert [line.split(":")[0] for line in certificate.unsupported()] == ["product", "function"]
    for change in ({"answer": "unknown"}, {"proof": {"rule": "oracle z3", "rlimit": 1}}):
        product = {**certificate.document["product"], **change}
        damaged = Certificate({**certificate.document, "product": product})
        assert damaged.problems()
        assert "re-checked" not in damaged.problems()[0]


def test_z3_gives_up_by_its_own_budget_and_is_not_asked_about_large_masks():
    from relu_optima.existence.quantifiers import ask_z3

    full = np.ones((3, 3), np.uint8)
    assert ask_z3(full[:2], full[:, :2], 20_000, math.inf) is None
    wide = (np.random.default_rng(0).random((40, 40)) < 0.5).astype(np.uint8)
    assert ask_z3(wide, wide, 10**9, math.inf) is None
    with pytest.raises(SolveInputError, match="z3_rlimit"):
        decide([full, full], z3_rlimit=-1)
