"""Repairs: the answer becomes yes, few entries change, and the lower bound holds."""

import functools
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import DataError, SolveInputError
from relu_optima.existence import check_files
from relu_optima.existence import repair as repair_within
from relu_optima.existence.repair_pairs import ways
from tests.existence.bases import judged, mask, with_biases

repair = functools.partial(repair_within, time_limit=600)
LU = [mask("111", "011", "001"), mask("100", "110", "111")]
ANSWERS = {"finite": "optimum", "function": "function_set", "product": "product_set"}


def drawn(seed, most=4):
    rng = np.random.default_rng(seed)
    n, r, m = rng.integers(1, most, 3)
    masks = [(rng.random(s) < rng.uniform(0.3, 1)).astype(np.uint8) for s in ((r, n), (m, r))]
    for q in masks:
        q.flat[rng.integers(q.size)] = 1
    return masks


TASKS = [("finite", "delete"), *itertools.product(("function", "product"), ("delete", "add"))]


@pytest.mark.parametrize("most", [5, pytest.param(6, marks=pytest.mark.slow)])  # 6: a minute
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**9), task=st.sampled_from(TASKS))
def test_a_repair_changes_what_it_says_and_the_answer_is_yes(most, seed, task):
    masks = drawn(seed, most)
    found = repair(masks, *task)
    assert getattr(found.after, ANSWERS[task[0]]) in ("always", "closed")
    assert found.after.certificate.problems() == []
    for number, (old, new) in enumerate(zip(masks, found.masks, strict=True)):
        places = {(i, j) for q, i, j in found.changed if q == number}
        assert places == set(map(tuple, np.argwhere(old != new).tolist()))
        assert all(old[place] == (task[1] == "delete") for place in places)
    assert found.lower_bound <= len(found.changed)
    assert found.fewest == (found.lower_bound == len(found.changed))


def fewest_by_search(masks, question, change):
    """Try all sets of entries, small ones first."""
    entries = [
        (q, *place) for q, m in enumerate(masks) for place in np.argwhere(m == (change == "delete"))
    ]
    for count in range(len(entries) + 1):
        for chosen in itertools.combinations(entries, count):
            new = [m.copy() for m in masks]
            for q, i, j in chosen:
                new[q][i, j] ^= 1
            if all(m.any() for m in new):
                verdict = judged(new)
                rule = verdict.certificate.document["function"]["proof"].get("rule")
                if verdict.optimum == "always" if question == "finite" else rule == "B2":
                    return count
    return None


@pytest.mark.parametrize("seed", range(8))
def test_fewest_means_fewest(seed):
    masks = drawn(seed, 4)
    found = repair(masks)
    least = fewest_by_search(masks, "finite", "delete")
    assert found.lower_bound <= least
    assert len(found.changed) == least


@pytest.mark.parametrize("change", ["delete", "add"])
def test_pairs_are_closed_with_fewest_changes(change):
    masks = [mask("110", "011", "010"), mask("110", "011")]
    found = repair(masks, "function", change)
    least = fewest_by_search(masks, "function", change)
    assert found.lower_bound <= least == len(found.changed)


def test_a_dense_layer_keeps_a_forest_of_stars():
    found = repair([np.ones((12, 12)), np.ones((12, 12))])
    assert len(found.changed) == found.lower_bound == 144 - (12 + 12 - 2)


def test_a_neuron_with_few_inputs_is_cut_off_there():
    masks = [mask("1111", "1111", "0001"), mask("100", "101", "011", "011", "011")]
    found = repair(masks)
    assert (0, 2, 3) in found.changed
    assert len(found.changed) == fewest_by_search(masks, "finite", "delete")


def test_the_ways_to_close_a_pair_are_all_and_least():
    """Against all changes of one small pair."""
    s, t = mask("110", "011").astype(bool), mask("11", "01").astype(bool)
    for change in ("delete", "add"):
        least = ways((s[0], s[1]), (t[0], t[1]), adding=change == "add")[0][0]
        assert least == fewest_by_search(
            [t.astype(np.uint8), s.T.astype(np.uint8)], "function", change
        )


def test_what_is_fine_stays_as_it_is():
    scalar = [mask("11", "11"), mask("11")]
    found = repair(scalar)
    assert (found.changed, found.lower_bound, found.fewest) == ([], 0, True)
    assert found.before is found.after


def test_other_questions_are_refused():
    for arguments, message in (
        ((LU, "optimum"), "finite, function, product"),
        ((LU, "finite", "swap"), "delete, add"),
        ((LU, "finite", "add"), "never help"),
    ):
        with pytest.raises(SolveInputError, match=message):
            repair(*arguments)
    for bad in ([LU[0]], with_biases([mask("1"), mask("1", "1")], "1", "10")):
        with pytest.raises(DataError, match="one hidden layer"):
            repair(bad)


def test_the_command_writes_masks_that_pass(tmp_path):
    path, out = tmp_path / "lu.npz", tmp_path / "mended.npz"
    np.savez(path, *LU)
    report = check_files([path], time_limit=600, repair_by="delete", repair_out=out)
    assert report.exit_code == 1
    assert "after the repair: always (certificate verified)" in report.to_text()
    assert "no fewer do" in report.to_text()
    value = json.loads(report.to_json())["repair"]
    assert value["after_verified"]
    assert len(value["entries"]) == value["at_least"]
    again = check_files([out], repair_by="delete")
    assert again.exit_code == 0
    assert "nothing is to be changed" in again.to_text()
    with pytest.raises(DataError, match="no repair was asked for"):
        check_files([path], repair_out=out)
    with pytest.raises(DataError, match="cannot be written"):
        check_files([path], repair_by="delete", repair_out=tmp_path)
