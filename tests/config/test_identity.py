"""A run id names the science and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_optima.config.base import Group, operational
from relu_optima.config.identity import ID_LENGTH, canonical_json, digest, run_id

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
)


class Example(Group):
    lam: float = 0.1
    count: int = 3
    folder: str = operational("here")


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_order_of_keys_does_not_matter(value):
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


@given(st.floats(min_value=-1e9, max_value=1e9).filter(float.is_integer))
def test_whole_numbers_and_floats_agree_in_a_float_field(x):
    assert digest(Example(lam=int(x)).scientific()) == digest(Example(lam=x).scientific())


def test_operational_fields_stay_out():
    assert Example(folder="a").scientific() == Example(folder="b").scientific()
    assert "folder" not in Example().scientific()


def test_every_part_of_the_science_changes_the_id():
    base = ("convex", 0, {"convex": {"lam": 0.1}}, {"dataset": "a" * 12})
    ids = {
        run_id(*base),
        run_id("pruning", *base[1:]),
        run_id(base[0], 1, *base[2:]),
        run_id(*base[:2], {"convex": {"lam": 0.2}}, base[3]),
        run_id(*base[:3], {"dataset": "b" * 12}),
    }
    assert len(ids) == 5
    assert all(len(i) == ID_LENGTH for i in ids)


def test_nan_has_no_canonical_form():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
