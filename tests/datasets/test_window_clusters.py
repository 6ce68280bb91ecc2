"""Windows against the certified verdicts, and the curve that starts on their clusters."""

import numpy as np
import pytest

from relu_optima.config.validate import validate_group
from relu_optima.datasets.loaders.window_clusters import find_window, load
from relu_optima.errors import DataError
from relu_optima.existence import decide
from relu_optima.existence.proof.document import unpack_masks
from relu_optima.patterns.classes import atlas_sizes, class_masks, pattern_classes

LU2 = {"family": "lu", "n": 2}


def cluster_data(pattern, **values):
    return load(
        validate_group("dataset", {"loader": "window_clusters", "pattern": pattern, **values})
    )


def test_a_window_is_found_only_where_products_are_not_closed():
    """And in every class of two neurons of outer size 2 x 2 that is not closed."""
    found = 0
    for m, n in atlas_sizes(3):
        for code in pattern_classes(m, n, 2):
            masks = class_masks(code, m, n)
            if find_window(*masks) is None:
                continue
            found += 1
            document = decide(masks).certificate.document
            assert document["product"]["answer"] == "not_closed"
            assert all(map(np.array_equal, unpack_masks(document["layers"]), masks))
    assert found == 10
    closed = [
        decide(class_masks(code, 2, 2)).product_set == "closed" for code in pattern_classes(2, 2, 2)
    ]
    windows = [find_window(*class_masks(code, 2, 2)) for code in pattern_classes(2, 2, 2)]
    assert closed == [w is None for w in windows]


@pytest.mark.parametrize(
    "pattern",
    [
        LU2,
        {"family": "atlas", "n_out": 2, "n_in": 3, "n_hidden": 3, "index": 41},
        {"family": "atlas", "n_out": 3, "n_in": 3, "n_hidden": 2, "index": 15},
    ],
)
def test_the_start_lies_on_a_curve_with_the_predicted_exponents(pattern):
    losses, norms, grid = [], [], (0.1, 0.01, 0.001)
    for eps in grid:
        raw = cluster_data(pattern, start_epsilon=eps)
        a = raw.extra
        hidden = raw.X @ a["start_W0"].T + a["start_b0"]
        fit = np.maximum(hidden, 0) @ a["start_W1"].T + a["start_b1"]
        losses.append(float(((fit - raw.y) ** 2).sum()))
        norms.append(sum(float((v**2).sum()) for v in a.values()))
    slopes = np.diff(np.log(losses)) / np.diff(np.log(grid))
    np.testing.assert_allclose(slopes, 2, rtol=1e-6)
    growth = np.diff(np.log(norms)) / np.diff(np.log(grid))
    np.testing.assert_allclose(growth[-1], -1, rtol=0.02)


def test_a_pattern_without_a_window_is_refused():
    with pytest.raises(DataError, match="2 x 2 window"):
        cluster_data({"family": "dense", "n_in": 2, "n_hidden": 2, "n_out": 2})
