"""Mutants of trusted code: each weakens one line, and the tests must notice."""
