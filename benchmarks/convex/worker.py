"""Run one solver on one problem file at the settings asked for, in whichever environment has it.

Imports and compilation on a tiny problem come before the clock. Runs as a script, because the
peers' environment does not have this project installed.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COUNTED = 10_000_000  # entries of the patterns up to which times are also counted in products
Blocks = tuple[np.ndarray, np.ndarray]
Run = Callable[[dict[str, np.ndarray], str, float], Blocks]


def lifted(p: dict[str, np.ndarray]) -> np.ndarray:
    """Return the explicit design [D_1 X, ..., D_P X], in columns."""
    columns = (p["D"].T[:, :, None] * p["X"]).transpose(1, 0, 2).reshape(len(p["X"]), -1)
    return np.asfortranarray(columns)


def grouped(coefficients: np.ndarray, d: int, formulation: str) -> Blocks:
    """Split a flat coefficient vector into blocks."""
    U = np.asarray(coefficients).reshape(-1, d)
    if formulation == "gated":
        return U, np.zeros_like(U)
    return U[: len(U) // 2], U[len(U) // 2 :]


def make_ours() -> Run:
    """Return our solver; the setting is the relative gap."""
    from relu_optima.convex.solver import solve

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        s = solve(p["X"], p["y"], p["G"], float(p["lam"]), formulation=formulation, tol=setting)
        NOTES.update(s.counts, status=s.status, own_gap=s.gap)
        NOTES.update(dual=s.dual_objective, vector=s.dual)
        NOTES["active"] = int(np.any(s.v != 0, axis=1).sum() + np.any(s.w != 0, axis=1).sum())
        return s.v, s.w

    return run


def make_ours_logistic() -> Run:
    """Return our solver of the logistic loss; the setting is the relative gap."""
    from relu_optima.convex.solver import solve

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        y = np.where(p["y"] > 0, 1.0, -1.0)
        s = solve(
            p["X"], y, p["G"], float(p["lam"]), formulation=formulation, tol=setting,
            loss="logistic",
        )  # fmt: skip
        return s.v, s.w

    return run


def make_path() -> Run:
    """Return our path of 20 strengths from 0.9 lambda_max (gated) down to the problem's."""
    from relu_optima.convex.path import regularization_path

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        lams = np.geomspace(0.9 * float(p["top"]), float(p["lam"]), 20)
        path = regularization_path(
            p["X"], p["y"], p["G"], list(lams), formulation=formulation, tol=setting
        )
        NOTES["own_gap"] = max(s.gap for s in path)
        NOTES["dual"] = path[-1].dual_objective
        return path[-1].v, path[-1].w

    return run


def make_celer() -> Run:
    """Return celer's group lasso on the explicit design; the setting is its gap tolerance."""
    from celer import GroupLasso

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        n, d = p["X"].shape
        model = GroupLasso(
            groups=d, alpha=float(p["lam"]) / n, fit_intercept=False, tol=setting, max_iter=200
        )
        model.fit(lifted(p), p["y"])
        return grouped(model.coef_, d, formulation)

    return run


def make_skglm() -> Run:
    """Return skglm's group lasso on the explicit design; the setting is its KKT tolerance."""
    from skglm import GroupLasso

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        n, d = p["X"].shape
        model = GroupLasso(
            groups=d, alpha=float(p["lam"]) / n, fit_intercept=False, tol=setting, max_iter=500
        )
        model.fit(lifted(p), p["y"])
        return grouped(model.coef_, d, formulation)

    return run


def make_adelie(*, logistic: bool = False) -> Run:
    """Return adelie on its implicit design; the setting is its convergence tolerance."""
    import adelie as ad

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        n, d = p["X"].shape
        gated = formulation == "gated"
        X, D = np.asfortranarray(p["X"]), np.asfortranarray(p["D"])
        groups = D.shape[1] * (1 if gated else 2)
        constraints = None
        if not gated:
            side = np.where(D, 1.0, -1.0)
            cones = [np.ascontiguousarray(side[:, i : i + 1] * p["X"]) for i in range(D.shape[1])]
            low, high = np.zeros(n), np.full(n, np.inf)
            constraints = [ad.constraint.linear(A, low, high) for A in cones + cones]
        state = ad.grpnet(
            ad.matrix.convex_relu(X, D, gated=gated),
            ad.glm.binomial((p["y"] > 0).astype(float)) if logistic else ad.glm.gaussian(p["y"]),
            constraints=constraints,
            groups=np.arange(groups) * d,
            penalty=np.ones(groups),
            lmda_path=np.array([float(p["lam"]) / n]),
            intercept=False,
            early_exit=False,
            progress_bar=False,
            tol=setting,
        )
        return grouped(state.betas[-1].toarray().ravel(), d, formulation)

    return run


