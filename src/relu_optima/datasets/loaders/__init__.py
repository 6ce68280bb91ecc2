"""Loaders, one module each: ``Config`` with the loader's keys and ``load(config) -> RawData``."""
