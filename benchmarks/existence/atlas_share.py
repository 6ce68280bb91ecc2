"""Share of the atlas decided against CPU time: ours beside the published statement in z3.

Both answer the same question, is the product set closed, for every two-layer pattern with outer
sizes up to 3 x 3, up to symmetry. z3 gets the definition with masked entries left out, which is
faster than constraining them to zero. Times are CPU seconds of one thread, imports excluded.
Our time includes the function set, finite data and the re-check of the certificate.

    python benchmarks/existence/atlas_share.py --width 2 3 --seconds 4 --sample 100
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import z3

from relu_optima.existence import decide
from relu_optima.existence.quantifiers import closed_by_z3
from relu_optima.patterns import atlas_sizes, class_masks, pattern_classes

LIMITS = (0.01, 0.1, 1.0, 4.0, 20.0)


def sample_of_atlas(width: int, sample: int) -> list[list[np.ndarray]]:
    """List the classes of a width, or a random sample of them."""
    classes = [
        class_masks(code, m, n) for m, n in atlas_sizes(3) for code in pattern_classes(m, n, width)
    ]
    if sample and len(classes) > sample:
        chosen = np.random.default_rng(0).permutation(len(classes))[:sample]
        classes = [classes[q] for q in sorted(chosen)]
    return classes


def measure(width: int, seconds: float, sample: int) -> list[dict[str, object]]:
    """Time both on every class; stop with an error if they disagree."""
    rows: list[dict[str, object]] = []
    for number, masks in enumerate(sample_of_atlas(width, sample)):
        start = time.process_time()
        verdict = decide(masks, time_limit=3600)
        assert verdict.certificate.verify()
        ours = time.process_time() - start
        start = time.process_time()
        answer = closed_by_z3(*masks, timeout=seconds)
        peer = time.process_time() - start
        if answer not in ("unknown", verdict.product_set):
            raise SystemExit(f"disagreement on {masks}: {verdict.product_set} and {answer}")
        for tool, found, spent in (
            ("relu-optima", verdict.product_set, ours),
            ("z3", answer, peer),
        ):
            rows.append(
                {"width": width, "class": number, "tool": tool, "answer": found, "seconds": spent}
            )
    return rows


def main() -> None:
    """Measure, write the rows as CSV and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=4.0, help="limit of z3 for each class")
    parser.add_argument("--sample", type=int, default=100, help="classes per width; 0 for all")
    parser.add_argument("--out", type=Path, default=Path("results/bench_existence.csv"))
    args = parser.parse_args()
    decide([np.ones((2, 2)), np.ones((2, 2))])  # imports
    closed_by_z3(np.ones((1, 1), int), np.ones((1, 1), int))
    rows = [row for width in args.width for row in measure(width, args.seconds, args.sample)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"z3 {z3.get_version_string()}, limit {args.seconds} s of wall clock for each class")
    print("width  classes  tool         " + "".join(f"<= {t:g} s".rjust(11) for t in LIMITS))
    for width in args.width:
        for tool in ("relu-optima", "z3"):
            mine = [r for r in rows if r["width"] == width and r["tool"] == tool]
            times = np.array([float(str(r["seconds"])) for r in mine if r["answer"] != "unknown"])
            shares = [(times <= t).sum() / len(mine) for t in LIMITS]
            line = "".join(f"{share:11.0%}" for share in shares)
            print(f"{width:5}  {len(mine):7}  {tool:<12} {line}")


if __name__ == "__main__":
    main()