def make_scnn() -> Run:
    """Return pyscnn; the setting is R-FISTA's tolerance, or the augmented Lagrangian's steps."""
    from scnn.metrics import Metrics
    from scnn.models import ConvexGatedReLU, ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL, RFISTA

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        X, y, G = p["X"], p["y"][:, None], p["G"]
        if formulation == "gated":
            model = ConvexGatedReLU(G)
            solver = RFISTA(model, max_iters=20_000, tol=setting)
        else:
            model = ConvexReLU(G)
            solver = AL(model, max_primal_iters=int(setting), tol=1e-8, constraint_tol=1e-8)
        quiet = Metrics(metric_freq=10**9, objective=False, grad_norm=False, time=False)
        model, _ = optimize_model(
            model,
            solver,
            quiet,
            X,
            y,
            regularizer=NeuronGL1(float(p["lam"]) / len(X)),
            return_convex=True,
            unitize_data=False,
            dtype="float64",
        )
        # it re-orders the gates; put the blocks back by pattern
        place = {c.tobytes(): i for i, c in enumerate(p["D"].T.copy())}
        order = [place[c.tobytes()] for c in (X @ np.asarray(model.G) > 0).T.copy()]
        blocks = []
        for part in range(2):
            U = np.zeros((p["D"].shape[1], X.shape[1]))
            if part < len(model.parameters):
                U[order] = np.asarray(model.parameters[part])[0]
            blocks.append(U)
        return blocks[0], blocks[1]

    return run


def make_scnn_logistic() -> Run:
    """Return pyscnn with its logistic loss in its gated model; the setting is R-FISTA's."""
    from scnn.private import loss_functions
    from scnn.private.models.convex.convex_mlp import ConvexMLP

    def objective(
        self: Any, X: Any, y: Any, w: Any, D: Any = None, scaling: Any = None, **_: Any
    ) -> Any:
        loss = loss_functions.logistic_loss(self._forward(X, w, D), y)
        return loss / self._scaling(y, scaling)

    def gradient(
        self: Any, X: Any, y: Any, w: Any, D: Any = None, flatten: bool = False,
        scaling: Any = None, **_: Any,
    ) -> Any:  # fmt: skip
        slopes = -y * loss_functions.logistic_fn(-y * self._forward(X, w, D))
        grad = self._data_t_mvp(slopes.reshape(-1), X, self._signs(X, D))
        grad = grad / self._scaling(y, scaling)
        return grad.reshape(-1) if flatten else grad.reshape(w.shape)

    ConvexMLP._objective, ConvexMLP._grad = objective, gradient
    squared = make_scnn()

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        return squared(p | {"y": np.where(p["y"] > 0, 1.0, -1.0)}, formulation, setting)

    return run


def make_cvxpy(name: str) -> Run:
    """Return an interior-point method of cvxpy; the setting is its tolerance."""
    import cvxpy as cp

    def run(p: dict[str, np.ndarray], formulation: str, setting: float) -> Blocks:
        X, D = p["X"], p["D"].astype(float)
        v, w = (cp.Variable((D.shape[1], X.shape[1])) for _ in range(2))
        blocks, parts = (v, [v]) if formulation == "gated" else (v - w, [v, w])
        fit = cp.sum(cp.multiply(D, X @ blocks.T), axis=1)
        penalty = sum(cp.sum(cp.norm(u, axis=1)) for u in parts)
        cones = []
        if formulation == "relu":
            cones = [cp.multiply(2 * D - 1, X @ u.T) >= 0 for u in parts]
        goal = cp.Minimize(0.5 * cp.sum_squares(fit - p["y"]) + float(p["lam"]) * penalty)
        options: dict[str, float] = (
            {"tol_gap_abs": setting, "tol_gap_rel": setting, "tol_feas": setting}
            if name == "CLARABEL"
            else {"abstol": setting, "reltol": setting, "feastol": setting}
        )
        cp.Problem(goal, cones).solve(solver=name, **options)
        zero = np.zeros(v.shape)
        return np.asarray(v.value), zero if formulation == "gated" else np.asarray(w.value)

    return run


