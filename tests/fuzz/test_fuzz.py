"""A short fuzz of every target, and the inputs that earlier fuzzing found, each a typed error."""

import io
import os
import random
import zipfile

import numpy as np
import pytest

from relu_optima.config.compose import ComposeError, load_yaml
from relu_optima.config.yaml_limits import excess
from relu_optima.errors import DataError
from relu_optima.npz import NpzError, read_npy, read_npz
from relu_optima.patterns.reading import read_masks
from tests.fuzz.__main__ import attempt, warm_up
from tests.fuzz.targets import TARGETS

CASES = {"check": 150, "solve": 40, "config": 10, "store": 150}
SLOW = {"config": pytest.mark.slow}  # a plan for each case


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW.get(n, ())) for n in TARGETS])
def test_damaged_input_gives_typed_errors_only(name, tmp_path):
    seed = 0  # always the same cases; `make fuzz` draws new ones
    target = TARGETS[name](tmp_path)
    case = tmp_path / "case"
    case.mkdir()
    warm_up(target, case)
    rng = random.Random(f"{seed} {name}")
    crashes: set[str] = set()
    for _ in range(CASES[name]):
        place, content = target.case(rng)
        (case / place).write_bytes(content)
        attempt(target, case / place, crashes, name)
        (case / place).unlink()
    assert not crashes


def npy(header: bytes) -> io.BytesIO:
    padded = header + b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return io.BytesIO(b"\x93NUMPY\1\0" + len(padded).to_bytes(2, "little") + padded + bytes(64))


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': (1, 2), 'shape': (2,), }",
        b"{'descr': (), 'fortran_order': False, 'shape': (2,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, (2,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 40 + b",), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<U0', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
        b"\0" * 20,
        b"(" * 5000,
    ],
)
def test_npy_headers_that_numpy_chokes_on(header):
    with pytest.raises(NpzError):
        read_npy(npy(header), 2**20)


def npz(*members: tuple[str, bytes], method=zipfile.ZIP_DEFLATED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream


def eye() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.eye(2))
    return stream.getvalue()


def test_a_sound_npz_is_read():
    found = read_npz(npz(("a.npy", eye()), ("b", eye())), 2**20)
    assert list(found) == ["a", "b"]
    assert (found["a"] == np.eye(2)).all()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.npy", eye()), ("a.npy", eye())], "two arrays"),
        ([("a.npy", eye() + b"more")], "bytes after"),
        ([("a.npy", eye()[:-1])], "truncated"),
        ([("a.txt", b"text")], "no npy array"),
    ],
)
def test_npz_members_must_be_whole_arrays(members, message):
    with pytest.raises(NpzError, match=message):
        read_npz(npz(*members), 2**20)


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = npz(("a.npy", bytes(50_000_000)))
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(NpzError, match="unpack to more than"):
        read_npz(bomb, 2**20)


def test_a_flipped_bit_inside_an_npz_is_noticed():
    stream = npz(("a.npy", eye()), method=zipfile.ZIP_STORED)
    content = bytearray(stream.getvalue())
    content[content.index(np.eye(2).tobytes())] ^= 1
    with pytest.raises(NpzError, match="CRC"):
        read_npz(io.BytesIO(content), 2**20)


def test_names_in_an_archive_are_never_paths(tmp_path):
    file = tmp_path / "inner" / "masks.npz"
    file.parent.mkdir()
    file.write_bytes(npz(("../escaped.npy", eye()), (f"{tmp_path}/absolute.npy", eye())).getvalue())
    assert len(read_masks([file])) == 2
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [file]


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join([f"*{chr(97 + i)}"] * 9) + "]\n" for i in range(9)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "a: " + "[" * 200 + "]" * 200,
        "a: " + "x" * 2_000_000,
        "- a\n- b",
        "? [a, b]\n: c",
        "a: &a [*a]",
        "a: !!python/object/apply:os.system [id]",
        "\0",
    ],
)
def test_yaml_that_is_no_small_mapping_is_refused(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ComposeError, match=r"a\.yaml"):
        load_yaml(path)


def test_aliases_within_the_limits_are_fine(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a [1, 2]\nb: *a\n")
    assert not excess(path.read_bytes())
    assert load_yaml(path) == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.json", "a.csv", "a.pt", "a.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "dangling"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, name, kind):
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "loop": name, "dangling": "nothing"}[kind])
    with pytest.raises(DataError):
        read_masks([path])
