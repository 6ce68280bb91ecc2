"""Pattern families: one module each with ``Config`` and ``masks(config)``."""