SOLVERS: dict[str, Callable[[], Run]] = {
    "ours": make_ours,
    "path": make_path,
    "celer": make_celer,
    "skglm": make_skglm,
    "adelie": make_adelie,
    "scnn": make_scnn,
    "clarabel": lambda: make_cvxpy("CLARABEL"),
    "ecos": lambda: make_cvxpy("ECOS"),
    "ours_logistic": make_ours_logistic,
    "scnn_logistic": make_scnn_logistic,
    "adelie_logistic": lambda: make_adelie(logistic=True),
}
NOTES: dict[str, Any] = {}


def tiny() -> dict[str, np.ndarray]:
    """Return a problem for imports and compilation."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    G = rng.standard_normal((3, 6))
    D = X @ G > 0
    _, first = np.unique(D, axis=1, return_index=True)
    first = np.array([i for i in first if D[:, i].any()])
    G = np.ascontiguousarray(G[:, first])
    y = rng.standard_normal(12)
    strengths = {"top": np.array(2.0), "lam": np.array(0.5)}
    return {"X": X, "y": y, "G": G, "D": X @ G > 0} | strengths


def adjoint_seconds(p: dict[str, np.ndarray]) -> float:
    """Return the CPU time of one masked adjoint product, all X'D_i r: the unit of work."""
    masks, r = np.ascontiguousarray(p["D"].T).astype(float), p["y"]
    begin, count, spent = cpu_seconds(), 0, 0.0
    while spent < 0.1:
        (masks * r) @ p["X"]
        count, spent = count + 1, cpu_seconds() - begin
    return spent / count


def cpu_seconds() -> float:
    """Return the CPU time of this process.

    Not `time.process_time`, which counts in whole ticks once a CPU limit is set.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_memory(*, reset: bool = False) -> int:
    """Return the resident memory's high-water mark in KiB, or the memory now and start anew.

    Not `getrusage`, whose mark a child inherits from the process that forked it.
    """
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("no VmHWM in /proc/self/status")


def main() -> None:
    """Answer requests, one JSON line each: run a setting, save the blocks, print the numbers."""
    solver, file, formulation = sys.argv[1:]
    with np.load(file) as stored:
        p = {k: stored[k] for k in stored}
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # solvers print too
    run = SOLVERS[solver]()
    begin = cpu_seconds()
    small = 5.0 if solver == "scnn" and formulation == "relu" else 1e-3
    run(tiny(), formulation, small)
    warm_up = cpu_seconds() - begin
    for request in map(json.loads, sys.stdin):
        NOTES.clear()
        base = peak_memory(reset=True)
        # the signal at the soft limit says that time was up, and nothing else sends it
        stop = int(cpu_seconds() + request["limit"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (stop, resource.RLIM_INFINITY))
        begin = cpu_seconds()
        v, w = run(p, formulation, request["setting"])
        times = [cpu_seconds() - begin]
        memory = (peak_memory() - base) / 1024
        # short runs again, as often as fills half a second: the first finds cold caches
        while sum(times) < 0.5 and len(times) < 15:
            begin = cpu_seconds()
            run(p, formulation, request["setting"])
            times.append(cpu_seconds() - begin)
        seconds = float(np.median(times))
        np.savez(Path(request["out"]), v=v, w=w, dual=NOTES.pop("vector", np.zeros(0)))
        numbers = {"cpu_s": seconds, "warm_up_s": warm_up, "memory_mb": memory} | NOTES
        if solver == "ours" and p["D"].size <= COUNTED:
            numbers["adjoint_s"] = adjoint_seconds(p)
        print(json.dumps(numbers), file=answers, flush=True)


if __name__ == "__main__":
    main()
