"""Certified answers about the optima of sparse and shallow ReLU networks.

The package is laid out by stage: ``datasets``, ``patterns``, ``existence``, ``training``,
``convex``, ``optimal_set``, ``pruning``, ``sensitivity`` and ``publish``. Importing it is cheap:
numerical libraries load on first use.
"""

from importlib import metadata
from typing import Any

import lazy_loader

from relu_optima.errors import extras_named

__version__ = metadata.version("relu-optima")

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


@extras_named()
def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    return _find(name)
