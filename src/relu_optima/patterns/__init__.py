"""Sparsity patterns: families of 0/1 masks, one mask per layer, first layer first."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
