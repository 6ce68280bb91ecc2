"""Compile the numerical kernels with numba where it is there; run them as plain Python if not.

Compiled code is cached beside the source, so a machine compiles once. Setting
``RELU_OPTIMA_NO_JIT=1`` turns compilation off: same results, several times slower.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])
REORDERED = {"reassoc", "contract"}  # sums in the order of the vector unit; NaN and inf stay exact

ENABLED = os.environ.get("RELU_OPTIMA_NO_JIT", "") in ("", "0") and bool(
    importlib.util.find_spec("numba")
)


def compiled(function: F) -> F:
    """Compile a function on its first call.

    Parameters
    ----------
    function : callable
        Function in the subset of Python that numba compiles.

    Returns
    -------
    callable
        The compiled function, or the same function if compilation is off.
    """
    if not ENABLED:
        return function
    import numba

    return cast(F, numba.njit(cache=True, nogil=True, fastmath=REORDERED)(function))


def announce_compilation(module: ModuleType) -> Callable[[], None]:
    """Say that kernels are about to be compiled, unless a cache lies beside their module.

    Parameters
    ----------
    module : module
        The kernels.

    Returns
    -------
    callable
        To be called once the kernels have run; it reports the time taken.
    """
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
