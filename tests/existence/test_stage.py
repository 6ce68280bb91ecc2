"""The stage answers, stores what it proves, and notices a record that was tampered with."""

import copy

import numpy as np
import pytest

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import DataError
from relu_optima.existence.config import ExistenceConfig
from relu_optima.existence.proof.document import pack_masks
from relu_optima.existence.stage import run, verify
from relu_optima.stage import Record, Task


def task(family="lu", upstream=None, **fields):
    config = load_plugin("pattern", family).Config(family=family, **fields)
    groups = {"pattern": config, "existence": ExistenceConfig()}
    return Task("existence", "0" * 12, groups, 0, upstream or {})


def stored(outcome):
    return Record(
        "0" * 12, "k", "existence", {}, outcome.status, outcome.row, {}, outcome.arrays,
        copy.deepcopy(outcome.documents),
    )  # fmt: skip


def test_lu_is_judged_and_verifies():
    outcome = run(task(n=3))
    assert outcome.status == "ok"
    assert outcome.row["verdict_product"] == "not_closed"
    assert outcome.row["verdict_function"] == "not_closed"
    assert outcome.row["verdict_optimum"] == "not_always"
    assert outcome.row["certificate_verified"] is True
    assert outcome.row["masks"] == "111/011/001 100/110/111"
    assert verify(stored(outcome), {}) == []


def test_only_small_masks_are_written_and_what_is_written_is_checked():
    assert run(task("dense", n_in=32, n_hidden=16, n_out=16)).row["masks"].count("1") == 768
    assert run(task("dense", n_in=32, n_hidden=32, n_out=32)).row["masks"] is None
    record = stored(run(task(n=3)))
    record.row["masks"] = record.row["masks"].replace("011", "111")
    assert verify(record, {}) == ["masks is not what is stored"]


def test_where_nothing_is_claimed_nothing_is_verified():
    arrays = {f"mask_{k}": np.tri(5, 5, 2) for k in range(3)}
    training = Record("1" * 12, "k", "training", {}, "ok", {}, arrays=arrays)
    hurried = task(n=3, upstream={"training": training})
    hurried.groups["existence"] = ExistenceConfig(time_limit=1e-9)
    outcome = run(hurried)
    assert outcome.status == "time_limit"
    assert outcome.row["verdict_product"] == outcome.row["verdict_optimum"] == "unknown"
    assert outcome.row["certificate_verified"] is None
    assert verify(stored(outcome), {"training": training}) == []


def test_tampering_is_noticed():
    record = stored(run(task(n=3)))
    record.row["verdict_product"] = "closed"
    assert verify(record, {})
    record = stored(run(task(n=3)))
    record.arrays["mask_0"] = np.ones((3, 3), np.uint8)
    assert verify(record, {})
    record = stored(run(task(n=3)))
    record.documents.clear()
    assert verify(record, {})
    record = stored(run(task("dense", n_in=1, n_hidden=1, n_out=1)))
    assert verify(record, {}) == []
    document = record.documents["certificate"]
    document["function"] = {"answer": "unknown", "proof": {"reason": "it lacks biases"}}
    record.row["verdict_function"] = "unknown"
    document["biases"] = pack_masks([np.zeros((1, 1), np.uint8)] * 2)
    assert verify(record, {}) == ["the certificate is about a network that lacks biases"]


def test_a_learned_mask_is_judged_instead_of_the_pattern():
    arrays = {"mask_0": np.ones((4, 3)), "mask_1": np.ones((1, 4)), "W0": np.zeros((4, 3))}
    training = Record("1" * 12, "k", "training", {}, "ok", {}, arrays=arrays)
    outcome = run(task(n=3, upstream={"training": training}))
    assert outcome.row["n_out"] == 1
    assert outcome.row["verdict_optimum"] == "always"
    assert verify(stored(outcome), {"training": training}) == []
    other = Record("1" * 12, "k", "training", {}, "ok", {}, arrays={"mask_0": np.ones((1, 3))})
    assert verify(stored(outcome), {"training": other})


def test_a_training_record_without_masks_is_an_error():
    training = Record("1" * 12, "k", "training", {}, "ok", {})
    with pytest.raises(DataError, match="masks"):
        run(task(n=3, upstream={"training": training}))
