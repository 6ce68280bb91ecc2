"""The mutants of trusted code name text that stands there, and tests that are there."""

from pathlib import Path

import pytest

from tests.mutants import existence, formulas
from tests.mutants.__main__ import mutated_source

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("target", [existence, formulas])
def test_every_mutant_replaces_text_that_stands_once(target):
    for module, old, new in target.MUTANTS.values():
        mutated_source(target.PACKAGE, module, old, new)  # exits if it does not
        assert old != new
        assert [t for t in target.tests_of(module) if (ROOT / t).exists()]
