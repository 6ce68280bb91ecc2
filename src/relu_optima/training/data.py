"""Batches for a stack: each network draws its own order, rows are gathered by index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from relu_optima.training.problem import Problem
from relu_optima.training.stack import DTYPES, StackedParameters, forward

CHUNK = 8192  # rows evaluated at once


class StackData:
    """Data of a stack; equal data sets are held once.

    Parameters
    ----------
    problems : sequence of Problem
        One per slot, padding included; features have one shape.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        config = problems[0].config
        dtype, device = DTYPES[config.dtype], torch.device(config.device)
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
        self.X = [torch.as_tensor(X, dtype=dtype, device=device) for X, _ in distinct]
        self.Y = [torch.as_tensor(Y, dtype=dtype, device=device) for _, Y in distinct]
        self.mean_square = [float(np.mean(np.square(p.Y))) for p in problems]
        self.rows: int = problems[0].X.shape[0]
        self.outputs = problems[0].Y.shape[1]
        size = config.batch_size
        self.batch: int = self.rows if size == 0 else min(size, self.rows)
        self.device = device
        self._full: tuple[torch.Tensor, torch.Tensor] | None = None
        self._X = torch.cat(self.X) if len(self.X) > 1 else self.X[0]
        self._Y = torch.cat(self.Y) if len(self.Y) > 1 else self.Y[0]
        self._offset = torch.tensor(self.source)[:, None] * self.rows

    @property
    def steps_per_epoch(self) -> int:
        """Batches that cover all rows once; the last one may be smaller."""
        return -(-self.rows // self.batch)

    def batches(
        self, generators: Sequence[torch.Generator]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Iterate once over all rows, in an order of its own for every network.

        Parameters
        ----------
        generators : sequence of torch.Generator
            One per slot; not used for full batches.

        Yields
        ------
        X : tensor, shape (k, b, d)
            Features.
        Y : tensor, shape (k, b, c)
            Targets.
        """
        if self.batch == self.rows:
            if self._full is None:
                X = torch.stack([self.X[s] for s in self.source])
                self._full = X, torch.stack([self.Y[s] for s in self.source])
            yield self._full
            return
        order = torch.stack([torch.randperm(self.rows, generator=g) for g in generators])
        order = (order + self._offset).to(self.device)
        slots = len(generators)
        for start in range(0, self.rows, self.batch):
            rows = order[:, start : start + self.batch].reshape(-1)
            X = self._X.index_select(0, rows).view(slots, -1, self._X.shape[1])
            yield X, self._Y.index_select(0, rows).view(slots, -1, self.outputs)

    def squared_error(self, parameters: StackedParameters) -> torch.Tensor:
        """Sum the squared errors over all rows.

        Parameters
        ----------
        parameters : StackedParameters
            Effective weights.

        Returns
        -------
        tensor of float64, shape (k,)
            ``‖f(X) - Y‖_F²``.
        """
        total = torch.zeros(len(self.source), dtype=torch.float64, device=self.device)
        for start in range(0, self.rows, CHUNK):
            X = torch.stack([self.X[s][start : start + CHUNK] for s in self.source])
            Y = torch.stack([self.Y[s][start : start + CHUNK] for s in self.source])
            total += forward(parameters, X)[-1].sub_(Y).double().square().sum((1, 2))
        return total
