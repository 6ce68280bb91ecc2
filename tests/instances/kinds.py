"""What each kind of instance asks of the public interface.

Each function takes the instance's data and its solved value, and returns what is expected and what
was found; both hold the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import relu_optima as ro
from relu_optima import convex
from relu_optima.optimal_set import topology

Value = dict[str, Any]
TOL = 1e-9  # gap asked for where values are compared to 1e-8


def _with_bias(data: Value) -> np.ndarray:
    X = np.array(data["X"], dtype=float)
    return np.hstack([X, np.ones((len(X), 1))]) if data.get("bias_column") else X


def spline_regression(data: Value, value: Value) -> tuple[Value, Value]:
    found = convex.spline(np.array(data["x"]), np.array(data["y"]), data["beta"], tol=1e-12)
    assert found.status == "optimal", found.status
    return value, {"objective": found.objective, "knots": len(found.knots)}


def spline_interpolation(data: Value, value: Value) -> tuple[Value, Value]:
    found = convex.spline(np.array(data["x"]), np.array(data["y"]), 0.0)
    bend = float(np.abs(found.slope_changes).sum())
    ends = float(found.slopes[0] + found.slopes[-1])
    return value, {"norm": found.norm, "TV": bend, "ends": ends}


def spline_hinge(data: Value, value: Value) -> tuple[Value, Value]:
    x, y = np.array(data["x"]), np.array(data["y"])
    found = convex.spline(x, y, data["beta"], loss="hinge", tol=1e-10)
    assert found.status == "optimal", found.status
    return value, {"objective": found.objective}


def scalar_program(data: Value, value: Value) -> tuple[Value, Value]:
    X, y = _with_bias(data), np.array(data["y"], dtype=float)
    found = ro.solve(X, y, data["beta"], gates="all", tol=TOL)
    assert (found.status, found.found.exact) == ("optimal", True), found
    assert found.certify().gap <= 1e-8
    patterns = convex.enumerate_patterns(X).shape[1]
    return value, {"objective": found.objective, "patterns": patterns}


def vector_program(data: Value, value: Value) -> tuple[Value, Value]:
    X, Y = _with_bias(data), np.array(data["Y"], dtype=float)
    found = ro.solve(X, Y, data["beta"], gates="all", tol=TOL)
    assert (found.status, found.found.exact) == ("optimal", True), found
    assert found.certify().gap <= 1e-8
    # the value lies in the stated bracket up to the tolerance of both
    assert found.objective >= value["lower"] * (1 - 1e-8)
    assert found.dual_objective <= value["upper"] * (1 + 1e-8)
    expected = {k: value[k] for k in ("objective", "patterns")}
    patterns = convex.enumerate_patterns(X).shape[1]
    return expected, {"objective": found.objective, "patterns": patterns}


def spike_free(data: Value, value: Value) -> tuple[Value, Value]:
    X, y = np.array(data["X"], dtype=float), np.array(data["y"], dtype=float)
    verdict = convex.is_spike_free(X).verdict
    found = ro.solve(X, y, data["beta"], gates="all", tol=TOL)
    return value, {"spike_free": bool(verdict), "objective": found.objective}


def vector_svt(data: Value, value: Value) -> tuple[Value, Value]:
    sizes = data["class_sizes"]
    found = convex.deep_value(2, data["beta"], class_sizes=sizes)
    assert found.status == "optimal", found.status
    X, Y = np.eye(sum(sizes)), np.repeat(np.eye(len(sizes)), sizes, axis=0)
    assert abs(found.network(X, Y).objective(X, Y, data["beta"]) - found.objective) <= 1e-9
    return value, {"objective": found.objective}


def relaxation_gap(data: Value, value: Value) -> tuple[Value, Value]:
    X, Y = np.array(data["X"], dtype=float), np.array(data["Y"], dtype=float)
    found = ro.solve(X, Y, data["beta"], gates="all", tol=TOL)
    relaxed = convex.copositive_relaxation(X, Y, data["beta"])
    assert relaxed.status == "lower_bound", relaxed.status
    gap = (found.objective - relaxed.value) / found.objective
    assert gap > 1e-5
    expected = {k: value[k] for k in ("objective", "relaxation")}
    return expected, {"objective": found.objective, "relaxation": relaxed.value}


def deep_whitened(data: Value, value: Value) -> tuple[Value, Value]:
    found = convex.deep_value(data["depth"], data["beta"], class_sizes=data["class_sizes"])
    assert found.status == ("optimal" if data["depth"] == 2 else "upper_bound"), found.status
    return value, {"objective": found.objective, "scales": list(found.scales)}


def deep_linear(data: Value, value: Value) -> tuple[Value, Value]:
    sigma = np.linalg.svd(np.array(data["Y"], dtype=float), compute_uv=False)
    found = convex.deep_value(data["depth"], data["beta"], singular_values=sigma)
    assert found.status == "optimal", found.status
    return value, {
        "objective": found.objective,
        "scales": list(found.scales),
        "singular_values": list(sigma),
    }


def batch_norm(data: Value, value: Value) -> tuple[Value, Value]:
    sizes = data["class_sizes"]
    found = convex.deep_value(2, data["beta"], class_sizes=sizes, batch_norm=True)
    return value, {"objective": found.objective}


def deep_counterexample(data: Value, value: Value) -> tuple[Value, Value]:
    classes = data["classes"]
    found = convex.deep_counterexample(data["depth"], classes, data["beta"])
    identity = np.eye(classes)
    reached = found.network.objective(identity, identity, data["beta"])
    assert reached < value["aligned"], (reached, value["aligned"])
    assert abs(reached - found.found) <= 1e-12
    return {"aligned": value["aligned"]}, {"aligned": found.aligned}


def sparse_program(data: Value, value: Value) -> tuple[Value, Value]:
    X, y = np.array(data["X"], dtype=float), np.array(data["y"], dtype=float)
    supports = [tuple(s) for s in data["supports"]]
    found = ro.solve(X, y, data["beta"], supports=supports, tol=TOL)
    assert (found.status, found.found.exact) == ("optimal", True), found
    assert found.certify().gap <= 1e-8
    blocks = sum(convex.enumerate_patterns(X[:, list(s)]).shape[1] for s in supports)
    return value, {"objective": found.objective, "blocks": blocks}


def staircase(data: Value, value: Value) -> tuple[Value, Value]:
    found = topology(np.array(data["Z"], dtype=float), np.array(data["fit"], dtype=float))
    expected = {k: v for k, v in value.items() if k != "vertices"}
    table = {m: found.level(int(m)) for m in value["table"]}
    assert found.vertices is None or len(found.vertices) == value["vertices"]
    return expected, {
        "m_star": found.m_star,
        "M_star": found.M_star,
        "connected_from": found.connected_from,
        "table": table,
    }


KINDS: dict[str, Callable[[Value, Value], tuple[Value, Value]]] = {
    function.__name__: function
    for function in (
        spline_regression,
        spline_interpolation,
        spline_hinge,
        scalar_program,
        vector_program,
        spike_free,
        vector_svt,
        relaxation_gap,
        deep_whitened,
        deep_linear,
        batch_norm,
        deep_counterexample,
        sparse_program,
        staircase,
    )
}
