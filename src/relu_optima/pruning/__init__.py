"""Smaller networks from an optimal one: exactly while that is possible, approximately after."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
