"""Re-check stored deep networks from weights and data, by other code than made them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.linalg

from relu_optima.convex.deep.bounds import linear_bound, relu_bound
from relu_optima.stage import Record

VALUE = 1e-9  # relative: a sum of squares evaluated in another order


def evaluate(
    arrays: Mapping[str, np.ndarray], X: np.ndarray, *, linear: bool
) -> tuple[np.ndarray, float]:
    """Return outputs and squared norm of what is penalised, layer by layer."""
    count = sum(name.startswith("W") for name in arrays)
    H, penalty = np.asarray(X, dtype=np.float64), 0.0
    for k in range(count):
        W = arrays[f"W{k}"]
        H = np.einsum("ij,kj->ik", H, W)
        if f"b{k}" in arrays:
            H = H + arrays[f"b{k}"]
        normalised = "norm_scale" in arrays
        if not normalised or k == count - 1:
            penalty += float(np.vdot(W, W))
        if normalised and k == count - 2:
            scale, shift = arrays["norm_scale"], arrays["norm_shift"]
            penalty += float(np.vdot(scale, scale) + np.vdot(shift, shift))
            size = np.sqrt(np.sum(H**2, axis=0))
            H = H - np.mean(H, axis=0)
            length = np.sqrt(np.sum(H**2, axis=0))
            length[length <= 1e-12 * size] = np.inf  # a constant column
            H = H / length * scale + shift / np.sqrt(len(H))
        if k < count - 1 and not linear:
            H = np.where(H > 0, H, 0.0)
    return H, penalty


def closed_form(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Check value, bound and the word for what is proved."""
    X, Y = _data(upstream)
    row = record.row
    lam, depth = float(row["lam"] or 0.0), int(row["depth"] or 0)
    linear = row["formulation"] == "linear"
    wrong = _value(record, X, Y, lam, linear=linear)
    theorem = row["theorem"]
    bound = _bound(str(theorem), X, Y, lam, depth, linear=linear)
    if bound is None:
        return [*wrong, f"the data are not those of theorem {theorem}"]
    said = float(row["dual_objective"] or 0.0)
    if said > bound * (1 + VALUE):
        wrong.append(f"dual_objective is {said:.12g}, and {bound:.12g} is proved")
    if row["bound"] == "optimal":
        if theorem == "whitened" and depth > 2:
            wrong.append("no ReLU network of three and more layers is known to be optimal there")
        tol = float(record.config["groups"]["convex"]["tol"])
        if float(row["objective"] or 0.0) - bound > (tol + VALUE) * bound:
            wrong.append("the objective is not optimal to its tolerance")
    return wrong


def _bound(
    theorem: str, X: np.ndarray, Y: np.ndarray, lam: float, depth: int, *, linear: bool
) -> float | None:
    """Prove the bound of a theorem, or return None where its conditions fail."""
    sigma = scipy.linalg.svd(Y, compute_uv=False, lapack_driver="gesvd")
    n, d = X.shape
    if theorem == "rank_one":
        lengths = np.sqrt(np.sum(X**2, axis=1))
        top = X[int(np.argmax(lengths))]
        c = X @ top / np.sqrt(top @ top)
        if np.any(np.abs(c - lengths) > 1e-9 * lengths.max()):
            return None
        share = Y.T @ c / np.sqrt(c @ c)
        lost = 0.5 * (float(np.vdot(Y, Y)) - float(share @ share))
        strength = lam * float(c @ c) ** (-1.0 / depth)
        return linear_bound([float(np.sqrt(share @ share))], strength, depth) + max(lost, 0.0)
    sizes = np.sum(Y, axis=0)
    classes = bool(np.isin(Y, (0.0, 1.0)).all() and (np.sum(Y, axis=1) == 1).all() and sizes.all())
    if theorem == "batch_norm":
        return relu_bound(np.sqrt(sizes), lam, 2) if classes and n <= d else None
    eigenvalues = scipy.linalg.eigvalsh(X @ X.T)
    if n > d or eigenvalues[0] < 1 - 1e-7 or eigenvalues[-1] > 1 + 1e-7:
        return None
    strength = lam * max(float(eigenvalues[-1]), 1.0) ** (-1.0 / depth)
    if linear:
        return linear_bound(sigma, strength, depth)
    return relu_bound(np.sqrt(sizes), strength, depth) if classes else None


