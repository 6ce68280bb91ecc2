"""The mutants of the checker name text that stands there."""

from tests.mutants.__main__ import mutated_source
from tests.mutants.existence import MUTANTS, PACKAGE


def test_every_mutant_replaces_text_that_stands_once():
    for module, old, new in MUTANTS.values():
        mutated_source(PACKAGE, module, old, new)  # exits if it does not
        assert old != new
