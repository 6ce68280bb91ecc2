"""Share of the atlas decided against CPU time: ours beside the published statement in z3 and cvc5.

All answer the same question, is the product set closed, for every two-layer pattern with outer
sizes up to 3 x 3, up to symmetry. The solvers get the definition with masked entries left out,
which is faster than constraining them to zero; both get the same formula, default options. Times
are CPU seconds of one thread, imports excluded. Our time includes the function set, finite data
and the re-check of the certificate. Without cvc5's environment (``make bench-existence`` builds
it) cvc5 is left out, and the output says so.

    python benchmarks/existence/atlas_share.py --width 2 3 --seconds 4 --sample 100
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import multiprocessing
import resource
import signal
import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import z3

from relu_optima.existence import decide
from relu_optima.existence.quantifiers import closed_by_z3, closedness_in_smt
from relu_optima.patterns import atlas_sizes, class_masks, pattern_classes

LIMITS = (0.01, 0.1, 1.0, 4.0, 20.0)
HERE = Path(__file__).parent
START = 1.0  # CPU seconds that cvc5 may take to start
SMT = HERE.parent / ".venv-smt" / "bin" / "python"


def closed_by_cvc5(masks: list[np.ndarray], seconds: float) -> tuple[str, float]:
    """Give the statement to cvc5: answer and CPU seconds."""
    done = subprocess.run(
        [SMT, HERE / "cvc5_worker.py"],
        input=closedness_in_smt(*masks),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: limit_cpu(seconds + START),
    )
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "unknown", seconds
    if done.returncode:
        raise SystemExit(f"cvc5 failed: {done.stderr}")
    found = json.loads(done.stdout)
    return found["answer"], found["seconds"]


def version_of_cvc5() -> str:
    """Ask the peers' environment."""
    code = "from importlib.metadata import version; print(version('cvc5'))"
    return subprocess.run(
        [SMT, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def closed_in_time(masks: list[np.ndarray], seconds: float) -> tuple[str, float]:
    """Give the statement to z3 in a process of its own: answer and CPU seconds."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=_z3_child, args=(theirs, masks, seconds)
    )
    child.start()
    theirs.close()
    try:
        found: tuple[str, float] = ours.recv()
    except EOFError:  # killed by the limit
        found = "unknown", seconds
    child.join()
    return found


def _z3_child(pipe: Connection, masks: list[np.ndarray], seconds: float) -> None:
    start = time.process_time()
    limit_cpu(start + seconds)
    answer = closed_by_z3(*masks)
    pipe.send((answer, time.process_time() - start))


def limit_cpu(seconds: float) -> None:
    """Let this process end after some CPU seconds: a wall-clock limit depends on the load."""
    whole = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))


def sample_of_atlas(width: int, sample: int) -> list[list[np.ndarray]]:
    """List the classes of a width, or a random sample of them."""
    classes = [
        class_masks(code, m, n) for m, n in atlas_sizes(3) for code in pattern_classes(m, n, width)
    ]
    if sample and len(classes) > sample:
        chosen = np.random.default_rng(0).permutation(len(classes))[:sample]
        classes = [classes[q] for q in sorted(chosen)]
    return classes


def measure(width: int, seconds: float, sample: int, cvc5: int) -> list[dict[str, object]]:
    """Time all on every class; stop with an error if they disagree."""
    rows: list[dict[str, object]] = []
    classes = sample_of_atlas(width, sample)
    every = max(1, math.ceil(len(classes) / cvc5)) if cvc5 and SMT.exists() else len(classes) + 1
    for number, masks in enumerate(classes):
        start = time.process_time()
        verdict = decide(masks, time_limit=3600)
        assert verdict.certificate.verify()
        ours = time.process_time() - start
        answers = [
            ("relu-optima", verdict.product_set, ours),
            ("z3", *closed_in_time(masks, seconds)),
        ]
        if number % every == every - 1:
            answers.append(("cvc5", *closed_by_cvc5(masks, seconds)))
        for tool, found, spent in answers:
            if found not in ("unknown", verdict.product_set):
                raise SystemExit(f"{tool} disagrees on {masks}: {verdict.product_set} and {found}")
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
    parser.add_argument("--cvc5", type=int, default=10, help="classes per width that cvc5 gets")
    parser.add_argument("--out", type=Path, default=Path("results/bench_existence.csv"))
    args = parser.parse_args()
    decide([np.ones((2, 2)), np.ones((2, 2))])  # imports
    closed_by_z3(np.ones((1, 1), int), np.ones((1, 1), int))
    rows = [
        row for width in args.width for row in measure(width, args.seconds, args.sample, args.cvc5)
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    cvc5 = f"cvc5 {version_of_cvc5()}" if SMT.exists() else "no cvc5"
    print(
        f"z3 {z3.get_version_string()}, {cvc5}, limit {args.seconds:g} CPU seconds for each class"
    )
    print("width  classes  tool         " + "".join(f"<= {t:g} s".rjust(11) for t in LIMITS))
    for width in args.width:
        for tool in dict.fromkeys(str(r["tool"]) for r in rows):
            mine = [r for r in rows if r["width"] == width and r["tool"] == tool]
            if not mine:
                continue
            times = np.array([float(str(r["seconds"])) for r in mine if r["answer"] != "unknown"])
            shares = [(times <= t).sum() / len(mine) for t in LIMITS]
            line = "".join(f"{share:11.0%}" for share in shares)
            print(f"{width:5}  {len(mine):7}  {tool:<12} {line}")


if __name__ == "__main__":
    main()
