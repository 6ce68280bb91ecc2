"""Large masks with few ones: lists from end to end, the same answers as arrays."""

import base64
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from relu_optima.errors import DataError
from relu_optima.existence import Certificate, check_files
from relu_optima.existence.proof import chain
from relu_optima.existence.proof.document import pack_masks, unpack_masks
from relu_optima.existence.proof.linear import column_sizes, packed_product, row_sizes
from relu_optima.existence.proof.verify import problems_of
from relu_optima.patterns import masks as mask_rules
from relu_optima.patterns.sparse import as_list, compact, is_sparse, same_masks
from tests.existence.bases import judged


def butterfly(bits, size):
    index = np.arange(size)
    pairs = [
        (np.ones(2 * size), (np.r_[index, index], np.r_[index, index ^ (1 << b)])) for b in bits
    ]
    return [sparse.csr_array(pair, shape=(size, size)) for pair in pairs]


def monarch(size, block):
    """Blocks of neighbours, then blocks of entries that lie equally far apart."""
    index = np.arange(size)
    turn = (index % block) * (size // block) + index // block
    lower = sparse.kron(sparse.eye_array(size // block), np.ones((block, block)))
    upper = sparse.kron(sparse.eye_array(block), np.ones((size // block, size // block)))
    return [lower, sparse.csr_array(upper)[turn][:, turn]]


@pytest.mark.parametrize("columns", [3, 60, 64, 65, 130])
def test_a_product_of_bits_is_the_boolean_product(columns):
    """Whole words of eight bytes or not, rows without any 1 among them."""
    rng = np.random.default_rng(columns)
    above = (rng.random((9, 7)) < 0.3).astype(np.uint8)
    above[[0, 4]] = 0
    below = (rng.random((7, columns)) < 0.4).astype(np.uint8)
    packed = np.asfortranarray(np.packbits(below, axis=1))
    found = packed_product(as_list(above), packed)
    assert np.array_equal(found, np.packbits((above @ below) > 0, axis=1))


@pytest.mark.parametrize(
    ("masks", "product", "function"),
    [
        pytest.param(butterfly(range(12), 4096), "closed", "unknown", marks=pytest.mark.slow),
        (butterfly([0, 5], 4096), "closed", "closed"),
        (monarch(4096, 64), "closed", "closed"),
        ([sparse.kron(sparse.eye_array(2_000), np.ones((2, 2)))] * 2, "closed", "closed"),
    ],
)
def test_structured_layers_need_no_array(masks, product, function):
    tracemalloc.start()
    verdict = judged(masks)
    assert verdict.certificate.problems() == []
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()
    assert (verdict.product_set, verdict.function_set) == (product, function)
    assert len(verdict.certificate.to_json()) < 60 * sum(m.nnz for m in masks) + 2e6


def test_what_counts_is_the_mask_not_its_form():
    """Two bands of width 2,100 are not closed: found on arrays, whoever passes what."""
    bands = sparse.diags_array([np.ones(2100), np.ones(2099)], offsets=[0, -1])
    masks = [bands.tocsr(), bands.T.tocsr()]
    listed = judged(masks)
    arrays = judged([m.toarray() for m in masks])
    assert listed.product_set == "not_closed"
    assert listed.certificate.verify()
    assert listed.certificate.to_json() == arrays.certificate.to_json()


def test_small_or_full_masks_become_arrays():
    assert not is_sparse(compact(sparse.csr_array(np.eye(3))))
    assert not is_sparse(compact(sparse.csr_array(np.ones((2500, 2500)))))
    assert is_sparse(compact(np.eye(2500, dtype=np.uint8)))
    a, b = np.eye(3, dtype=np.uint8), np.ones((3, 3), np.uint8)
    assert same_masks([as_list(a), b], [a, as_list(b)])
    assert not same_masks([as_list(a)], [b])
    assert not same_masks([a], [b])


def test_masks_beyond_every_array():
    """Random lists on sides of 12,000: nothing is claimed, nothing fails."""
    rng = np.random.default_rng(0)
    index = np.arange(12_000)
    masks = [
        sparse.csr_array(
            (np.ones(24_000), (np.r_[index, index], np.r_[index, rng.permutation(index)]))
        )
        for _ in range(2)
    ]
    for m in masks:
        m.sum_duplicates()
        m.data[:] = 1
    verdict = judged(masks)
    assert (verdict.product_set, verdict.function_set) == ("unknown", "unknown")
    assert verdict.optimum == "not_always"
    assert verdict.certificate.problems() == []
    assert judged([*masks, masks[0]]).product_set == "unknown"


def test_transposed_lists_are_not_taken_for_lists_of_rows():
    rng = np.random.default_rng(0)
    mask = (rng.random((40, 70)) < 0.1).astype(np.uint8)
    listed = as_list(mask)
    assert np.array_equal(row_sizes(listed.T), mask.sum(axis=0))
    assert np.array_equal(column_sizes(listed.T), mask.sum(axis=1))
    for given, plain in ((listed, mask), (listed.T, mask.T), (mask, mask)):
        assert np.array_equal(chain._support_below([given]), np.packbits(plain, axis=1))


def words(*values):
    return base64.b64encode(np.array(values, "<u4").tobytes()).decode()


LISTS = {"shape": [2, 3], "columns": words(0, 2, 1), "lengths": words(2, 1)}


def test_lists_are_read_back():
    (mask,) = unpack_masks([LISTS])
    assert mask.toarray().tolist() == [[1, 0, 1], [0, 1, 0]]
    assert pack_masks([mask]) == [LISTS]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"shape": [3, 3]}, "shape and row lengths of a layer disagree"),
        ({"shape": [2, 200_000]}, "shape and row lengths of a layer disagree"),
        ({"columns": words(0, 3, 1)}, "not ascending and in range"),
        ({"columns": words(2, 0, 1)}, "not ascending and in range"),
        ({"columns": words(0, 0, 1)}, "not ascending and in range"),
        ({"columns": words(0, 2)}, "not ascending and in range"),
        ({"lengths": words(2**32 - 1, 4)}, "not ascending and in range"),
        ({"columns": 3}, "no packed masks"),
    ],
)
def test_forged_lists_are_refused(edit, message):
    document = judged([np.ones((3, 2))]).certificate.document
    problems = problems_of({**document, "layers": [{**LISTS, **edit}]})
    assert len(problems) == 1
    assert message in problems[0]


def test_a_layer_that_does_not_peel_is_refused_in_a_list():
    masks = butterfly(range(3), 4096)
    document = judged(masks).certificate.document
    forged = {**document, "layers": pack_masks([as_list(m) for m in [*masks[:2], masks[0]]])}
    assert any("classes of a peeled layer meet" in p for p in problems_of(forged))


def test_lists_with_other_entries_or_too_many_are_refused(monkeypatch):
    eye = sparse.csr_array(np.eye(3))
    monkeypatch.setattr(mask_rules, "MAX_ONES", 2)
    layers = [sparse.eye_array(2500)] * 2
    with pytest.raises(DataError, match="5000 ones"):
        judged(layers)
    for bad, message in ((2 * eye, "other than 1"), (sparse.csr_array((3, 3)), "are zero")):
        with pytest.raises(DataError, match=message):
            mask_rules.check_any_masks([bad], "masks")


def test_files_of_sparse_matrices(tmp_path):
    for name, mask in zip("ab", butterfly([0, 1], 4096), strict=True):
        sparse.save_npz(tmp_path / f"{name}.npz", mask)
    report = check_files([tmp_path / "a.npz", tmp_path / "b.npz"], "product")
    assert report.exit_code == 0
    assert report.verified
    assert "8192 of 16777216 kept" in report.to_text()
    assert Certificate.from_json(report.verdict.certificate.to_json()).verify()
    stored = sparse.csr_array(np.eye(3))
    stored.data[0] = 0
    sparse.save_npz(tmp_path / "zero.npz", stored)
    np.savez(
        tmp_path / "broken.npz", format=b"csr", indptr=[0, 9], indices=[0], data=[1], shape=[1, 1]
    )
    for name, message in (("zero", "stores zeros"), ("broken", "no sparse matrix")):
        with pytest.raises(DataError, match=message):
            check_files([tmp_path / f"{name}.npz"])
