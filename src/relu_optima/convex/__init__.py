"""Certified global optima of shallow ReLU networks through their convex reformulations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
