"""CPU seconds to decide and to re-check, against size: LU, dense, block-diagonal and butterfly.

python benchmarks/existence/scaling.py
"""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np

from relu_optima.existence import decide
from relu_optima.plugins import load_plugin

SIZES = (10, 30, 100, 300, 1000, 2000)


def masks_of(family: str, size: int) -> list[np.ndarray]:
    """Make the pattern of a family nearest to a size."""
    fields: dict[str, dict[str, int]] = {
        "lu": {"n": size},
        "dense": {"n_in": size, "n_hidden": max(1, size // 10), "n_out": size},
        "block_diagonal": {"blocks": size // 2},
        "butterfly": {"factors": max(1, int(np.log2(size)))},
    }
    module = load_plugin("pattern", family)
    masks: list[np.ndarray] = module.masks(module.Config(family=family, **fields[family]))
    return masks


def main() -> None:
    """Measure and print one line per family and size."""
    decide([np.ones((2, 2)), np.ones((2, 2))])  # imports
    rows = []
    print("family           size  answer       decide   verify   (CPU seconds)")
    for family in ("lu", "dense", "block_diagonal", "butterfly"):
        for size in SIZES:
            masks = masks_of(family, size)
            start = time.process_time()
            verdict = decide(masks, time_limit=600)
            middle = time.process_time()
            assert verdict.certificate.verify()
            end = time.process_time()
            print(
                f"{family:<15} {masks[0].shape[1]:5}  {verdict.product_set:<11}"
                f" {middle - start:7.3f}  {end - middle:7.3f}",
                flush=True,
            )
            rows.append([family, size, verdict.product_set, middle - start, end - middle])
    out = Path("results/bench_existence_scaling.csv")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["family", "size", "answer", "decide_seconds", "verify_seconds"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
