"""Figure plug-ins: one module each, with ``Config`` and ``plot``."""
