"""Several networks of one shape side by side: parameters, forward and backward pass.

Gradients are written by hand: autograd's bookkeeping costs more than the arithmetic of networks
this small. Every operation treats the slots of the stack separately, so that what one slot holds
never enters another.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import torch

from relu_optima.training.config import TrainingConfig
from relu_optima.training.normalisation import backward_stack, normalise_stack
from relu_optima.training.problem import Problem

ALIGNMENT = 64  # bytes of a cache line, and of the widest vector registers
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass
class StackedParameters:
    """Stacked parameters, or anything of their shape (gradients, moments).

    Attributes
    ----------
    weights : list of tensor, shape (k, n_out, n_in)
        First layer first.
    biases : list of tensor, shape (k, 1, n_out)
        Empty for networks without; scale and shift of a batch normalisation.
    relu, batch_norm : bool
        Whether ReLUs follow the hidden layers; whether the last of these is normalised.
    """

    weights: list[torch.Tensor]
    biases: list[torch.Tensor]
    relu: bool = True
    batch_norm: bool = False

    def tensors(self) -> list[torch.Tensor]:
        """List weights, then biases."""
        return [*self.weights, *self.biases]

    def zeros(self) -> StackedParameters:
        """Make parameters of the same shape, all zero."""
        return replace(
            self,
            weights=[torch.zeros_like(t) for t in self.weights],
            biases=[torch.zeros_like(t) for t in self.biases],
        )

    def copy_(self, other: StackedParameters) -> None:
        """Copy the values of other parameters into these."""
        for mine, theirs in zip(self.tensors(), other.tensors(), strict=True):
            mine.copy_(theirs)

    def part(self, start: int, stop: int) -> StackedParameters:
        """Return views of some slots."""
        return replace(
            self,
            weights=[t[start:stop] for t in self.weights],
            biases=[t[start:stop] for t in self.biases],
        )

    def squared_norm(self, *, biases: bool) -> torch.Tensor:
        """Sum the squares of every slot in float64."""
        tensors = self.tensors() if biases else self.weights
        return torch.stack([t.double().square().sum((1, 2)) for t in tensors]).sum(0)

    def slot(self, k: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return one network's parameters as float64 arrays."""
        weights = [t[k].double().cpu().numpy().copy() for t in self.weights]
        return weights, [t[k, 0].double().cpu().numpy().copy() for t in self.biases]

    def set_slot(self, k: int, weights: list[np.ndarray], biases: list[np.ndarray]) -> None:
        """Write one network's parameters."""
        for tensor, value in zip(self.weights, weights, strict=True):
            tensor[k] = torch.as_tensor(value, dtype=tensor.dtype)
        for tensor, value in zip(self.biases, biases, strict=True):
            tensor[k, 0] = torch.as_tensor(value, dtype=tensor.dtype)


def empty_stack(config: TrainingConfig, widths: tuple[int, ...], slots: int) -> StackedParameters:
    """Make zero parameters."""
    dtype, device = DTYPES[config.dtype], torch.device(config.device)
    weights = [
        torch.zeros((slots, b, a), dtype=dtype, device=device)
        for a, b in itertools.pairwise(widths)
    ]
    columns = widths[1:] if config.biases else ()
    if config.batch_norm:
        columns = (widths[-2], widths[-2])
    biases = [torch.zeros((slots, 1, b), dtype=dtype, device=device) for b in columns]
    return StackedParameters(weights, biases, config.activation == "relu", config.batch_norm)


