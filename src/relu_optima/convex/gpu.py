r"""The gated program on a graphics card: few large products in place of many small ones.

Over a growing list A of blocks the program

.. math:: \min_w \tfrac12 \Big\lVert \sum_{j \in A} D_j X w_j - y \Big\rVert^2
          + \lambda \sum_{j \in A} \lVert w_j \rVert_2

depends on the data only through the Gram matrix G of the columns of all D_j X and their products
with y. One pass over the rows extends G by the blocks that enter, whatever n is; the program itself
is then solved without the rows, by accelerated proximal gradient steps with restarts (Beck &
Teboulle 2009; O'Donoghue & Candes 2015), which find the blocks that stay, and Newton steps on
these, on which the objective is smooth. A second pass takes the residual of the data themselves
and prices all blocks by it: those above the strength enter, and the bound of that residual ends the
solve. All in float64; the certificate is taken afterwards on the processor, by its own code.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.convex.certificate import certify
from relu_optima.convex.problem import Problem
from relu_optima.convex.solution import Solution, certified
from relu_optima.errors import SolveInputError, extras_named

if TYPE_CHECKING:
    from torch import Tensor

ENTRIES = 1 << 28  # of a product's float64 factor at a time: 2 GB
ENTER = 64  # blocks that enter a round: fewer ask for more passes, more for a larger Gram matrix
ROUNDS = 50  # of pricing; the residual of the last is certified whatever it is worth
CYCLES = 30  # of gradient and Newton steps on one Gram matrix
GRADIENT_STEPS, NEWTON_STEPS = 200, 20  # a cycle, at most
HALVINGS = 30
SHARE = 0.1  # of the tolerance, that the solve over the blocks in hand may leave
POWER_STEPS = 30  # for the largest eigenvalue, with a margin of a tenth
EXACT = 1e-13  # relative size of a Newton step's promise that is rounding


@extras_named()
def solve_on_gpu(
    problem: Problem,
    lam: float,
    tol: float,
    time_limit: float | None,
    *,
    started: float,
    device: str = "cuda",
) -> Solution:
    """Solve a gated program for one strength and certify the answer on the processor."""
    # by name: records, which never hold such a solution, are not to depend on its version
    torch = import_module("torch")
    if problem.formulation != "gated":
        raise SolveInputError(
            "backend 'cuda' for ReLU neurons",
            allowed="the gated program (formulation gated)",
            where="convex.backend",
            fix="take backend auto",
        )
    if device == "cuda" and not torch.cuda.is_available():
        raise SolveInputError(
            "backend 'cuda', but torch finds no such device here",
            allowed="a machine with one, and a torch that was built for it",
            where="convex.backend",
            fix="take backend auto",
        )
    began = time.perf_counter()
    scale_x, scale_y = problem.scales
    run = _Run(torch, problem.scaled(), lam / scale_x / scale_y, tol, device)
    late = run.go(None if time_limit is None else began + time_limit)
    v = run.blocks() * (scale_y / scale_x)
    w = np.zeros_like(v)
    proof = certify(problem.X, problem.y, problem.gates, lam, v, w, "gated")
    status = "optimal" if proof.gap <= tol else "time_limit" if late else "inaccurate"
    return certified(problem, v, w, lam, proof, status, started, "cuda", dict(run.counts))


class _Run:
    """One solve: the data on the device, the blocks in hand with their Gram matrix."""

    def __init__(self, torch: Any, problem: Problem, lam: float, tol: float, device: str) -> None:
        self.torch, self.lam, self.tol = torch, lam, tol
        self.X: Tensor = torch.as_tensor(problem.X, device=device)
        self.y: Tensor = torch.as_tensor(problem.y, device=device)
        self.patterns: Tensor = torch.as_tensor(problem.patterns, device=device)
        self.n, self.d = problem.X.shape
        self.count = problem.patterns.shape[1]
        self.energy = float(self.y @ self.y)
        self.targets = self._adjoint(self.y)
        self.active: Tensor = torch.zeros(0, dtype=torch.int64, device=device)
        self.gram: Tensor = torch.zeros((0, 0), dtype=torch.float64, device=device)
        self.w: Tensor = torch.zeros((0, self.d), dtype=torch.float64, device=device)
        self.counts = {"pricings": 1, "gradient_steps": 0, "newton": 0, "columns": 0}

    def go(self, deadline: float | None) -> bool:
        """Let blocks in until the gap is closed; tell whether time ended it."""
        residual, priced = self.y, self.targets
        for _ in range(ROUNDS):
            heights = priced.norm(dim=1)
            top = float(heights.max())
            square, along = float(residual @ residual), float(residual @ self.y)
            dual = self._bound(square, along, top)
            primal = 0.5 * square + self.lam * float(self.w.norm(dim=1).sum())
            if primal - dual <= 0.5 * self.tol * dual or (top <= self.lam and not len(self.active)):
                return False
            if deadline is not None and time.perf_counter() >= deadline:
                return True
            heights[self.active] = 0.0
            best = self.torch.topk(heights, min(ENTER, self.count)).indices
            self._admit(best[heights[best] > self.lam])
            self._solve(0.5 * self.energy)
            residual = self._residual()
            priced = self._adjoint(residual)
            self.counts["pricings"] += 1
        return False

    def _bound(self, square: float, along: float, height: float) -> float:
        """Dual value of the best feasible multiple of a residual r, from r'r, y'r and h(r)."""
        share = max(0.0, along / square) if square > 0 else 0.0
        share = min(share, self.lam / height) if height > 0 else share
        return share * along - 0.5 * share**2 * square

    def blocks(self) -> np.ndarray:
        """Return all blocks, shape (P, d)."""
        out = np.zeros((self.count, self.d))
        out[self.active.cpu().numpy()] = self.w.cpu().numpy()
        return out

    def _tiles(self, width: int) -> list[slice]:
        """Cut the rows so that a factor of so many columns has at most `ENTRIES` entries."""
        rows = max(1, ENTRIES // max(width, 1))
        return [slice(b, b + rows) for b in range(0, self.n, rows)]

    def _adjoint(self, r: Tensor) -> Tensor:
        """Return X'D_b r of every block, shape (P, d)."""
        out = self.X.new_zeros((self.count, self.d))
        for rows in self._tiles(self.count):
            out += self.patterns[rows].to(self.X.dtype).T @ (r[rows, None] * self.X[rows])
        return out

    def _residual(self) -> Tensor:
        """What the blocks in hand leave of y."""
        rest = self.y.clone()
        for rows in self._tiles(len(self.active)):
            masks = self.patterns[rows][:, self.active].to(self.X.dtype)
            rest[rows] -= ((masks @ self.w) * self.X[rows]).sum(dim=1)
        return rest

    def _columns(self, rows: slice, blocks: Tensor) -> Tensor:
        """Return the columns of D_b X of some blocks, on some rows."""
        masks = self.patterns[rows][:, blocks].to(self.X.dtype)
        return (masks[:, :, None] * self.X[rows, None, :]).flatten(1)

    def _admit(self, new: Tensor) -> None:
        """Extend the Gram matrix by new blocks."""
        torch, old, d = self.torch, self.active, self.d
        both = torch.cat([old, new])
        size, begin = len(both) * d, len(old) * d
        gram = self.X.new_zeros((size, size))
        gram[:begin, :begin] = self.gram
        for rows in self._tiles(size) if len(new) else ():
            columns = self._columns(rows, both)
            gram[begin:] += columns[:, begin:].T @ columns
        gram[:begin, begin:] = gram[begin:, :begin].T
        self.active, self.gram = both, gram
        self.w = torch.cat([self.w, self.X.new_zeros((len(new), d))])
        self.counts["columns"] = max(self.counts["columns"], size)

    def _solve(self, least: float) -> None:
        """Solve over the blocks in hand, from where they are."""
        target = SHARE * self.tol
        top = 1.1 * self._largest()
        for _ in range(CYCLES):
            self._descend(top)
            self._newton()
            w = self.w
            image = (self.gram @ w.flatten()).view_as(w)
            b = self.targets[self.active]
            norms = w.norm(dim=1)
            square = self.energy - 2.0 * float((b * w).sum()) + float((w * image).sum())
            along = self.energy - float((b * w).sum())
            height = float((b - image).norm(dim=1).max())
            dual = self._bound(square, along, height)
            if 0.5 * square + self.lam * float(norms.sum()) - dual <= target * max(
                dual, 1e-12 * least
            ):
                return

    def _largest(self) -> float:
        """Largest eigenvalue of the Gram matrix, by power steps from a fixed start."""
        x = self.X.new_ones(len(self.gram))
        value = 0.0
        for _ in range(POWER_STEPS):
            image = self.gram @ x
            value = float(image.norm() / x.norm())
            x = image / image.norm()
        return value

    def _descend(self, top: float) -> None:
        """Accelerated proximal gradient steps of length 1 / top, restarted where they overshoot."""
        b, lam = self.targets[self.active], self.lam
        w = before = self.w
        momentum = 1.0
        torch = self.torch
        for _ in range(GRADIENT_STEPS):
            after = 0.5 * (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5)
            ahead = w + ((momentum - 1.0) / after) * (w - before)
            trial = ahead - ((self.gram @ ahead.flatten()).view_as(w) - b) / top
            norms = trial.norm(dim=1, keepdim=True)
            trial = trial * torch.clamp(1.0 - lam / top / norms.clamp(min=1e-300), min=0.0)
            before, w, momentum = w, trial, after
            if (
                self.counts["gradient_steps"] % 10 == 0
                and float(((ahead - w) * (w - before)).sum()) > 0
            ):
                before, momentum = w, 1.0
            self.counts["gradient_steps"] += 1
        self.w = w

    def _newton(self) -> None:
        """Newton steps on the blocks that are not zero; one that would turn round becomes zero."""
        torch, lam, d = self.torch, self.lam, self.d
        for _ in range(NEWTON_STEPS):
            norms = self.w.norm(dim=1)
            used = (norms > 0).nonzero()[:, 0]
            if not len(used):
                return
            flat = (used[:, None] * d + torch.arange(d, device=used.device)).flatten()
            gram = self.gram[flat][:, flat]
            w, b, sizes = self.w[used], self.targets[self.active[used]], norms[used, None]
            units = w / sizes
            gradient = (gram @ w.flatten()).view_as(w) - b + lam * units
            system = gram.clone().view(len(used), d, len(used), d)
            bend = torch.eye(d, dtype=w.dtype, device=w.device) - units[:, :, None] * units[:, None]
            index = torch.arange(len(used), device=w.device)
            system[index, :, index] += lam * bend / sizes[:, :, None]
            factor, info = torch.linalg.cholesky_ex(system.view(len(flat), len(flat)))
            if int(info):
                return
            step = -torch.cholesky_solve(gradient.view(-1, 1), factor).view_as(w)
            slope = float((gradient * step).sum())
            if not self._search(used, gram, b, step, slope):
                return
            if -slope <= EXACT * self.energy:
                return

    def _search(self, used: Tensor, gram: Tensor, b: Tensor, step: Tensor, slope: float) -> bool:
        """Halve a Newton step until the objective falls as promised."""

        def value(w: Tensor) -> float:
            fit = 0.5 * (w.flatten() @ (gram @ w.flatten())) - (b * w).sum()
            return float(fit + self.lam * w.norm(dim=1).sum())

        w = self.w[used]
        here = value(w)
        t = 1.0
        for _ in range(HALVINGS):
            trial = w + t * step
            turned = (trial * w).sum(dim=1, keepdim=True) <= 0
            trial = self.torch.where(turned, self.torch.zeros_like(trial), trial)
            if value(trial) <= here + 1e-4 * t * slope + EXACT * self.energy:
                self.counts["newton"] += 1
                self.w = self.w.clone()
                self.w[used] = trial
                return True
            t *= 0.5
        return False
