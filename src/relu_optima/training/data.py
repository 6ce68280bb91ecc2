"""Batches for a stack: each network draws its own order, rows are gathered by index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from relu_optima.training.problem import Problem
from relu_optima.training.stack import (
    StackedParameters,
    Workspace,
    forward,
    squared_error,
)

CHUNK = 8192  # rows evaluated at once


class StackData:
    """Data of a stack; equal data sets are held once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        config = problems[0].config
        device = torch.device(config.device)
        distinct: list[tuple[np.ndarray, np.ndarray]] = []
        self.source: list[int] = []
        for problem in problems:
            for k, (X, Y) in enumerate(distinct):
                if X is problem.X and Y is problem.Y:
                    self.source.append(k)
                    break
            else:
                self.source.append(len(distinct))
                distinct.append((problem.X, problem.Y))
        # NumPy asks the system for huge pages and torch does not: without them gathering random
        # rows of 40 MB waits for page tables, measured 2 to 30 times longer
        self.X = [torch.as_tensor(np.asarray(X, config.dtype), device=device) for X, _ in distinct]
        self.Y = [torch.as_tensor(np.asarray(Y, config.dtype), device=device) for _, Y in distinct]
        self.rows: int = problems[0].X.shape[0]
        self.outputs = problems[0].Y.shape[1]
        size = config.batch_size
        self.batch: int = self.rows if size == 0 else min(size, self.rows)
        self.device = device
        self._full: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Batches that cover all rows once; the last one may be smaller."""
        return -(-self.rows // self.batch)

    def batches(self, generators: Sequence[torch.Generator]) -> Iterator[torch.Tensor | None]:
        """Iterate once over all rows, in an order of its own for every network."""
        if self.batch == self.rows:
            yield None
            return
        order = torch.stack([torch.randperm(self.rows, generator=g) for g in generators])
        order = order.to(self.device)
        for start in range(0, self.rows, self.batch):
            yield order[:, start : start + self.batch]

    def take(
        self, rows: torch.Tensor | None, start: int, stop: int, workspace: Workspace
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather the batch of some slots."""
        if rows is None:
            if self._full is None:
                X = torch.stack([self.X[s] for s in self.source])
                self._full = X, torch.stack([self.Y[s] for s in self.source])
            return self._full[0][start:stop], self._full[1][start:stop]
        out = []
        for name, arrays in (("X", self.X), ("Y", self.Y)):
            shape = (stop - start, rows.shape[1], arrays[0].shape[1])
            buffer = workspace.get(name, shape, arrays[0])
            for k in range(start, stop):
                torch.index_select(arrays[self.source[k]], 0, rows[k], out=buffer[k - start])
            out.append(buffer)
        return out[0], out[1]

    def squared_error(
        self, parameters: StackedParameters, ranges: Sequence[tuple[int, int]], work: Workspace
    ) -> torch.Tensor:
        """Sum the squared errors over all rows."""
        total = torch.zeros(len(self.source), dtype=torch.float64, device=self.device)
        for first, last in ranges:
            part = parameters.part(first, last)
            error = torch.zeros(last - first, dtype=torch.float64, device=self.device)
            for start in range(0, self.rows, CHUNK):
                sources = self.source[first:last]
                X = torch.stack([self.X[s][start : start + CHUNK] for s in sources])
                Y = torch.stack([self.Y[s][start : start + CHUNK] for s in sources])
                error += squared_error(forward(part, X, work)[-1].sub_(Y), work).double()
            total[first:last] = error
        return total
