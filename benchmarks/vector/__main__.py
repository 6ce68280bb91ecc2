"""Time vector-output programs beside other methods: ``python -m benchmarks.vector``.

Everything runs in one process and one BLAS thread; times are CPU seconds, without the first call
of ours (compilation), ours and its peers one after the other. ``--data`` names a folder with
``vector/spiral_60x2x3.npz``; without it the product's own spiral is used. pyscnn is timed where it
can be imported.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from benchmarks.machine import describe_machine
from benchmarks.vector.peers import conic_relaxation, pyscnn_one_vs_all, train_as_published
from threadpoolctl import threadpool_limits

from relu_optima.convex import (
    copositive_relaxation,
    frank_wolfe,
    one_hot,
    one_vs_all_lambda_max,
    sample_gates,
    signal_patches,
    solve_one_vs_all,
    solve_vector,
    solve_vector_gated,
    vector_gated_lambda_max,
    vector_lambda_max,
)
from relu_optima.datasets.loaders import spiral

T = TypeVar("T")
NEAR = 1e-5  # excess over the certified optimum at which pyscnn is timed
PARTS = ("spiral", "random", "gated", "filters", "pyscnn", "mnist")


def main() -> None:
    """Print one line for each method and strength."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["spiral", "random", "gated", "filters"])
    parser.add_argument("--data", type=Path, default=None, help="folder with published arrays")
    parser.add_argument("--rows", type=int, default=60_000, help="rows of mnist")
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"unknown part {part!r}; there are {', '.join(PARTS)}")
    with threadpool_limits(1):
        for part in arguments.parts:
            globals()[f"_{part}"](arguments)


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """Answer and CPU seconds."""
    start = time.process_time()
    answer = function()
    return answer, time.process_time() - start


def _line(name: str, lam: float, seconds: float, excess: float, note: str = "") -> None:
    where = f"  [{describe_machine()}]"
    print(f"{name:<32}{lam:>8g}{seconds:>12.3f} s{excess:>12.1e}  {note}{where}", flush=True)


def _spiral(arguments: argparse.Namespace) -> None:
    file = None if arguments.data is None else arguments.data / "vector/spiral_60x2x3.npz"
    if file is not None and file.exists():
        stored = np.load(file)
        X, Y = stored["X"], one_hot(stored["labels"])
    else:
        raw = spiral.load(spiral.Config(loader="spiral"))
        X, Y = raw.X, raw.y
    solve_vector(X, Y, 0.3)  # compile
    print("spiral: method, lam, CPU time, distance from the certified optimum")
    for lam in (0.1, 0.01, 0.001):
        ours, own = timed(lambda lam=lam: solve_vector(X, Y, lam, tol=1e-8))
        best = ours.objective
        _line("ours, exact", lam, own, ours.gap, f"{best:.9f}, {ours.network.n_neurons} neurons")
        found, seconds = timed(lambda lam=lam: frank_wolfe(X, Y, lam, steps=1000))
        _line("Frank-Wolfe, 1000 steps", lam, seconds, found.solution.objective / best - 1)
        relaxed, seconds = timed(lambda lam=lam: copositive_relaxation(X, Y, lam))
        _line("relaxation, Clarabel", lam, seconds, relaxed.value / best - 1, relaxed.status)
        value, seconds = timed(lambda lam=lam: train_as_published(X, Y, lam))
        times = f"{seconds / own:.0f} times ours"
        _line("torch SGD as published", lam, seconds, value / best - 1, times)
        if lam == 0.1:
            largest, fastest = best, own
    for tolerance in (1e-2, 1e-4):
        value, seconds = timed(partial(conic_relaxation, X, Y, 0.1, tolerance))
        times = f"{seconds / fastest:.0f} times ours"
        _line(f"copositive, all rows, SCS {tolerance:g}", 0.1, seconds, value / largest - 1, times)


