"""Pruning methods, one module each.

A module defines ``class Config(PruningConfig)`` with the method's own fields and
``steps(optimal, config, seed) -> Steps``, the coefficients of the networks it passes through.
"""
