"""The published sparse-training experiment, whole: 10 seeds with and without decay."""

from __future__ import annotations

import time

import numpy as np

from relu_optima.config.validate import validate_group
from relu_optima.datasets.loaders.matrix_target import Config, load
from relu_optima.training.engine import train
from relu_optima.training.growth import behaviour, log_slope
from relu_optima.training.problem import Problem, Trained

PUBLISHED = {
    "method": "static",
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "batch_size": 3000,
    "log_loss": "running",
}
DECAYS = (0.0, 5e-4)


def problems(size: int, rows: int, seeds: int, **options: object) -> list[Problem]:
    """Make the networks: a data set for each seed, shared by both decays."""
    masks = [np.tri(size, dtype=np.uint8), np.tri(size, dtype=np.uint8).T.copy()]
    out = []
    for seed in range(seeds):
        raw = load(Config(loader="matrix_target", size=size, n=rows, seed=seed))
        for decay in DECAYS:
            config = validate_group("training", {**PUBLISHED, "weight_decay": decay, **options})
            lam = decay * raw.y.size / 2
            A = raw.extra["target_matrix"]
            out.append(Problem(config, seed, masks, raw.X, raw.y, lam, A))
    return out


def run(size: int, rows: int, seeds: int, epochs: int, device: str) -> list[str]:
    """Train all networks; return lines that compare them with the published behaviour."""
    cases = problems(size, rows, seeds, epochs=epochs, device=device, stack=2 * seeds)
    wall, cpu = time.perf_counter(), time.process_time()
    results = train(cases)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    lines = [
        f"{len(cases)} networks, n = {size}, {rows} points, {epochs} epochs on {device}: "
        f"{wall:.1f} s wall, {cpu:.1f} s CPU, {1e3 * wall / epochs / len(cases):.2f} ms per epoch "
        "and network"
    ]
    for k, decay in enumerate(DECAYS):
        lines += _summary(decay, results[k :: len(DECAYS)])
    return lines


def _summary(decay: float, results: list[Trained]) -> list[str]:
    lines = []
    for epoch in (200, 500, 1000):
        at = [int(np.searchsorted(r.series["epoch"], epoch)) for r in results]
        if any(k >= len(r.series["epoch"]) for k, r in zip(at, results, strict=True)):
            continue
        values = {
            name: np.array([r.series[name][k] for k, r in zip(at, results, strict=True)])
            for name in ("weight_norm", "loss_relative", "product_error")
        }
        text = ", ".join(f"{n} {v.mean():.3f} +- {v.std():.3f}" for n, v in values.items())
        lines.append(f"  decay {decay:g}, epoch {epoch}: {text}")
    seen = [behaviour(r.series["epoch"], r.series["weight_norm"], r.status) for r in results]
    slopes = [s["norm_slope"] for s in seen]
    names = sorted({str(s["behaviour"]) for s in seen})
    late = [r.series["epoch"] >= r.series["epoch"][-1] / 2 for r in results]
    fall = [
        log_slope(r.series["epoch"][h], r.series["loss"][h])
        for r, h in zip(results, late, strict=True)
    ]
    lines.append(f"  decay {decay:g}: {names}, norm slope {slopes}, loss slope {fall}")
    return lines
