"""Run the benchmarks of one input: ``python -m benchmarks.low_rank``."""

from __future__ import annotations

from benchmarks.low_rank import one_dimensional

if __name__ == "__main__":
    one_dimensional.main()
