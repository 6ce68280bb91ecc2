"""Compile the numerical kernels with numba where it is there; run them as plain Python if not.

Compiled code is cached beside the source, so a machine compiles once. numba finds it by the source
file's time stamp and the function's instructions. That misses constants, functions called from
elsewhere, compiler flags, and files edited while they are loaded; so the cache's index holds a hash
of all that was loaded. Setting ``RELU_OPTIMA_NO_JIT=1`` turns compilation off: the same results up
to the order of sums, several times slower.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])
REORDERED = {"reassoc", "contract"}  # sums in the order of the vector unit; NaN and inf stay exact
# Settings of numba that change the code it makes.
_FLAGS = (
    "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX", "DISABLE_INTEL_SVML", "BOUNDSCHECK",
    "LLVM_REFPRUNE_PASS",
)  # fmt: skip

ENABLED = os.environ.get("RELU_OPTIMA_NO_JIT", "") in ("", "0") and bool(
    importlib.util.find_spec("numba")
)


def compiled(function: F) -> F:
    """Compile a function on its first call."""
    if not ENABLED:
        return function
    import numba
    from numba.core.caching import FunctionCache

    class Cache(FunctionCache):  # type: ignore[misc]
        def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
            flags = [repr(getattr(numba.config, flag, None)) for flag in _FLAGS]
            lines = [numba.__version__, *sorted(REORDERED), *flags, *_loaded(function, set())]
            content = hashlib.sha256("\n".join(lines).encode()).hexdigest()
            return (*super()._index_key(sig, codegen), content)

    dispatcher = numba.njit(nogil=True, fastmath=REORDERED)(function)
    dispatcher._cache = Cache(function)  # what `cache=True` does, with our index
    return cast(F, dispatcher)


def _loaded(function: Callable[..., Any], seen: set[str]) -> Iterator[str]:
    """Describe a function and the compiled functions and constants that it reaches."""
    assert isinstance(function, FunctionType)
    name = f"{function.__module__}.{function.__qualname__}"
    if name in seen:
        return
    seen.add(name)
    yield name
    names: set[str] = set()
    for code in _codes(function.__code__):
        names.update(code.co_names)
        constants = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
        yield f"{code.co_code.hex()} {code.co_names} {constants}"
    # a name may be a global, or an attribute of a module that is one
    found = {n: function.__globals__[n] for n in names & function.__globals__.keys()}
    modules = [m for m in found.values() if isinstance(m, ModuleType)]
    own = [m for m in modules if m.__name__.partition(".")[0] == __name__.partition(".")[0]]
    found |= {f"{m.__name__}.{n}": getattr(m, n) for m in own for n in names if hasattr(m, n)}
    for name, value in sorted(found.items()):
        inner = getattr(value, "py_func", None)
        if inner is not None:
            yield from _loaded(inner, seen)
        else:
            yield f"{name} = {_described(value)}"


def _described(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    if hasattr(value, "tobytes"):
        return f"{value.dtype} {value.tobytes().hex()}"
    # the text of a function or a class would hold its address
    return getattr(value, "__qualname__", None) or repr(value)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def announce_compilation(module: ModuleType) -> Callable[[], None]:
    """Say that kernels are about to be compiled, unless a cache lies beside their module."""
    source = Path(str(module.__file__))
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or source.parent / "__pycache__")
    pattern = f"{source.stem}.*.nbi"
    if not ENABLED or any(folder.rglob(pattern)):
        return lambda: None
    log.warning("compiling the convex solver's kernels, once on this machine (about 20 s)")
    start = time.perf_counter()

    def report() -> None:
        log.warning("kernels compiled in %.0f s", time.perf_counter() - start)

    return report
