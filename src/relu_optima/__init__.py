"""Certified answers about the optima of sparse and shallow ReLU networks.

The package is laid out by stage: ``datasets``, ``patterns``, ``existence``, ``training``,
``convex``, ``optimal_set``, ``pruning``, ``sensitivity`` and ``publish``. Importing it is cheap:
numerical libraries load on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