def _random(arguments: argparse.Namespace) -> None:
    file = None if arguments.data is None else arguments.data / "vector/random_100_25x2x5.npz"
    if file is not None and file.exists():
        stored = np.load(file)
        sets = list(zip(stored["X"], stored["Y"], strict=True))
    else:
        rng = np.random.default_rng(0)
        sets = [(rng.standard_normal((25, 2)), rng.standard_normal((25, 5))) for _ in range(100)]
    solve_vector(*sets[0], 0.3)  # compile
    print("100 random sets 25 x 2 x 5: lam, CPU time of all, largest gap, mean objective")
    for lam in (0.1, 0.01):
        found, seconds = timed(lambda lam=lam: [solve_vector(X, Y, lam, tol=1e-7) for X, Y in sets])
        mean = float(np.mean([s.objective for s in found]))
        wrong = sum(s.status != "optimal" for s in found)
        _line(
            "ours, exact",
            lam,
            seconds,
            max(s.gap for s in found),
            f"{mean:.9f}, {wrong} not solved",
        )


def _gated(_: argparse.Namespace) -> None:
    X, Y = _digits()
    gates = sample_gates(X, 50, 0)
    top = vector_gated_lambda_max(X, Y, gates)
    print(f"digits {X.shape[0]} x {X.shape[1]} x 10, {gates.shape[1]} gates: share of lambda_max")
    for share in (0.1, 0.01):
        found, seconds = timed(lambda s=share: solve_vector_gated(X, Y, gates, s * top, tol=1e-6))
        _line("ours, nuclear norm", share, seconds, found.gap, f"{found.counts}")


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X = bunch.data[:, bunch.data.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0), one_hot(bunch.target)


def _filters(_: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    solve_vector(rng.standard_normal((9, 3)), rng.standard_normal((9, 2)), 0.3)  # compile
    print("filters: patches, share of lambda_max")
    for n, length, size, outputs in ((2000, 50, 2, 1), (40, 27, 3, 3)):
        rows, samples = signal_patches(rng.standard_normal((n, length)), size)
        Y = rng.standard_normal((n, outputs))
        top = vector_lambda_max(rows, Y, samples=samples)
        solve = lambda s=samples, r=rows, t=top, Y=Y: solve_vector(r, Y, 0.1 * t, samples=s)  # noqa: E731
        found, seconds = timed(solve)
        _line(f"{len(rows)} patches of {size}, K = {outputs}", 0.1, seconds, found.gap)


def _pyscnn(_: argparse.Namespace) -> None:
    from sklearn.datasets import load_iris, load_wine

    print(f"pyscnn's own penalty, to {NEAR:g}; ours to 1e-6 or to what it reached, the lesser one")
    for name, (X, Y) in {
        "iris": _standard(load_iris()),
        "wine": _standard(load_wine()),
        "digits": _digits(),
    }.items():
        gates = sample_gates(X, 50, 0)
        lam = 0.05 * one_vs_all_lambda_max(X, Y, gates)
        solve = partial(solve_one_vs_all, X, Y, gates, lam)
        bound = solve(tol=1e-9).dual_objective
        for tolerance in (1e-8, 1e-10, 1e-12):
            value, theirs = timed(partial(pyscnn_one_vs_all, X, Y, gates, lam, tolerance))
            excess = value / bound - 1.0
            _line(f"pyscnn, {name}, {tolerance:g}", 0.05, theirs, excess)
            if excess <= NEAR:
                break
        found, seconds = timed(partial(solve, tol=max(1e-10, min(1e-6, excess))))
        _line(f"ours, {name}", 0.05, seconds, found.gap, f"{theirs / seconds:.0f} times as fast")


def _standard(bunch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(bunch["data"], dtype=np.float64)
    return (X - X.mean(axis=0)) / X.std(axis=0), one_hot(bunch["target"])


def _mnist(arguments: argparse.Namespace) -> None:
    import resource

    from relu_optima.datasets.loaders import mnist

    raw = mnist.load(mnist.Config(loader="mnist", one_hot=True, data_dir=str(arguments.data)))
    X, Y = raw.X[: arguments.rows], raw.y[: arguments.rows]
    gates = sample_gates(X, 50, 0)
    top = vector_gated_lambda_max(X, Y, gates)
    found, seconds = timed(lambda: solve_vector_gated(X, Y, gates, 0.1 * top, tol=1e-4))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    note = f"{len(X)} rows, {memory:.1f} GB, {found.counts}"
    _line("ours, nuclear norm, mnist", 0.1, seconds, found.gap, note)


if __name__ == "__main__":
    main()
