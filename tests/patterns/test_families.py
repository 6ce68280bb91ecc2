"""Every pattern family keeps the contract, and the ones with a formula match it."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.config.validate import validate_group
from relu_optima.errors import DataError
from relu_optima.patterns import atlas_sizes, check_masks, pattern_classes

PRESETS = sorted(Path(__file__).parents[2].joinpath("conf/pattern").glob("*.yaml"))


def make(family, **fields):
    module = load_plugin("pattern", family)
    return module.masks(module.Config(family=family, **fields))


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: p.stem)
def test_preset_is_valid_and_makes_masks_that_chain(path):
    values = yaml.safe_load(path.read_text())
    if values.get("n_in") == 0:
        values.update(n_in=5, n_out=2)
    config = validate_group("pattern", values)
    masks = load_plugin("pattern", config.family).masks(config)
    again = load_plugin("pattern", config.family).masks(config)
    assert all(mask.dtype == np.uint8 for mask in masks)
    for a, b, c in zip(masks, again, check_masks(masks), strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


@pytest.mark.parametrize("family", plugin_names("pattern"))
def test_family_is_documented_and_typed(family):
    module = load_plugin("pattern", family)
    assert module.__doc__
    assert module.Config.__doc__
    assert module.masks.__doc__
    assert all(f.description for name, f in module.Config.model_fields.items() if name != "family")


def test_lu_and_ul_are_triangular():
    first, second = make("lu", n=4)
    assert np.array_equal(first, np.triu(np.ones((4, 4))))
    assert np.array_equal(second, first.T)
    assert np.array_equal(make("ul", n=4)[0], second)


def test_atlas_numbers_run_through_all_sizes():
    found = [make("atlas", n_out=0, n_in=0, n_hidden=2, index=q) for q in range(55)]
    expected = [
        make("atlas", n_out=m, n_in=n, n_hidden=2, index=q)
        for m, n in atlas_sizes(3)
        for q in range(len(pattern_classes(m, n, 2)))
    ]
    for a, b in zip(found, expected, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    with pytest.raises(DataError, match="55 classes"):
        make("atlas", n_out=0, n_in=0, n_hidden=2, index=55)
    with pytest.raises(DataError, match="only one"):
        make("atlas", n_out=2, n_in=0, n_hidden=2, index=0)


@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_atlas_sweep_names_every_class(r):
    sweep = yaml.safe_load((PRESETS[0].parents[1] / f"sweep/atlas_r{r}.yaml").read_text())
    fields = {k.removeprefix("pattern."): v for k, v in sweep["fixed"].items() if "." in k}
    assert fields["n_hidden"] == r
    stop = int(sweep["grid"]["pattern.index"].removeprefix("range(0,").removesuffix(")"))
    make("atlas", **fields, index=stop - 1)
    with pytest.raises(DataError, match=f"{stop} classes"):
        make("atlas", **fields, index=stop)


def test_banded_keeps_the_band():
    mask = make("banded", n=6, lower=2, upper=1, layers=3)[2]
    for i in range(6):
        for j in range(6):
            assert mask[i, j] == (-1 <= i - j <= 2)


def test_block_diagonal_counts():
    first, second = make("block_diagonal", blocks=3, block_in=2, block_hidden=4, block_out=5)
    assert first.shape == (12, 6)
    assert first.sum() == 3 * 2 * 4
    assert second.sum() == 3 * 4 * 5


@pytest.mark.parametrize(("density", "fan_in"), [(0.01, 1), (0.25, 4), (0.9, 14), (1.0, 16)])
def test_regular_by_density_is_regular_by_fan_in(density, fan_in):
    sizes = {"n_in": 16, "n_hidden": 16, "n_out": 16, "seed": 3}
    by_density, by_fan_in = (
        make("regular", **sizes, density=density),
        make("regular", **sizes, fan_in=fan_in),
    )
    for a, b in zip(by_density, by_fan_in, strict=True):
        assert np.array_equal(a, b)
        assert np.all(a.sum(axis=1) == fan_in)
        assert np.all(a.sum(axis=0) == fan_in)
    with pytest.raises(DataError, match="both or neither"):
        make("regular", **sizes)
    with pytest.raises(DataError, match="both or neither"):
        make("regular", **sizes, fan_in=4, density=0.25)


def test_bernoulli_density_is_p_within_five_standard_errors():
    first, _ = make("bernoulli", n_in=200, n_hidden=200, n_out=2, p=0.3, seed=1)
    assert abs(first.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / first.size)


def test_dense_without_data_names_the_key():
    with pytest.raises(DataError, match=r"pattern\.n_in"):
        make("dense", n_hidden=3)


@pytest.mark.parametrize(
    ("masks", "text"),
    [
        ([np.zeros((2, 2))], "zero"),
        ([np.array([[0.5, 1.0]])], r"0\.5"),
        ([np.array([[np.nan, 1.0]])], "NaN"),
        ([np.ones(3)], "dimensions"),
        ([np.ones((0, 2))], "shape"),
        ([np.ones((3, 2)), np.ones((2, 4))], "outputs"),
        ([], "no layer"),
        (np.ones((2, 2)), "one array"),
        ([[["a"]]], "type"),
        ([[[1, 0], [1]]], "lengths"),
    ],
)
def test_bad_masks_are_one_typed_error(masks, text):
    with pytest.raises(DataError, match=text):
        check_masks(masks, "pattern.path")


def test_kronecker_factors_are_what_they_are_called():
    for a, b, c, d in ((2, 3, 2, 2), (1, 2, 4, 3), (4, 1, 2, 1)):
        (mask,) = make("kronecker", factors=[(a, b, c, d)])
        assert np.array_equal(mask, np.kron(np.kron(np.eye(a), np.ones((b, c))), np.eye(d)))
    with pytest.raises(DataError, match="positive integers"):
        make("kronecker", factors=[(1, 2, 0, 1)])


def test_blocks_beside_dense_neurons():
    lower, upper = make("block_low_rank", blocks=2, side=3, rank=1, spread=True)
    assert np.array_equal(lower[:6], np.kron(np.eye(2), np.ones((3, 3))))
    assert np.array_equal(upper[:, :6], np.kron(np.ones((2, 2)), np.eye(3)))
    assert lower[6].all()
    assert upper[:, 6].all()


def test_a_hierarchical_pattern_covers_every_cell():
    lower, upper = make("hierarchical", levels=2, leaf=3, rank=2)
    count = upper.astype(int) @ lower
    leaf = np.kron(np.eye(4), np.ones((3, 3))) > 0
    assert (count[leaf] == 3).all()
    assert (count[~leaf] == 2).all()
