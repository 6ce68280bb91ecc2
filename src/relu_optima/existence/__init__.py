"""Does a sparsity pattern always admit an optimum? Verdicts with certificates."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
