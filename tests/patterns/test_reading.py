"""Mask files: every format round-trips, and every bad file is one typed error."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch

from relu_optima.errors import DataError
from relu_optima.patterns import read_layers, read_masks
from relu_optima.patterns.families import from_file

FIRST = np.array([[1, 0, 1], [1, 1, 0]], np.uint8)
SECOND = np.array([[1, 1]], np.uint8)


def same(masks):
    return np.array_equal(masks[0], FIRST) and np.array_equal(masks[1], SECOND)


def weights():
    rng = np.random.default_rng(0)
    return {
        "layers.2.weight": torch.tensor(FIRST * rng.normal(size=FIRST.shape)),
        "layers.2.bias": torch.zeros(2),
        "layers.10.weight": torch.tensor(SECOND * rng.normal(size=SECOND.shape)),
    }


def test_npz_npy_json_csv(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", FIRST, SECOND)
    assert same(read_masks([tmp_path / "a.npz"]))
    (tmp_path / "a.json").write_text(json.dumps([FIRST.tolist(), SECOND.tolist()]))
    assert same(read_masks([tmp_path / "a.json"]))
    (tmp_path / "b.json").write_text(json.dumps({"masks": [FIRST.tolist(), SECOND.tolist()]}))
    assert same(read_masks([tmp_path / "b.json"]))
    np.save(tmp_path / "first.npy", np.asfortranarray(FIRST))
    np.savetxt(tmp_path / "second.csv", SECOND, delimiter=",", fmt="%d")
    assert same(read_masks([tmp_path / "first.npy", tmp_path / "second.csv"]))


def test_state_dicts_give_their_nonzeros(tmp_path):
    torch.save(weights(), tmp_path / "a.pt")
    assert same(read_masks([tmp_path / "a.pt"]))
    torch.save({"state_dict": weights(), "epoch": 3}, tmp_path / "b.pth")
    assert same(read_masks([tmp_path / "b.pth"]))
    safetensors.torch.save_file(weights(), tmp_path / "a.safetensors")
    assert same(read_masks([tmp_path / "a.safetensors"]))


class Evil:
    def __reduce__(self):
        return (eval, ("1/0",))


def bad_files(folder):
    good = io.BytesIO()
    np.savez(good, FIRST, SECOND)
    yield "missing.npz", None
    yield "truncated.npz", good.getvalue()[:100]
    yield "short.npy", b"\x93NUMPY\x01\x00" + b"v\x00" + b"{'descr': '|u1', 'fortran_order': False"
    yield "empty.csv", b""
    yield "text.csv", b"a,b\n1,0\n"
    yield "half.csv", b"0.5,1\n1,0\n"
    yield "nan.csv", b"nan,1\n1,0\n"
    yield "ragged.csv", b"1,0\n1\n"
    yield "word.json", b'"hello"'
    yield "broken.json", b"[[1, 0"
    yield "ragged.json", b"[[[1,0],[1]]]"
    yield "deep.json", b"[" * 100000
    yield "pickle.pt", pickle.dumps(Evil())
    yield "pickle.npy", _object_array()
    yield "what.txt", b"1 0"
    yield "junk.safetensors", b"\xff" * 64
    yield "huge.safetensors", (2**62).to_bytes(8, "little") + b"{}"
    yield "bomb.npz", _bomb()
    stack = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), stack)
    yield "module.pt", stack.getvalue()
    stack = io.BytesIO()
    torch.save({"w": torch.zeros(1).expand(10**6, 10**6)}, stack)
    yield "expanded.pt", stack.getvalue()
    stack = io.BytesIO()
    torch.save({"w": torch.ones(2, 2, 3, 3)}, stack)
    yield "convolution.pt", stack.getvalue()


def _object_array():
    stream = io.BytesIO()
    np.save(stream, np.array([[Evil()]], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _bomb():
    """A few kilobytes that claim to be 10^12 cells."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6)}
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", header.getvalue() + bytes(10**6))
    return stream.getvalue()


NAMES = [name for name, _ in bad_files(None)]


@pytest.mark.parametrize("name", NAMES)
def test_bad_file_is_one_typed_error_that_names_it(tmp_path, name):
    content = dict(bad_files(tmp_path))[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_masks([path], where="pattern.path")
    assert "pattern.path" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_names_are_kept_and_choose_the_layers(tmp_path):
    np.savez(tmp_path / "a.npz", upper=SECOND, lower=FIRST)
    assert same(read_masks([tmp_path / "a.npz"], layers=["lower", "upper"]))
    torch.save(weights() | {"extra.weight": torch.ones(2, 2)}, tmp_path / "a.pt")
    layers = read_layers([tmp_path / "a.pt"], layers=["layers.2", "layers.10.weight"])
    assert [layer.name for layer in layers] == ["layers.2.weight", "layers.10.weight"]
    np.save(tmp_path / "first.npy", FIRST)
    for paths, wrong, message in (
        (["a.npz"], ["lower", "middle"], "no array 'middle'"),
        (["a.npz"], ["lower", "lower"], "named twice"),
        (["first.npy"], ["lower"], "has no names"),
        (["a.npz", "first.npy"], ["lower"], "2 files were given"),
        (["a.pt"], ["layers.2", "layers.3"], "no layer 'layers.3'"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            read_masks([tmp_path / p for p in paths], layers=wrong, option="pattern.layers")
        assert "pattern.layers" in str(caught.value)


def test_a_pattern_from_a_file_may_name_its_layers(tmp_path):
    np.savez(tmp_path / "a.npz", upper=SECOND, lower=FIRST)
    fields = {"family": "from_file", "path": str(tmp_path / "a.npz")}
    assert same(from_file.masks(from_file.Config(**fields, layers=["lower", "upper"])))
    with pytest.raises(DataError, match=r"pattern\.layers: .* no array 'x'"):
        from_file.masks(from_file.Config(**fields, layers=["x"]))


def test_numbered_arrays_in_another_order_are_not_guessed(tmp_path):
    np.savez(tmp_path / "a.npz", mask_0=FIRST, mask_1=SECOND)
    assert same(read_masks([tmp_path / "a.npz"]))
    np.savez(tmp_path / "a.npz", mask_1=SECOND, mask_0=FIRST)
    with pytest.raises(DataError, match="by number or as stored") as caught:
        read_masks([tmp_path / "a.npz"])
    assert "--layers mask_0,mask_1" in str(caught.value)


def test_reversed_layers_say_how_to_repair(tmp_path):
    np.savez(tmp_path / "a.npz", SECOND, FIRST)
    with pytest.raises(DataError, match="reverse the order"):
        read_masks([tmp_path / "a.npz"])
