"""CPU seconds to decide and to re-check, against size: LU, dense, block-diagonal and butterfly.

Writes the numbers as CSV and the growth as a figure, with the fitted exponent of each family.

python benchmarks/existence/scaling.py
"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np

from relu_optima.config.plugins import load_plugin
from relu_optima.existence import decide

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
    rows: list[list[Any]] = []
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
            times = [middle - start, end - middle]
            rows.append([family, size, verdict.product_set, *times, masks[0].shape[1]])
    out = Path("results/bench_existence_scaling.csv")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["family", "size", "answer", "decide_seconds", "verify_seconds", "width"])
        writer.writerows(rows)
    draw(rows, out.with_suffix(".pdf"))


def draw(rows: list[list[Any]], path: Path) -> None:
    """Plot decide + verify against size, with the exponent over the largest three sizes."""
    from matplotlib.figure import Figure

    from relu_optima.publish.style import WIDTHS, line_styles, publication_style

    families = list(dict.fromkeys(row[0] for row in rows))
    with publication_style():
        figure = Figure(figsize=(WIDTHS["icml_column"], 2.6), layout="constrained")
        axis = figure.subplots()
        for family, style in zip(families, line_styles(families), strict=True):
            mine = np.array([[row[5], row[3] + row[4]] for row in rows if row[0] == family])
            slope = np.polyfit(*np.log(mine[-3:]).T, 1)[0]
            print(f"{family:<15} time ~ width^{slope:.2f} over the largest three sizes")
            axis.loglog(
                *mine.T,
                color=style.colour,
                marker=style.marker,
                linestyle=style.line,
                label=f"{family.replace('_', ' ')} ({slope:.1f})",
            )
        axis.set_xlabel("width n")
        axis.set_ylabel("CPU seconds, decide and re-check")
        axis.legend(title="family (exponent)")
        figure.savefig(path)
        figure.savefig(path.with_suffix(".png"))


if __name__ == "__main__":
    main()