def initial_parameters(
    problem: Problem, masks: list[np.ndarray], generator: torch.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw initial parameters, or return the problem's own."""
    config = problem.config
    if problem.start is not None:
        weights, biases = problem.start
        return [w * m for w, m in zip(weights, masks, strict=True)], list(biases)
    out_weights, out_biases = [], []
    for mask in masks:
        draw = torch.randn(mask.shape, generator=generator, dtype=torch.float64).numpy()
        kept = np.maximum(mask.sum(axis=1), 1).astype(float)
        fan = kept if config.init == "kept_fan_in" else np.full(mask.shape[0], mask.shape[1], float)
        out_weights.append(draw * mask * (config.gain / np.sqrt(fan))[:, None])
        unit = torch.rand(mask.shape[0], generator=generator, dtype=torch.float64).numpy()
        out_biases.append((2 * unit - 1) / np.sqrt(fan))
    if config.batch_norm:
        return out_weights, [np.ones(masks[-2].shape[0]), np.zeros(masks[-2].shape[0])]
    return out_weights, out_biases if config.biases else []


class Workspace:
    """Buffers that are used again at every step; fresh ones would cost more than the arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[object, ...], torch.Tensor] = {}

    def get(self, name: object, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
        """Return a buffer; its content is arbitrary."""
        key = (name, *shape)
        if key not in self._buffers:
            self._buffers[key] = torch.empty(shape, dtype=like.dtype, device=like.device)
        return self._buffers[key]

    def aligned(self, name: object, like: torch.Tensor) -> torch.Tensor:
        """Return a buffer for a stack whose slots all begin at a multiple of `ALIGNMENT` bytes."""
        key = ("aligned", name, *like.shape)
        if key not in self._buffers:
            size = like.element_size()
            step = -(-like[0].numel() * size // ALIGNMENT) * ALIGNMENT // size
            buffer = torch.empty(len(like) * step + ALIGNMENT, dtype=like.dtype)
            skip = -buffer.data_ptr() % ALIGNMENT // size
            strides = (step, like.shape[2], 1)
            self._buffers[key] = buffer[skip:].as_strided(like.shape, strides, skip)
        return self._buffers[key]


def _is_aligned(stack: torch.Tensor) -> bool:
    """Tell whether every slot begins at a multiple of `ALIGNMENT` bytes."""
    step = stack.stride(0) * stack.element_size() if stack.shape[0] > 1 else 0
    return stack.device.type != "cpu" or not (stack.data_ptr() | step) % ALIGNMENT


def _placed(name: object, stack: torch.Tensor, workspace: Workspace) -> torch.Tensor:
    return stack if _is_aligned(stack) else workspace.aligned(name, stack).copy_(stack)


def _multiply(
    name: str,
    left: torch.Tensor,
    right: torch.Tensor,
    out: torch.Tensor,
    workspace: Workspace,
    *,
    transposed: str = "",
    bias: torch.Tensor | None = None,
) -> None:
    """Multiply slot by slot so that no bit depends on the place of a slot.

    BLAS libraries take other loops, which sum in another order, where a matrix does not begin at a
    cache line; stacks of small matrices are therefore moved to where each of them does.
    """
    left, right = _placed((name, 0), left, workspace), _placed((name, 1), right, workspace)
    left = left.transpose(1, 2) if transposed == "left" else left
    right = right.transpose(1, 2) if transposed == "right" else right
    target = out if _is_aligned(out) else workspace.aligned((name, 2), out)
    if bias is None:
        torch.bmm(left, right, out=target)
    else:
        torch.baddbmm(bias, left, right, out=target)
    if target is not out:
        out.copy_(target)


def forward(
    parameters: StackedParameters, X: torch.Tensor, workspace: Workspace
) -> list[torch.Tensor]:
    """Evaluate every slot on its own inputs."""
    layers = [X]
    last = len(parameters.weights) - 1
    for k, W in enumerate(parameters.weights):
        Z = workspace.get(("layer", k), (X.shape[0], X.shape[1], W.shape[1]), W)
        normalised = parameters.batch_norm and k == last - 1
        bias = parameters.biases[k] if parameters.biases and not parameters.batch_norm else None
        _multiply(f"forward {k}", layers[-1], W, Z, workspace, transposed="right", bias=bias)
        if normalised:
            unit = workspace.get("unit", tuple(Z.shape), Z)
            scale, shift = parameters.biases
            lengths = normalise_stack(Z, scale, shift, unit)
            workspace.get("lengths", tuple(lengths.shape), Z).copy_(lengths)
        layers.append(Z if k == last or not parameters.relu else Z.relu_())
    return layers


def squared_error(G: torch.Tensor, workspace: Workspace) -> torch.Tensor:
    """Sum the squares of every slot."""
    squares = torch.mul(G, G, out=workspace.get("squares", tuple(G.shape), G))
    return squares.sum((1, 2))


def loss_and_gradient(
    parameters: StackedParameters,
    X: torch.Tensor,
    Y: torch.Tensor,
    gradient: StackedParameters,
    workspace: Workspace,
) -> torch.Tensor:
    """Compute the squared error of every slot and the gradient of its mean."""
    layers = forward(parameters, X, workspace)
    G = layers[-1].sub_(Y)
    error = squared_error(G, workspace)
    # applied to the small gradients, not to the large residuals
    scale = 2.0 / (Y.shape[1] * Y.shape[2])
    for k in reversed(range(len(parameters.weights))):
        if parameters.batch_norm and k == len(parameters.weights) - 2:
            unit = workspace.get("unit", tuple(G.shape), G)
            lengths = workspace.get("lengths", (G.shape[0], 1, G.shape[2]), G)
            G = backward_stack(G, unit, lengths, parameters.biases[0], gradient.biases)
            for by_norm in gradient.biases:
                by_norm.mul_(scale)
        into = gradient.weights[k]
        _multiply(f"gradient {k}", G, layers[k], into, workspace, transposed="left")
        gradient.weights[k].mul_(scale)
        if gradient.biases and not parameters.batch_norm:
            torch.sum(G, 1, keepdim=True, out=gradient.biases[k])
            gradient.biases[k].mul_(scale)
        if k > 0:
            back = workspace.get(("back", k), tuple(layers[k].shape), G)
            _multiply(f"back {k}", G, parameters.weights[k], back, workspace)
            G = back
            if parameters.relu:
                G = torch.ops.aten.threshold_backward.grad_input(
                    back, layers[k], 0, grad_input=back
                )
    return error
