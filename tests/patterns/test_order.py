"""Names and sizes order layers where they leave no doubt, whatever order they come in."""

import itertools

import pytest

from relu_optima.patterns.order import UncertainOrderError, certain_order

CERTAIN = {
    "Sequential": {"0": (3, 3), "2": (3, 3), "10": (3, 3)},
    "prefix": {"model.net.0": (3, 3), "model.net.2": (3, 3)},
    "numbered attributes": {"fc1": (3, 3), "fc2": (3, 3), "fc10": (3, 3)},
    "one layer a block": {"block1.fc": (3, 3), "block2.fc": (3, 3)},
    "nested, with gaps": {"0": (3, 3), "2.0": (3, 3), "2.2": (3, 3), "4": (3, 3)},
    "sizes": {"encoder": (2, 5), "code": (3, 2), "head": (4, 3)},
    "sizes of groups": {"a.0": (5, 4), "a.2": (6, 5), "b.0": (7, 6), "b.2": (1, 7)},
    "a square layer between": {"z": (3, 2), "a": (3, 3), "m": (1, 3)},
    "one layer": {"": (2, 3)},
}

UNCERTAIN = {
    "squares": ({"encoder": (3, 3), "decoder": (3, 3)}, "neither"),
    "autoencoder": ({"encoder": (2, 8), "decoder": (8, 2)}, "neither"),
    "ensemble": ({f"{k}.{j}": (3, 3) for k in (0, 1) for j in (0, 2)}, "neither"),
    "autoencoder of blocks": (
        {"e.0": (5, 8), "e.2": (2, 5), "d.0": (5, 2), "d.2": (8, 5)},
        "neither",
    ),
    "numbers against sizes": ({"fc1": (3, 2), "fc2": (2, 5)}, "next by number"),
    "two heads": ({"trunk": (3, 2), "left": (1, 3), "right": (4, 3)}, "in no order"),
    "leading zeros": ({"fc1": (3, 3), "fc01": (3, 3)}, "leading zeros"),
    "many": ({f"{chr(97 + k)}x": (3, 3) for k in range(26)} | {"é": (2, 3)} , "neither"),
    "deep": ({".".join("a" * 2000): (3, 3)}, "too many parts"),
    "too many": ({f"{a}{b}x": (1, 1) for a in "abcdef" for b in "abcdef"}, "too many"),
}  # fmt: skip


@pytest.mark.parametrize("name", CERTAIN)
def test_certain_orders_do_not_depend_on_the_order_of_the_entries(name):
    shapes = CERTAIN[name]
    for names in itertools.permutations(shapes):
        assert certain_order({n: shapes[n] for n in names}).names == tuple(shapes)


@pytest.mark.parametrize("name", UNCERTAIN)
def test_no_order_is_guessed(name):
    shapes, message = UNCERTAIN[name]
    for names in (shapes, reversed(shapes)):
        with pytest.raises(UncertainOrderError, match=message):
            certain_order({n: shapes[n] for n in names})
