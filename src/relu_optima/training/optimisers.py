"""Update rules on stacked parameters, step for step those of torch.optim."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from relu_optima.training.config import TrainingConfig
from relu_optima.training.stack import StackedParameters


def learning_rate(config: TrainingConfig, epoch: int) -> float:
    """Evaluate the schedule."""
    done = epoch / max(config.epochs, 1)
    rate = config.learning_rate
    if config.schedule == "cosine":
        return rate * (1 + math.cos(math.pi * done)) / 2
    if config.schedule == "linear":
        return rate * (1 - done)
    if config.schedule == "step":
        passed = sum(done >= milestone for milestone in config.schedule_milestones)
        return float(rate * config.schedule_factor**passed)
    return rate


class Optimiser:
    """SGD with momentum, or Adam, with one set of hyperparameters per slot."""

    def __init__(
        self,
        configs: Sequence[TrainingConfig],
        decay: Sequence[float],
        parameters: StackedParameters,
    ) -> None:
        first = configs[0]
        self.configs = configs
        self.adam = first.optimizer == "adam"
        self.decay_biases = first.decay_biases
        self.batch_norm = first.batch_norm
        like = parameters.weights[0]
        self._like = like
        self.rate = self._column([learning_rate(c, 0) for c in configs])
        self.decay = self._column(decay)
        self.decays = any(d > 0 for d in decay)
        self.momentum = self._column([c.momentum for c in configs])
        self.has_momentum = any(c.momentum > 0 for c in configs)
        self.beta1, self.beta2 = first.beta1, first.beta2
        self.epsilon = first.epsilon
        needs = [self.adam or self.has_momentum, self.adam]
        self.moments = [parameters.zeros() for need in needs if need]
        self.steps = 0

    def _column(self, values: Sequence[float]) -> torch.Tensor:
        # computed in float64, stored in the network's precision
        return torch.tensor(values, dtype=torch.float64).to(self._like)[:, None, None]

    def start_epoch(self, epoch: int) -> None:
        """Set the learning rates of an epoch."""
        self.rate = self._column([learning_rate(c, epoch) for c in self.configs])

    def _decays(self, k: int, layers: int) -> bool:
        """Tell whether a tensor is penalised; of normalised networks the last layer and after."""
        if self.batch_norm:
            return k >= layers - 1
        return k < layers or self.decay_biases

    def step(self, parameters: StackedParameters, gradient: StackedParameters) -> None:
        """Move the parameters by one step; the gradient is overwritten."""
        self.steps += 1
        count = len(parameters.weights)
        correction1 = 1 - self.beta1**self.steps
        correction2 = math.sqrt(1 - self.beta2**self.steps)
        pairs = zip(parameters.tensors(), gradient.tensors(), strict=True)
        for k, (p, g) in enumerate(pairs):
            if self.decays and self._decays(k, count):
                g.addcmul_(p, self.decay)
            if self.adam:
                first, second = (m.tensors()[k] for m in self.moments)
                first.mul_(self.beta1).add_(g, alpha=1 - self.beta1)
                second.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
                denominator = second.sqrt().div_(correction2).add_(self.epsilon)
                p.addcmul_(first / denominator, self.rate, value=-1 / correction1)
            elif self.has_momentum:
                velocity = self.moments[0].tensors()[k]
                velocity.mul_(self.momentum).add_(g)
                p.addcmul_(velocity, self.rate, value=-1)
            else:
                p.addcmul_(g, self.rate, value=-1)

    def forget(self, slot: int, layer: int, where: torch.Tensor) -> None:
        """Clear the moments of some weights."""
        for moment in self.moments:
            moment.weights[layer][slot].masked_fill_(where, 0.0)
