"""Other losses on problems (a) to (e), beside the squared loss and beside peers.

``python -m benchmarks.convex.losses`` prints CPU seconds of one thread for solve and certificate,
the fastest of up to three, with the ratio to the squared loss, and on what machine. Targets that
are no labels are replaced by their signs for losses that ask for labels. ``--peers`` times the
logistic loss beside pyscnn's R-FISTA and adelie in the environment that ``make bench-convex``
builds: pyscnn has no logistic loss for networks, so its gated model gets the one it has for linear
ones; adelie fits its binomial family. A peer is credited with its loosest setting that suffices.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.convex.measure import PEERS, Worker, loosest
from benchmarks.convex.problems import TITLES, data
from benchmarks.machine import describe_machine

from relu_optima.convex import Solution, certify, lambda_max, sample_gates, solve
from relu_optima.convex.gates import activation_patterns
from relu_optima.convex.loss import FOR_LABELS, LOSSES, make_loss

REPEATS = 3
SHORT = 2.0  # CPU seconds up to which a solve is repeated
PATIENCE = 5.0  # CPU seconds that a peer gets, or twenty times ours
LADDERS = {
    "scnn_logistic": [10.0**-k for k in range(5, 14)],
    "adelie_logistic": [10.0**-k for k in range(6, 16)],
}


def targets(y: np.ndarray, loss: str) -> np.ndarray:
    """Return the targets, or their signs for a loss of labels."""
    return np.where(y > 0, 1.0, -1.0) if loss in FOR_LABELS else y


def measure(name: str, formulation: str, loss: str, share: float) -> tuple[float, float, Solution]:
    """Return CPU seconds of the solve and of its certificate, and the solution."""
    X, y, count = data(name, 0)
    y = targets(y, loss)
    gates = sample_gates(X, count, 0)
    lam = share * lambda_max(X, y, gates, formulation, loss=loss)
    times: list[tuple[float, float]] = []
    while len(times) < REPEATS and (not times or sum(times[0]) < SHORT):
        begin = time.process_time()
        solution = solve(X, y, gates, lam, formulation=formulation, loss=loss)
        solved = time.process_time()
        solution.certify()
        times.append((solved - begin, time.process_time() - solved))
    return *min(times, key=sum), solution


def losses(problems: str, formulations: list[str], shares: list[float], names: list[str]) -> None:
    """Print the table of the losses."""
    print(
        f"{'problem':42} {'program':6} {'share':>5} {'loss':13} {'solve':>8} {'certify':>8} ratio"
    )
    for name in problems:
        for formulation in formulations:
            for share in shares:
                base = np.nan
                for loss in names:
                    solved, certified, s = measure(name, formulation, loss, share)
                    base = solved + certified if loss == "squared" else base
                    print(
                        f"{TITLES[name]:42} {formulation:6} {share:5g} {loss:13} {solved:8.3f} "
                        f"{certified:8.3f} {(solved + certified) / base:5.2f}  {s.status}, "
                        f"gap {s.gap:.1e}, {s.counts.get('newton', 0)} Newton steps, "
                        f"{s.counts.get('corrections', 0)} corrections",
                        flush=True,
                    )


def peers(
    problems: str,
    formulations: list[str],
    shares: list[float],
    goals: list[float],
    names: list[str],
) -> None:
    """Print the table beside the peers, at equal certified gaps."""
    if not PEERS.exists():
        raise SystemExit(f"{PEERS} is missing: make bench-convex builds it")
    print(f"{'problem':42} {'program':6} {'share':>5} {'gap':>6} {'solver':15} {'CPU s':>8} ratio")
    for name in problems:
        X, y, count = data(name, 0)
        y = targets(y, "logistic")
        gates = sample_gates(X, count, 0)
        for formulation in formulations:
            top = lambda_max(X, y, gates, formulation, loss="logistic")
            for share in shares:
                lam = share * top
                beside(name, (X, y, gates), formulation, lam, share, goals, names)


def beside(
    name: str,
    problem: tuple[np.ndarray, np.ndarray, np.ndarray],
    formulation: str,
    lam: float,
    share: float,
    goals: list[float],
    names: list[str],
) -> None:
    """Print the lines of one cell."""
    X, y, gates = problem
    loss = make_loss(y, loss="logistic")
    sharp = solve(X, y, gates, lam, formulation=formulation, loss="logistic", tol=1e-9)
    bound = sharp.certify(recompute=True).dual_objective
    G = sharp.gates
    p = {"X": X, "y": y, "G": G, "D": activation_patterns(X, G), "lam": np.array(lam)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.npz"
        np.savez(file, **p)  # type: ignore[arg-type]
        for goal in goals:
            ours = Worker("ours_logistic", file, formulation)
            base = float(ours.run(goal, 600.0)[0]["cpu_s"])
            ours.close()
            limit = max(PATIENCE, 20 * base)
            line = f"{TITLES[name]:42} {formulation:6} {share:5g} {goal:6.0e}"
            print(f"{line} {'ours':15} {base:8.4f}", flush=True)
            for peer in names:
                ladder = LADDERS[peer]
                if peer == "scnn_logistic" and formulation == "relu":
                    continue  # its method for cones has a loss of its own
                worker, times = Worker(peer, file, formulation), {}

                def gap(
                    setting: float,
                    worker: Worker = worker,
                    limit: float = limit,
                    times: dict[float, float] = times,
                ) -> float:
                    numbers, point = worker.run(setting, limit)
                    times[setting] = float(numbers["cpu_s"]) if "cpu_s" in numbers else np.nan
                    if not point:
                        return np.nan
                    v, w = point["v"], point["w"]
                    proof = certify(X, y, G, lam, v, w, formulation, dual=sharp.dual, loss=loss)
                    if proof.violation > 1e-6:
                        return np.inf
                    return (proof.objective - bound) / bound

                found = loosest(ladder, gap, goal)
                worker.close()
                said = f"over {limit:.1f} {limit / base:.0f}"
                if found is not None:
                    said = f"{times[found]:8.4f} {times[found] / base:.1f}"
                print(f"{line} {peer:15} {said:>8}", flush=True)


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default="abcde")
    parser.add_argument("--formulations", nargs="+", default=["gated", "relu"])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.01, 0.001])
    parser.add_argument("--losses", nargs="+", default=list(LOSSES))
    parser.add_argument("--peers", nargs="*", choices=[*LADDERS], default=None)
    parser.add_argument("--goals", nargs="+", type=float, default=[1e-3, 1e-6])
    options = parser.parse_args()
    print(describe_machine())
    if options.peers is not None:
        names = options.peers or list(LADDERS)
        peers(options.problems, options.formulations, options.shares, options.goals, names)
    else:
        losses(options.problems, options.formulations, options.shares, options.losses)


if __name__ == "__main__":
    main()
