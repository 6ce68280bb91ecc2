"""`python -m benchmarks.training`: CPU seconds per epoch and network, ours beside a plain loop."""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from benchmarks.training import plain, published  # noqa: E402

from relu_optima.training.engine import train  # noqa: E402


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--size", type=int, default=100, help="inputs = neurons = outputs")
    parser.add_argument("--rows", type=int, default=100_000, help="data points")
    parser.add_argument("--epochs", type=int, default=12, help="timed; set-up is part of them")
    parser.add_argument("--stack", type=int, default=2, help="networks side by side")
    parser.add_argument("--published", action="store_true", help="run the whole experiment instead")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--seeds", type=int, default=10, help="seeds of --published")
    options = parser.parse_args()
    if options.published:
        lines = published.run(
            options.size, options.rows, options.seeds, options.epochs, options.device
        )
        print("\n".join(lines))
        return
    cases = published.problems(options.size, options.rows, 1, epochs=options.epochs)
    X, Y, A = cases[0].X, cases[0].Y, cases[0].target_matrix
    assert A is not None
    print("| variant | CPU s per epoch and network | ours is faster by |")
    print("| --- | --- | --- |")
    measured = {}
    for count in (1, options.stack):
        many = published.problems(
            options.size,
            options.rows,
            -(-count // 2),
            epochs=options.epochs,
            stack=count,
        )[:count]
        start = plain.cpu_seconds()
        train(many)
        measured[f"stack of {count}"] = (plain.cpu_seconds() - start) / options.epochs / count
    ours = measured[f"stack of {options.stack}"]
    for workers, log_steps in ((4, True), (0, True), (0, False)):
        seconds, _ = plain.train_plain(
            cases[0].masks,
            X,
            Y,
            A,
            epochs=options.epochs,
            batch_size=3000,
            workers=workers,
            log_steps=log_steps,
        )
        name = f"plain loop, DataLoader with {workers} workers" + (
            ", logging every step" if log_steps else ", no logging"
        )
        measured[name] = seconds
    for name, seconds in measured.items():
        print(f"| {name} | {seconds:.3f} | {seconds / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
