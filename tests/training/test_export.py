"""Learned masks survive the way to the existence checker."""

import numpy as np
import pytest

from relu_optima.errors import DataError
from relu_optima.existence import decide
from relu_optima.patterns.reading import read_masks
from relu_optima.training.export import canonical_masks, save_network
from relu_optima.training.stage import run

from .cases import dataset, task


@pytest.fixture(scope="module")
def learned():
    data = dataset(loader="matrix_target", size=6, n=60)
    training = {"method": "rigl", "epochs": 4, "batch_size": 16, "density": 0.5, "every_steps": 5}
    return run(task(data, {"family": "dense", "n_hidden": 6}, training)).arrays


@pytest.mark.parametrize("name", ["mask.npz", "net.safetensors"])
def test_written_masks_are_read_back(learned, tmp_path, name):
    save_network(tmp_path / name, learned, {"method": "rigl", "seed": 0})
    masks = read_masks([tmp_path / name])
    assert [m.tolist() for m in masks] == [learned["mask_0"].tolist(), learned["mask_1"].tolist()]


def test_what_cannot_be_written_is_refused(learned, tmp_path):
    with pytest.raises(DataError, match=r"\.npz or \.safetensors"):
        save_network(tmp_path / "mask.txt", learned)
    zeroed = {**learned, "W0": np.zeros_like(learned["W0"])}
    with pytest.raises(DataError, match="exactly 0"):
        save_network(tmp_path / "net.safetensors", zeroed)
    assert not list(tmp_path.iterdir())


def test_dead_neurons_are_removed_without_changing_the_verdict():
    first = np.array([[1, 1], [0, 0], [0, 1], [1, 0]], np.uint8)
    second = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], np.uint8)
    smaller = canonical_masks([first, second])
    assert smaller[0].tolist() == [[1, 1], [0, 1]]
    assert smaller[1].tolist() == [[1, 0], [1, 1]]
    a, b = decide([first, second]), decide(smaller)
    assert (a.product_set, a.optimum) == (b.product_set, b.optimum)
    chain = [
        np.array([[1], [1]], np.uint8),
        np.array([[1, 0]], np.uint8),
        np.ones((1, 1), np.uint8),
    ]
    assert [m.shape for m in canonical_masks(chain)] == [(1, 1), (1, 1), (1, 1)]
    with pytest.raises(DataError, match="no path"):
        canonical_masks([np.array([[1], [0]], np.uint8), np.array([[0, 1]], np.uint8)])
