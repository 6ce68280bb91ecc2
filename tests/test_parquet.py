"""A changed byte of a Parquet file is noticed, or it changes no value."""

import numpy as np
import pandas as pd
import pytest

from relu_optima.errors import StoreError
from relu_optima.store.parquet import parquet_bytes, read_metadata, read_table

FRAME = pd.DataFrame(
    {
        "run_id": ["a" * 12, "b" * 12],
        "gap": [1e-7, float("nan")],
        "n": [3, 4],
        "flag": [True, None],
        "series.lam": [[1.0, 0.5], []],
        "text": ["é", "<b>"],
    }
)


def test_round_trip(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet_bytes(FRAME, {"digest": "d"}))
    frame, metadata = read_table(path, "again")
    assert metadata["digest"] == "d"
    assert read_metadata(path) == metadata
    assert frame["run_id"].tolist() == FRAME["run_id"].tolist()
    np.testing.assert_array_equal(frame["gap"], FRAME["gap"])
    assert [list(v) for v in frame["series.lam"]] == [[1.0, 0.5], []]


def test_same_content_same_bytes():
    assert parquet_bytes(FRAME, {"a": 1}) == parquet_bytes(FRAME, {"a": 1})


def test_a_flipped_bit_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "x.parquet"
    good = parquet_bytes(FRAME, {"digest": "d"})
    path.write_bytes(good)
    want, _ = read_table(path, "again")
    noticed = 0
    for i in range(0, len(good), 5):
        bad = bytearray(good)
        bad[i] ^= 1 << (i % 8)
        path.write_bytes(bad)
        try:
            got, _ = read_table(path, "again")
        except StoreError:
            noticed += 1
            continue
        pd.testing.assert_frame_equal(got, want)
    assert noticed > 100


@pytest.mark.parametrize("content", [b"", b"PAR1", b"text", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    assert read_metadata(path) is None
    with pytest.raises(StoreError, match="again"):
        read_table(path, "again")


def test_a_column_of_numbers_and_text_is_text(tmp_path):
    frame = pd.DataFrame({"classes": [3, "[0,1]", None, 2.5], "n": [1, None, 2, 3]}, dtype=object)
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes(frame, {}))
    found, _ = read_table(path, "again")
    assert found["classes"].dropna().tolist() == ["3", "[0,1]", "2.5"]
    assert found["classes"].isna().tolist() == [False, False, True, False]
    assert found["n"].dropna().tolist() == [1, 2, 3]
    assert frame["classes"].tolist() == [3, "[0,1]", None, 2.5]  # what was given stays
