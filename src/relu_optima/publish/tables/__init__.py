"""Table plug-ins: one module each, with ``Config`` and ``tabulate``."""
