"""All optima of a convex ReLU program: the polytope of optimal models and choices on it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
