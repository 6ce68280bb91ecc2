"""The page of all statements and proofs is the one that the docstrings make."""

from pathlib import Path

from relu_optima.existence.explain import RULES
from tests.existence.theory_page import GROUPS, PAGE, page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_current():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), (
        "python -m tests.existence.theory_page"
    )


def test_every_rule_is_on_the_page():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(RULES)
