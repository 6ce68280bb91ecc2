"""The reference: one network, a DataLoader, autograd, and logging at every step.

This is how the published experiment is written: masks as a parametrisation, ``mse_loss``, SGD with
momentum, and after every step the relative loss, the product error and the active neurons.
"""

from __future__ import annotations

import resource

import numpy as np
import torch


class MaskedLinear(torch.nn.Module):
    """A linear layer whose weight is multiplied by a mask."""

    def __init__(self, mask: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mask", torch.tensor(mask, dtype=torch.float32))
        size = mask.shape[1] ** 0.5
        self.weight = torch.nn.Parameter(torch.randn(mask.shape) / size)
        self.bias = torch.nn.Parameter((2 * torch.rand(mask.shape[0]) - 1) / size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the masked layer."""
        return torch.nn.functional.linear(x, self.weight * self.mask, self.bias)


class Points(torch.utils.data.Dataset):
    """Points as the DataLoader's default collation expects them: one by one."""

    def __init__(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.X, self.Y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.X[k], self.Y[k]


def cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def train_plain(
    masks: list[np.ndarray],
    X: np.ndarray,
    Y: np.ndarray,
    target: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    workers: int,
    log_steps: bool,
) -> tuple[float, float]:
    """Train one network and return CPU seconds per epoch and the last relative loss."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(MaskedLinear(masks[0]), torch.nn.ReLU(), MaskedLinear(masks[1]))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = torch.utils.data.DataLoader(
        Points(X, Y), batch_size=batch_size, shuffle=True, num_workers=workers
    )
    A = torch.tensor(target, dtype=torch.float32)
    losses: list[float] = []
    errors: list[float] = []
    active: list[int] = []
    start = cpu_seconds()
    for _ in range(epochs):
        for x, y in loader:
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimiser.step()
            if log_steps:
                with torch.no_grad():
                    losses.append((loss / (y**2).mean()).item())
                    W1 = model[0].weight * model[0].mask
                    W2 = model[2].weight * model[2].mask
                    errors.append((torch.linalg.norm(W2 @ W1 - A) / torch.linalg.norm(A)).item())
                    active.append(int((model[1](model[0](x)) > 0).any(0).sum()))
    return (cpu_seconds() - start) / epochs, losses[-1] if losses else float("nan")
