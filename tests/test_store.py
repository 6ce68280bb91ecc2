"""The store gives back exactly what was put in, or says that it cannot."""

import errno
import json
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import StoreError
from relu_optima.stage import Record
from relu_optima.store import records as stores
from relu_optima.store.records import ARRAYS, RECORD, Store

ID, KEY = "0123456789ab", "0123456789abcdef"


def record(**kwargs):
    values = {
        "row": {"objective": 0.1 + 0.2, "n": 3, "name": 'é "quoted"', "flag": True, "none": None},
        "series": {"lam": np.array([1.0, 0.5]), "k": np.array([1, 2])},
        "arrays": {
            "v": np.arange(6.0).reshape(2, 3),
            "mask": np.array([[0, 1]], dtype=np.uint8),
            "seed": np.array(7),
            "transposed": np.arange(6).reshape(2, 3).T,
        },
        "documents": {"certificate": {"a": [1, "x"]}},
    }
    return Record(ID, KEY, "convex", {"seed": 0}, "ok", **{**values, **kwargs}, seconds=1.5)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_round_trip_is_exact(store):
    store.save(record())
    back = store.load(ID, KEY)
    assert back.row == record().row
    assert back.documents == record().documents
    for kind in ("series", "arrays"):
        for name, array in getattr(record(), kind).items():
            np.testing.assert_array_equal(getattr(back, kind)[name], array, strict=True)
            assert getattr(back, kind)[name].dtype == array.dtype
    assert store.addresses() == [(ID, KEY)]


@settings(deadline=None)  # the disk sets the pace
@given(st.floats(), st.floats(allow_nan=False))
def test_every_float_survives(tmp_path_factory, x, y):
    store = Store(tmp_path_factory.mktemp("s"))
    store.save(record(row={"x": x}, series={"y": np.array([y, x])}), settled=False)
    back = store.load(ID, KEY)
    assert back.row["x"] == x or (math.isnan(x) and math.isnan(back.row["x"]))
    np.testing.assert_array_equal(back.series["y"], np.array([y, x]))


def test_same_record_same_bytes(tmp_path):
    for name in "ab":
        Store(tmp_path / name).save(record())
    for file in (RECORD, ARRAYS):
        first, second = (
            (Store(tmp_path / name).folder(ID, KEY) / file).read_bytes() for name in "ab"
        )
        assert first == second


@pytest.mark.parametrize("syncfs", [True, False], ids=["file system", "files"])
def test_records_are_settled_together_or_one_by_one(store, monkeypatch, syncfs):
    """Where one call cannot settle a file system, each file and folder is settled."""
    settled = []
    if not syncfs:
        monkeypatch.setattr(stores, "_settle_file_system", lambda folder: False)
        monkeypatch.setattr(stores, "_settle_path", lambda path: settled.append(path))
    store.save(record(), settled=False)
    assert store.load(ID, KEY).row == record().row, "there at once for every reader"
    assert settled == []
    store.settle([(ID, KEY)])
    folder = store.folder(ID, KEY)
    parts = [] if syncfs else [folder / ARRAYS, folder / RECORD, folder, folder.parent]
    assert settled == parts


def test_a_disk_that_refuses_is_a_message(store, monkeypatch):
    def refuse(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.save(record(), settled=False)
    monkeypatch.setattr(stores, "_settle_file_system", refuse)
    with pytest.raises(StoreError, match="does not take the records: No space left"):
        store.settle([(ID, KEY)])


def test_the_first_record_stays(store):
    store.save(record())
    store.save(record(row={"objective": 9.0}))
    assert store.load(ID, KEY).row["objective"] == 0.1 + 0.2


@pytest.mark.parametrize("file", [RECORD, ARRAYS])
@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "delete"])
def test_damage_is_noticed(store, file, damage):
    store.save(record())
    path = store.folder(ID, KEY) / file
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(StoreError):
        store.load(ID, KEY)


def test_every_single_bit_flip_of_a_record_is_noticed(store):
    store.save(record())
    path = store.folder(ID, KEY) / RECORD
    good = path.read_bytes()
    want = store.load(ID, KEY, arrays=False)
    for i in range(0, len(good), 7):
        bad = bytearray(good)
        bad[i] ^= 1 << (i % 8)
        path.write_bytes(bad)
        try:
            got = store.load(ID, KEY, arrays=False)
        except StoreError:
            continue
        assert got.row == want.row
        assert got.config == want.config


def test_a_record_moved_to_another_address_is_refused(store):
    store.save(record())
    other = store.folder("ffffffffffff", KEY)
    other.parent.mkdir(parents=True)
    store.folder(ID, KEY).rename(other)
    with pytest.raises(StoreError, match="another run"):
        store.load("ffffffffffff", KEY)


def test_pickles_are_never_written(store):
    with pytest.raises(TypeError, match="Python objects"):
        store.save(record(arrays={"o": np.array([{}], dtype=object)}))
    assert store.addresses() == []


def test_rows_hold_scalars_only(store):
    with pytest.raises(TypeError, match="scalars"):
        store.save(record(row={"x": [1]}))
    assert not list(store.root.glob("*"))


def test_a_record_with_foreign_json_is_refused(store):
    store.save(record())
    path = store.folder(ID, KEY) / RECORD
    for content in (
        "[]",
        "{}",
        '{"payload": 1, "sha256": 2}',
        json.dumps({"payload": {}}),
        "[" * 10**5,
    ):
        path.write_text(content)
        with pytest.raises(StoreError):
            store.load(ID, KEY)