def search(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Check that the network has its value, and that the words about it are true."""
    X, Y = _data(upstream)
    row = record.row
    lam, depth = float(row["lam"] or 0.0), int(row["depth"] or 0)
    wrong = _value(record, X, Y, lam, linear=False)
    # the aligned value by its own network: K equal scalars in every layer
    t = np.linspace(0.0, 1.0, 200_001) ** (1.0 / depth)
    aligned = len(X) * float(np.min(0.5 * (1 - t**depth) ** 2 + 0.5 * lam * depth * t**2))
    said = float(row["aligned_objective"] or 0.0)
    if not aligned * (1 - 1e-6) <= said <= aligned * (1 + VALUE):
        wrong.append(f"the aligned value is {aligned:.9g}, the row says {said:.9g}")
    if bool(row["beaten"]) != (float(row["objective"] or 0.0) < said * (1 - VALUE)):
        wrong.append("`beaten` does not follow from the values")
    bound = relu_bound(np.ones(len(X)), lam, depth)
    if float(row["dual_objective"] or 0.0) > bound * (1 + VALUE):
        wrong.append(f"dual_objective is above the proved {bound:.12g}")
    return wrong


def spline(record: Record, upstream: Mapping[str, Record]) -> list[str]:
    """Check primal value and dual point, the dual one against every ramp and clip in turn."""
    X, Y = _data(upstream)
    row, stored = record.row, record.arrays
    lam, depth = float(row["lam"] or 0.0), int(row["depth"] or 0)
    x, y = X[:, 0], Y[:, 0]
    points, place = np.unique(x, return_inverse=True)
    if not np.allclose(evaluate(stored, X, linear=False)[0][:, 0], stored["values"][place],
                       rtol=0, atol=1e-7 * max(1.0, float(np.abs(y).max()))):  # fmt: skip
        return ["the stored network has other outputs"]
    f = stored["values"]
    s = np.diff(f) / np.diff(points)
    jumps = float(np.sum(np.abs(np.diff(np.concatenate([[0.0], s, [0.0]])))))
    inner = float(np.sum(np.abs(np.diff(s))))
    norm = 0.5 * (jumps if depth > 2 else inner + max(inner, abs(float(s[0] + s[-1]))))
    value = 0.5 * float(np.sum((f[place] - y) ** 2)) + lam * norm
    wrong = []
    if abs(value - float(row["objective"] or 0.0)) > VALUE * value:
        wrong.append(f"objective is {value:.12g}, the row says {row['objective']}")
    nu = stored["dual"]
    worst = abs(float(np.sum(nu))) * float(np.ptp(points))
    for a in points:
        ends = points[points > a] if depth > 2 else [np.inf]
        for b in ends:
            worst = max(worst, abs(float(nu @ (np.clip(points, a, b) - a))))
        if depth == 2:
            worst = max(worst, abs(float(nu @ np.clip(a - points, 0, None))))
    if worst > lam * (1 + 1e-7):
        wrong.append(f"the dual point violates a ramp: {worst:.9g} above {lam:.9g}")
    count = np.bincount(place)
    mean = np.bincount(place, weights=y) / count
    lost = 0.5 * float(np.sum((y - mean[place]) ** 2))
    bound = float(nu @ mean) - 0.5 * float(np.sum(nu**2 / count)) + lost
    if float(row["dual_objective"] or 0.0) > bound + VALUE * value:
        wrong.append(f"dual_objective is {row['dual_objective']}, the dual point has {bound:.12g}")
    decayed = {k.removeprefix("decay_"): v for k, v in stored.items() if k.startswith("decay_")}
    outputs, penalty = evaluate(decayed, X, linear=False)
    decay = 0.5 * float(np.sum((outputs[:, 0] - y) ** 2)) + 0.5 * lam * penalty
    if abs(decay - float(row["weight_decay_objective"] or 0.0)) > 1e-7 * decay:
        wrong.append(f"the network under weight decay has objective {decay:.12g}")
    return wrong


def _value(record: Record, X: np.ndarray, Y: np.ndarray, lam: float, *, linear: bool) -> list[str]:
    outputs, penalty = evaluate(record.arrays, X, linear=linear)
    value = 0.5 * float(np.sum((outputs - Y) ** 2)) + 0.5 * lam * penalty
    said = float(record.row["objective"] or 0.0)
    if abs(value - said) > VALUE * value:
        return [f"the stored network has objective {value:.12g}, the row says {said:.12g}"]
    return []


def _data(upstream: Mapping[str, Record]) -> tuple[np.ndarray, np.ndarray]:
    arrays = upstream["dataset"].arrays
    Y = np.asarray(arrays["y_train"], dtype=np.float64)
    return arrays["X_train"], Y if Y.ndim == 2 else Y[:, None]
