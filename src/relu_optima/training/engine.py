"""The training loop: stacks of networks, each as if it were alone.

Networks whose configs differ only in what may vary by slot share a stack. On the CPU a network's
result does not depend on its neighbours, nor on how many there are; on a GPU kernels are chosen by
the size of the stack, so there stacks are padded to ``training.stack``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from relu_optima.config.plugins import load_plugin
from relu_optima.errors import DataError
from relu_optima.training.checkpoint import Checkpoint
from relu_optima.training.data import StackData
from relu_optima.training.grouping import slot_ranges, stack_key
from relu_optima.training.measures import logged, sizes
from relu_optima.training.normalisation import folded
from relu_optima.training.optimisers import Optimiser
from relu_optima.training.problem import Problem, Trained
from relu_optima.training.rule import MaskRule
from relu_optima.training.stack import (
    StackedParameters,
    Workspace,
    empty_stack,
    initial_parameters,
    loss_and_gradient,
)

PROGRESS_SECONDS = 10.0
log = logging.getLogger(__name__)


def train(problems: Sequence[Problem], folder: Path | None = None) -> list[Trained]:
    """Train networks, as many at a time as their configs allow.

    Parameters
    ----------
    problems : sequence of Problem
        What to train.
    folder : Path, optional
        Where checkpoints are kept; None for none.

    Returns
    -------
    list of Trained
        In the order of `problems`.

    Raises
    ------
    DataError
        If ``training.device`` is cuda and there is none.
    """
    out: dict[int, Trained] = {}
    groups: dict[str, list[int]] = {}
    for k, problem in enumerate(problems):
        if problem.config.device == "cuda" and not torch.cuda.is_available():
            raise DataError("there is no CUDA device", where="training.device", allowed="cpu")
        groups.setdefault(stack_key(problem), []).append(k)
    with _one_thread(), torch.no_grad():
        for members in groups.values():
            config = problems[members[0]].config
            if config.optimizer == "lbfgs":
                from relu_optima.training.lbfgs import train_lbfgs

                out.update((k, train_lbfgs(problems[k])) for k in members)
                continue
            for start in range(0, len(members), config.stack):
                chunk = members[start : start + config.stack]
                for part, states in _by_epoch(chunk, problems, folder):
                    loop = Loop([problems[k] for k in part], folder)
                    out.update(zip(part, loop.run(states), strict=True))
    return [out[k] for k in range(len(problems))]


State = dict[str, np.ndarray]


def _by_epoch(
    members: Sequence[int], problems: Sequence[Problem], folder: Path | None
) -> list[tuple[list[int], list[State]]]:
    """Split networks by the epoch of their checkpoints; new ones come without states."""
    parts: dict[int, tuple[list[int], list[State]]] = {}
    for k in members:
        checkpoint = Checkpoint.of(folder, problems[k].name)
        state = checkpoint.read() if checkpoint else None
        ks, states = parts.setdefault(-1 if state is None else int(state["counters"][0]), ([], []))
        ks.append(k)
        states += [] if state is None else [state]
    return list(parts.values())


@contextmanager
def _one_thread() -> Iterator[None]:
    # more threads change the last bits, and are slower at these sizes
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Loop:
    """Training of one stack."""

    def __init__(self, problems: Sequence[Problem], folder: Path | None) -> None:
        self.problems = list(problems)
        self.config = config = problems[0].config
        rows = problems[0].X.shape[0]
        batch = min(config.batch_size or rows, rows)
        slots, self.ranges = slot_ranges(problems, rows, batch)
        self.workspace = Workspace()
        padded = [*problems, *[problems[0]] * (slots - len(problems))]
        self.data = StackData(padded)
        self.rules = [_rule(p) for p in problems]
        for rule in self.rules:
            rule.begin(self.data.steps_per_epoch, config.epochs)
        self.generators = [torch.Generator().manual_seed(p.seed) for p in padded]
        self.parameters = empty_stack(config, problems[0].widths, slots)
        for k, problem in enumerate(problems):
            start = initial_parameters(
                problem, [m.astype(np.uint8) for m in self.rules[k].trained], self.generators[k]
            )
            self.parameters.set_slot(k, *start)
        self.gradient = self.parameters.zeros()
        decay = [2 * p.lam / p.Y.size for p in padded]
        self.optimiser = Optimiser([p.config for p in padded], decay, self.parameters)
        self.forward_masks = [torch.zeros_like(w) for w in self.parameters.weights]
        self.trained_masks = [torch.zeros_like(w) for w in self.parameters.weights]
        self.penalties = [torch.zeros_like(w) for w in self.parameters.weights]
        self.dense = any(r.stores_dense for r in self.rules)
        self.has_penalty = False
        for k in range(len(problems)):
            self.rules[k].start(self._weights(k))
            self._load_masks(k)
        self.safe = self.parameters.zeros()
        self.safe.copy_(self.parameters)
        self.alive = [True] * len(problems)
        self.epochs = [0] * len(problems)
        self.epoch = self.step = 0
        self.series: list[list[dict[str, float]]] = [[] for _ in problems]
        self.checkpoints = [Checkpoint.of(folder, p.name) for p in problems]

    def run(self, states: Sequence[State] = ()) -> list[Trained]:
        """Train to the end.

        The last checkpoint stays where it is: a job killed before it has stored its records does
        not train again.
        """
        for k, state in enumerate(states):
            self._restore(k, state)
        if states:
            log.info("%d networks go on from epoch %d", len(states), self.epoch)
        else:
            self._log(np.full(len(self.problems), np.nan))
        told = time.monotonic()
        while self.epoch < self.config.epochs and any(self.alive):
            running = self._one_epoch()
            self._guard(running)
            last = self.epoch == self.config.epochs or not any(self.alive)
            if self.epoch % self.config.log_every == 0 or self.epoch == self.config.epochs:
                self._log(running)
            if last or self.epoch % self.config.checkpoint_every == 0:
                for k, checkpoint in enumerate(self.checkpoints):
                    if checkpoint is not None:
                        checkpoint.write(self._state(k))
            if time.monotonic() - told >= PROGRESS_SECONDS:
                _tell(self, running)
                told = time.monotonic()
        return [self._result(k) for k in range(len(self.problems))]

    # --- one epoch ---------------------------------------------------------------------------

    def _one_epoch(self) -> np.ndarray:
        self.optimiser.start_epoch(self.epoch)
        total = torch.zeros(len(self.data.source), dtype=torch.float64, device=self.data.device)
        error = torch.zeros_like(total)
        for rows in self.data.batches(self.generators):
            for k, rule in enumerate(self.rules):
                if self.alive[k] and rule.before_step(self.step, self._weights(k)):
                    self._load_masks(k)
            effective = self._effective()
            for part in self.ranges:
                X, Y = self.data.take(rows, *part, self.workspace)
                error[slice(*part)] = loss_and_gradient(
                    effective.part(*part), X, Y, self.gradient.part(*part), self.workspace
                )
            total += error
            self._one_step()
        self.epoch += 1
        for k, rule in enumerate(self.rules):
            if self.alive[k] and rule.after_epoch(self.epoch, self._weights(k)):
                self._load_masks(k)
        mean: np.ndarray = total.cpu().numpy() / (self.data.rows * self.data.outputs)
        return mean[: len(self.problems)]

    def _one_step(self) -> None:
        replaced = [
            k for k, r in enumerate(self.rules) if self.alive[k] and r.wants_gradient(self.step)
        ]
        for k in replaced:
            gradient = [g[k] for g in self.gradient.weights]
            self.rules[k].use_gradient(self.step, self._weights(k), gradient)
        kept = [(k, [t[k].clone() for t in self._moving()]) for k in replaced]
        for g, mask, W, p in zip(
            self.gradient.weights,
            self.trained_masks,
            self.parameters.weights,
            self.penalties,
            strict=True,
        ):
            if self.has_penalty:
                power = self.rules[0].penalty_power
                g.addcmul_(p, W if power == 2 else W.sign())
            g.mul_(mask)
        self.optimiser.step(self.parameters, self.gradient)
        if self.dense:
            _freeze(self.parameters.weights, self.trained_masks, self._before)
        for k, values in kept:
            for tensor, value in zip(self._moving(), values, strict=True):
                tensor[k] = value
            self._load_masks(k)
        self.step += 1

    def _moving(self) -> list[torch.Tensor]:
        moments = [t for m in self.optimiser.moments for t in m.tensors()]
        return [*self.parameters.tensors(), *moments]

    def _effective(self) -> StackedParameters:
        if not self.dense:
            return self.parameters
        self._before = [w.clone() for w in self.parameters.weights]
        weights = [w * m for w, m in zip(self.parameters.weights, self.forward_masks, strict=True)]
        return replace(self.parameters, weights=weights)

    def _weights(self, k: int) -> list[torch.Tensor]:
        return [w[k] for w in self.parameters.weights]

    def _load_masks(self, k: int) -> None:
        """Take over a rule's masks; weights that are new, or no longer trained, forget moments."""
        rule = self.rules[k]
        penalty = rule.penalty()
        self.has_penalty |= penalty is not None
        for layer in range(len(self.forward_masks)):
            like = self.forward_masks[layer]
            trained = torch.as_tensor(rule.trained[layer], device=like.device)
            new = ~trained | (self.trained_masks[layer][k] == 0)
            if layer in rule.fresh:  # dropped and grown again in one move counts as new
                new |= torch.as_tensor(rule.fresh.pop(layer), device=like.device)
            self.optimiser.forget(k, layer, new)
            self.forward_masks[layer][k] = torch.as_tensor(rule.forward[layer]).to(like)
            self.trained_masks[layer][k] = trained.to(like)
            if penalty is not None:
                self.penalties[layer][k] = torch.as_tensor(penalty[layer]).to(like)

    # --- after an epoch ----------------------------------------------------------------------

    def _guard(self, running: np.ndarray) -> None:
        """Stop networks that left the finite range, at their last finite state."""
        norms = self.parameters.squared_norm(biases=True).sqrt().cpu().numpy()
        for k, problem in enumerate(self.problems):
            if not self.alive[k]:
                continue
            bound = problem.config.divergence_norm
            if np.isfinite(norms[k]) and norms[k] <= bound and np.isfinite(running[k]):
                self.epochs[k] = self.epoch
                continue
            self.alive[k] = False
            for mine, safe in zip(self.parameters.tensors(), self.safe.tensors(), strict=True):
                mine[k] = safe[k]
        if all(self.alive):
            self.safe.copy_(self.parameters)
            return
        for mine, safe in zip(self.parameters.tensors(), self.safe.tensors(), strict=True):
            for k, alive in enumerate(self.alive):
                if alive:
                    safe[k] = mine[k]
                else:
                    mine[k] = 0.0  # its slot goes on idle

    def _log(self, running: np.ndarray) -> None:
        full = self.config.log_loss == "full" or self.epoch == 0
        size = self.data.rows * self.data.outputs
        effective = self._effective()
        loss = running
        if full:
            error = self.data.squared_error(effective, self.ranges, self.workspace)
            loss = error.cpu().numpy() / size
        for k, problem in enumerate(self.problems):
            if not self.alive[k]:
                continue
            weights, biases = effective.slot(k)
            self.series[k].append(
                {"epoch": float(self.epoch), "step": float(self.step)}
                | sizes(problem, weights, biases, float(loss[k]), self.rules[k].forward)
                | logged(problem, weights, biases)
            )

    def _result(self, k: int) -> Trained:
        source = self.parameters if self.alive[k] else self.safe
        masks = self.rules[k].final_masks([w[k] for w in source.weights])
        weights, biases = source.slot(k)
        problem = self.problems[k]
        # adding zero turns -0.0, which depends on how others decay, into 0.0
        weights = [w * m + 0.0 for w, m in zip(weights, masks, strict=True)]
        biases = [b + 0.0 for b in biases]
        norm = (biases[0], biases[1]) if problem.config.batch_norm else None
        if norm is not None:
            weights, biases = folded(weights, *norm, problem.X)
        return Trained(
            weights=weights,
            biases=biases,
            masks=masks,
            series=_columns(self.series[k]),
            status="ok" if self.alive[k] else "diverged",
            epochs=self.epochs[k],
            relu=problem.config.activation == "relu",
            norm=norm,
        )

    # --- checkpoints -------------------------------------------------------------------------

    def _state(self, k: int) -> State:
        state: State = {
            "counters": np.array([self.epoch, self.step, self.optimiser.steps]),
            "alive": np.array(self.alive[k]),
            "epochs": np.array(self.epochs[k]),
            "generator": self.generators[k].get_state().numpy(),
        }
        for i, tensor in enumerate([*self._moving(), *self.safe.tensors()]):
            state[f"tensor_{i}"] = tensor[k].cpu().numpy()
        state |= {f"rule.{name}": value for name, value in self.rules[k].state().items()}
        return state | {f"series.{name}": v for name, v in _columns(self.series[k]).items()}

    def _restore(self, k: int, state: State) -> None:
        self.epoch, self.step, self.optimiser.steps = (int(v) for v in state["counters"])
        self.alive[k], self.epochs[k] = bool(state["alive"]), int(state["epochs"])
        self.rules[k].restore(_below("rule.", state))
        self._load_masks(k)
        columns = _below("series.", state)
        length = len(columns["epoch"])
        self.series[k] = [{n: float(v[i]) for n, v in columns.items()} for i in range(length)]
        for i, tensor in enumerate([*self._moving(), *self.safe.tensors()]):
            tensor[k] = torch.as_tensor(state[f"tensor_{i}"])
        self.generators[k].set_state(torch.as_tensor(state["generator"]))


