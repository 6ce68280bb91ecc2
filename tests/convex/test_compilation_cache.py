"""Compiled code on disk is found by what was loaded, not by what a time stamp says of a file."""

import importlib.util
import os
import sys

import pytest

from relu_optima.convex import compilation

pytestmark = pytest.mark.skipif(not compilation.ENABLED, reason="compilation is off")

HELPER = (
    "from relu_optima.convex.compilation import compiled\n@compiled\ndef g(x):\n    return {}\n"
)
CALLER = (
    "from relu_optima.convex.compilation import compiled\nfrom cache_helper import g\n"
    "SHIFT = {}\n@compiled\ndef f(x):\n    return {} * g(x) + SHIFT\n"
)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that writes both modules with one time stamp and calls what they hold."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    def call(inner="x", shift="0.0", factor="2.0"):
        for name, text in (
            ("cache_helper", HELPER.format(inner)),
            ("cache_caller", CALLER.format(shift, factor)),
        ):
            path = tmp_path / f"{name}.py"
            path.write_text(text)
            os.utime(path, (10**9, 10**9))  # as if within one tick of the clock
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        module = importlib.import_module("cache_caller")
        return module.f(3.0), module.f

    yield call
    for name in ("cache_helper", "cache_caller"):
        sys.modules.pop(name, None)


def hits(function) -> int:
    return sum(function.stats.cache_hits.values())


def test_the_same_code_is_compiled_once(load):
    first, second = load(), load()
    assert (first[0], second[0]) == (6.0, 6.0)
    assert (hits(first[1]), hits(second[1])) == (0, 1)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"inner": "x + 1.0"}, 8.0),  # a function of another file
        ({"factor": "3.0"}, 9.0),  # a constant, and no instruction
        ({"shift": "1.0"}, 7.0),  # a constant of the module
    ],
)
def test_changed_code_is_compiled_again(load, change, value):
    assert load()[0] == 6.0
    assert load(**change)[0] == value


def test_changed_compiler_flags_compile_again(load, monkeypatch):
    import numba

    load()
    monkeypatch.setattr(numba.config, "OPT", numba.config.OPT.__class__(1))
    assert hits(load()[1]) == 0


def test_changed_flags_of_ours_compile_again(load, monkeypatch):
    load()
    monkeypatch.setattr(compilation, "REORDERED", {"contract"})
    assert hits(load()[1]) == 0
