"""Does a network run away? Log-log slopes of norms and losses, and the verdict drawn from them."""

from __future__ import annotations

import numpy as np

RUNAWAY_SLOPE = 0.1  # d log(norm) / d log(epoch) that separates growth from a plateau


def log_slope(x: np.ndarray, y: np.ndarray) -> float | None:
    """Fit ``log y = a + b log x`` by least squares."""
    use = (x > 0) & (y > 0) & np.isfinite(y)
    u, v = np.log(x[use]), np.log(y[use])
    if u.size < 2 or np.ptp(u) == 0:
        return None
    u = u - u.mean()
    return float(u @ (v - v.mean()) / (u @ u))


def behaviour(epoch: np.ndarray, norm: np.ndarray, status: str) -> dict[str, float | str | None]:
    """Judge the second half of a run."""
    half = epoch >= epoch[-1] / 2
    slope = log_slope(epoch[half], norm[half])
    steps = np.diff(norm[half])
    rising = float((steps > 0).mean()) if steps.size else None
    if status == "diverged":
        verdict = "diverged"
    elif slope is None or half.sum() < 3:
        verdict = "unclear"
    else:
        verdict = "growing" if slope > RUNAWAY_SLOPE and rising == 1.0 else "bounded"
    return {"norm_slope": slope, "norm_rising": rising, "behaviour": verdict}
