"""Shared by all tests: one BLAS thread, as in every job of the pipeline; repeatable examples."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

# Chosen from the text of each test, so that a run can be repeated, and none depends on the clock;
# `--hypothesis-profile=default` searches others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

STUDIES = Path(__file__).parent / "workflow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the tests of whole studies first: as the last they would leave a worker idle."""
    items.sort(key=lambda item: STUDIES not in item.path.parents)
