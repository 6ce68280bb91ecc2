"""Run the benchmarks of one input and of rank two and three: ``python -m benchmarks.low_rank``."""

from __future__ import annotations

from benchmarks.low_rank import one_dimensional, patterns
from benchmarks.machine import describe_machine

if __name__ == "__main__":
    print(describe_machine())
    one_dimensional.main()
    print(describe_machine())
    patterns.main()
