"""First-order training of (sparse) ReLU networks: what it reaches, and whether it runs away."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