def _rule(problem: Problem) -> MaskRule:
    """Make the mask rule of a network's method."""
    plugin = load_plugin("training", problem.config.method)
    rule = plugin.rule(problem.config, problem.masks, problem.seed)
    assert isinstance(rule, MaskRule)
    return rule


def _freeze(
    weights: list[torch.Tensor], masks: list[torch.Tensor], before: list[torch.Tensor]
) -> None:
    """Undo what decay and momentum did to weights that must not move (bit for bit)."""
    for W, mask, old in zip(weights, masks, before, strict=True):
        torch.where(mask > 0, W, old, out=W)


def _tell(loop: Loop, running: np.ndarray) -> None:
    """Log how far training is, with the ranges of losses and norms of this epoch."""
    alive = [k for k, lives in enumerate(loop.alive) if lives]
    norms = loop.parameters.squared_norm(biases=False).sqrt().cpu().numpy()[alive]
    losses = running[alive]
    if alive:
        log.info(
            "epoch %d of %d, %d networks: loss %.4g to %.4g, weight norm %.4g to %.4g",
            loop.epoch,
            loop.config.epochs,
            len(alive),
            losses.min(),
            losses.max(),
            norms.min(),
            norms.max(),
        )


def _columns(lines: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Turn the lines of a series, which all have the same names, into one array for each name."""
    return {name: np.array([line[name] for line in lines]) for name in lines[0]}


def _below(prefix: str, state: State) -> State:
    """Return the entries of a state whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
