"""``check_files``: answers, exit codes, JSON, the data set, and bad input."""

import json

import numpy as np
import pytest

from relu_optima.errors import DataError, DegenerateError, SolveInputError
from relu_optima.existence import Certificate, check_files

LU = (np.triu(np.ones((3, 3), np.uint8)), np.tril(np.ones((3, 3), np.uint8)))
SCALAR = (np.ones((4, 3), np.uint8), np.ones((1, 4), np.uint8))


def save(folder, masks, name="masks.npz"):
    np.savez(folder / name, *masks)
    return folder / name


@pytest.mark.parametrize(
    ("masks", "question", "code"),
    [
        (LU, "product", 1),
        (LU, "function", 1),
        (LU, "finite", 1),
        (SCALAR, "product", 0),
        (SCALAR, "function", 0),
        (SCALAR, "finite", 0),
    ],
)
def test_exit_codes(tmp_path, masks, question, code):
    report = check_files([save(tmp_path, masks)], question)
    assert report.exit_code == code
    assert report.verified


def test_the_default_question_is_the_one_that_training_asks(tmp_path):
    """Dense layers: closed as products, and still data sets without optimum."""
    dense = (np.ones((3, 3), np.uint8), np.ones((3, 3), np.uint8))
    report = check_files([save(tmp_path, dense)])
    assert report.question == "finite"
    assert report.exit_code == 1
    assert report.answers["product"] == "closed"


def test_json_carries_a_certificate_that_verifies(tmp_path):
    value = json.loads(check_files([save(tmp_path, LU)]).to_json())
    assert value["product"] == "not_closed"
    assert Certificate(value["certificate"]).verify()
    assert [layer["name"] for layer in value["layers"]] == ["arr_0", "arr_1"]
    assert value["rules"]["P4"]["says"]
    assert "skip connections" in value["assumed"]


def test_text_tells_the_three_questions_apart(tmp_path):
    text = check_files([save(tmp_path, LU)]).to_text()
    for words in ("matrix products", "functions on a box", "every finite data set", "verified"):
        assert words in text


def test_data_set_is_written(tmp_path):
    report = check_files([save(tmp_path, LU)], dataset_out=tmp_path / "out.npz")
    assert report.exit_code == 1
    with np.load(tmp_path / "out.npz") as data:
        assert data["X"].shape == (7, 3)
        assert data["Y"].shape == (7, 3)


def test_no_data_set_where_an_optimum_always_exists(tmp_path):
    with pytest.raises(DegenerateError):
        check_files([save(tmp_path, SCALAR)], dataset_out=tmp_path / "out.npz")


def test_bad_arguments(tmp_path):
    path = save(tmp_path, LU)
    with pytest.raises(DataError, match="question"):
        check_files([path], "everything")
    with pytest.raises(DataError, match="no file"):
        check_files([])
    with pytest.raises(SolveInputError, match="time_limit"):
        check_files([path], time_limit=0)
    with pytest.raises(DataError, match="dataset-out"):
        check_files([path], dataset_out=tmp_path / "no" / "folder.npz")
