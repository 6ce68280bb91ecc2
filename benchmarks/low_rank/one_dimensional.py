"""Time splines beside general solvers: ``python -m benchmarks.low_rank.one_dimensional``.

Peers get the formulation that suits them best: values and slopes with sparse equations (Clarabel
through cvxpy for the squared loss, HiGHS for the hinge loss), and once the lasso over all 2n ramps.
Every measurement is a forked process: CPU seconds of the solve, sorting, certificate and (for
cvxpy) compilation included, the least of some repeats for ours, and how far its memory rises above
that of the parent.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from relu_optima.convex import spline

Data = tuple[np.ndarray, np.ndarray, float]
Answer = tuple[float, float]  # objective and certified or claimed relative gap


def data(kind: str, n: int, seed: int = 0) -> Data:
    """Draw inputs in no order, noisy targets, and a strength that grows with n."""
    rng = np.random.default_rng(seed)
    x, noise = rng.uniform(0, 1, n), rng.standard_normal(n)
    labels = np.where(rng.uniform(size=n) < 0.5 + 0.4 * np.sin(7 * x), 1.0, -1.0)
    return {
        "bends": (x, np.sin(6 * x) + 0.3 * noise, 1e-5 * n),
        "border": (x, 3 * x + 0.3 * noise, 1e-5 * n),
        "ends": (x, np.exp(2 * x) + 0.3 * noise, 1e-3 * n),
        "interpolating": (x, noise, 1e-2 / n),
        "hinge": (x, labels, 1e-4 * n),
    }[kind]


def ours(x: np.ndarray, y: np.ndarray, beta: float) -> Answer:
    """Solve and certify the squared loss."""
    found = spline(x, y, beta)
    return found.objective, found.gap


def ours_hinge(x: np.ndarray, y: np.ndarray, beta: float) -> Answer:
    """Solve and certify the hinge loss."""
    found = spline(x, y, beta, loss="hinge")
    return found.objective, found.gap


def clarabel_sparse(x: np.ndarray, y: np.ndarray, beta: float) -> Answer:
    """Solve the squared loss over values and slopes with cvxpy and Clarabel."""
    import cvxpy as cp

    order = np.argsort(x)
    h = np.diff(x[order])
    f, s = cp.Variable(x.size), cp.Variable(x.size - 1)
    bent = cp.norm1(cp.diff(s))
    norm = 0.5 * (bent + cp.maximum(bent, cp.abs(s[0] + s[-1])))
    loss = 0.5 * cp.sum_squares(f - y[order])
    program = cp.Problem(cp.Minimize(loss + beta * norm), [cp.diff(f) == cp.multiply(h, s)])
    program.solve(solver=cp.CLARABEL)
    return float(program.value), float("nan")


def clarabel_ramps(x: np.ndarray, y: np.ndarray, beta: float) -> Answer:
    """Solve the squared loss as a lasso over the ramps to both sides of every point."""
    import cvxpy as cp

    right = np.maximum(x[:, None] - x[None, :], 0.0)
    ramps = np.hstack([right, right.T])
    c, b = cp.Variable(2 * x.size), cp.Variable()
    loss = 0.5 * cp.sum_squares(ramps @ c + b - y)
    program = cp.Problem(cp.Minimize(loss + beta * cp.norm1(c)))
    program.solve(solver=cp.CLARABEL)
    return float(program.value), float("nan")


def highs_sparse(x: np.ndarray, y: np.ndarray, beta: float) -> Answer:
    """Solve the hinge loss over values, slopes and split slope changes with HiGHS."""
    order = np.argsort(x)
    h, label, n = np.diff(x[order]), y[order], x.size
    # variables: f (n), s (n - 1), rises and falls (n - 2 each), max(TV, |e|), hinges (n)
    eye = sparse.identity
    step = sparse.diags([-np.ones(n - 1), np.ones(n - 1)], [0, 1], shape=(n - 1, n))
    bend = sparse.diags([-np.ones(n - 2), np.ones(n - 2)], [0, 1], shape=(n - 2, n - 1))
    equal = sparse.bmat(
        [
            [step, -sparse.diags(h), None, None, sparse.csr_matrix((n - 1, 1 + n))],
            [None, bend, -eye(n - 2), eye(n - 2), None],
        ]
    )
    ends = np.zeros(n - 1)
    ends[[0, -1]] = 1.0
    ones = np.ones(n - 2)
    zero, none = np.zeros(n), np.zeros(n - 2)
    top = np.vstack(
        [
            np.concatenate([zero, 0 * ends, ones, ones, [-1.0], zero]),
            np.concatenate([zero, ends, none, none, [-1.0], zero]),
            np.concatenate([zero, -ends, none, none, [-1.0], zero]),
        ]
    )
    hinge = sparse.hstack([-sparse.diags(label), sparse.csr_matrix((n, 3 * n - 4)), -eye(n)])
    cost = np.concatenate(
        [zero, 0 * ends, np.full(2 * n - 4, 0.5 * beta), [0.5 * beta], np.ones(n)]
    )
    result = linprog(
        cost,
        A_ub=sparse.vstack([sparse.csr_matrix(top), hinge]).tocsr(),
        b_ub=np.concatenate([np.zeros(3), -np.ones(n)]),
        A_eq=equal.tocsr(),
        b_eq=np.zeros(2 * n - 3),
        bounds=[(None, None)] * (2 * n - 1) + [(0, None)] * (3 * n - 3),
        method="highs-ipm",
    )
    return (float(result.fun) if result.status == 0 else float("nan")), float("nan")


def measured(solve: Callable[..., Answer], problem: Data, repeats: int) -> tuple[float, ...]:
    """Return least CPU seconds, MiB above the parent, objective and gap, all in one fork."""
    receive, send = multiprocessing.Pipe(False)
    process = multiprocessing.get_context("fork").Process(
        target=_child, args=(send, solve, problem, repeats)
    )
    process.start()
    send.close()
    try:
        result: tuple[float, ...] = receive.recv()
    except EOFError:  # it was killed
        result = (float("nan"),) * 4
    process.join()
    return result


def _child(send: Connection, solve: Callable[..., Answer], problem: Data, repeats: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, value, gap = [], float("nan"), float("nan")
    for _ in range(repeats):
        start = time.process_time()
        try:
            value, gap = solve(*problem)
        except Exception as error:  # noqa: BLE001 - a peer that fails is a line of the report
            print(f"{solve.__name__} failed: {error}")
        seconds.append(time.process_time() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    send.send((min(seconds), memory, value, gap))


def report(
    kind: str, n: int, own: Callable[..., Answer], peers: dict[str, Callable[..., Answer]],
    repeats: int,
) -> None:  # fmt: skip
    """Print one line for us and one for each peer on the same data."""
    problem = data(kind, n)
    seconds, memory, value, gap = measured(own, problem, repeats)
    print(
        f"{kind:<14}{n:>9}  {'ours':<18}{seconds:>11.5f}{memory:>9.0f}{value:>20.12g}{gap:>10.1e}",
        flush=True,
    )
    for name, peer in peers.items():
        slow, their_memory, theirs, _ = measured(peer, problem, 1)
        difference = theirs / value - 1
        print(
            f"{kind:<14}{n:>9}  {name:<18}{slow:>11.5f}{their_memory:>9.0f}{theirs:>20.12g}"
            f"{difference:>10.1e}{slow / seconds:>10.0f}x",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000, help="points of the largest run")
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours, the least counts")
    arguments = parser.parse_args()
    for own, kind in ((ours, "bends"), (ours_hinge, "hinge")):  # compile
        own(*data(kind, 50))
    print("CPU seconds and MiB; last columns: certified gap (ours) or difference from ours, ratio")
    sizes = [n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= arguments.largest]
    sparse_form = {"Clarabel sparse": clarabel_sparse}
    for kind in ("bends", "border", "ends"):
        for n in sizes:
            peers = dict(sparse_form) if n <= 10_000 else {}
            if n == 1_000 and kind == "bends":
                peers["Clarabel ramps"] = clarabel_ramps
            report(kind, n, ours, peers, arguments.repeats)
    for n in [n for n in sizes if n <= 100_000]:
        report("interpolating", n, ours, {}, arguments.repeats)
        highs = {"HiGHS sparse": highs_sparse} if n <= 10_000 else {}
        report("hinge", n, ours_hinge, highs, arguments.repeats)


if __name__ == "__main__":
    main()
