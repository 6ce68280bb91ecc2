"""Multipliers that a solver hands in are checked: they can be loose, never false."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.convex import certify, lambda_max, sample_gates, solve
from relu_optima.convex.evidence import Evidence
from relu_optima.convex.solution import Solution
from relu_optima.errors import SolveInputError


def _solved(seed: int, share: float = 0.05, n: int = 20, d: int = 3, tol: float = 1e-6) -> Solution:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    gates = sample_gates(X, 30, seed)
    return solve(X, y, gates, share * lambda_max(X, y, gates), tol=tol)


def _with(solution: Solution, **parts: np.ndarray) -> Solution:
    assert solution.evidence is not None
    return replace(solution, evidence=replace(solution.evidence, **parts))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.5, 0.1, 0.01, 0.001]))
def test_checked_gaps_are_those_of_the_full_recomputation(seed: int, share: float) -> None:
    """At most 5 % and rounding above it, never below."""
    solution = _solved(seed, share)
    if solution.backend != "newton":
        return
    checked, full = solution.certify(), solution.certify(recompute=True)
    assert checked.objective == full.objective
    assert checked.violation == full.violation
    assert full.gap - 1e-13 <= checked.gap <= 1.05 * full.gap + 1e-11
    assert checked.kkt_residual < 0.05


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), loud=st.floats(0, 100))
def test_no_multipliers_prove_more_than_is_true(seed: int, loud: float) -> None:
    """Whatever rho >= 0 is handed in: the bound stays below the true optimum."""
    rng = np.random.default_rng(seed)
    solution = _solved(seed % 7)
    blocks = rng.permutation(2 * len(solution.v))[: rng.integers(1, 2 * len(solution.v) + 1)]
    sizes = rng.integers(0, 4, blocks.size)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = rng.integers(0, 20, starts[-1])
    forged = Evidence(blocks, starts, rows, loud * rng.random(starts[-1]))
    noise = rng.choice([0.0, 0.1]) * rng.standard_normal(20)
    other = replace(solution, evidence=forged, dual=rng.choice([0.5, 1, 2]) * solution.dual + noise)
    proof = other.certify()
    assert proof.dual_objective <= solution.certify(recompute=True).objective * (1 + 1e-12)
    assert proof.gap >= -1e-12


def test_directed_forgeries_are_refused() -> None:
    solution = _solved(1)
    own = solution.evidence
    assert own is not None
    assert own.rho.size > 3
    forgeries = [
        {"rho": -own.rho},
        {"rho": np.where(np.arange(own.rho.size) == 0, np.nan, own.rho)},
        {"rho": own.rho[:-1]},
        {"rows": own.rows - own.rows.max() - 1},
        {"rows": own.rows + 20},
        {"rows": own.rows.astype(float)},
        {"blocks": np.zeros_like(own.blocks)},
        {"blocks": own.blocks + 10_000},
        {"blocks": own.blocks - 10_000},
        {"starts": own.starts[::-1].copy()},
        {"starts": own.starts[:-1]},
        {"starts": np.zeros_like(own.starts)},
    ]
    for parts in forgeries:
        with pytest.raises(SolveInputError, match="no list of multipliers"):
            _with(solution, **parts).certify()


def test_multipliers_of_other_blocks_only_loosen_the_bound() -> None:
    solution = _solved(2)
    own = solution.evidence
    assert own is not None
    full = solution.certify(recompute=True)
    for other in (
        _with(solution, blocks=own.blocks[::-1].copy()),
        _with(solution, rho=np.zeros_like(own.rho)),
        _with(solution, rho=1.01 * own.rho),
        replace(solution, dual=1.5 * solution.dual),
        replace(solution, dual=-solution.dual),
    ):
        assert other.certify().gap >= full.gap * (1 - 1e-9)


def test_the_rounding_of_the_sums_is_part_of_the_bound() -> None:
    """Correlations that cancel: |X'D nu| is rounding beside the terms that make it up."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.standard_normal((10, 2)), 2, axis=0)
    dual = np.tile([1e8, -1e8], 10) + 1e-9 * rng.standard_normal(20)
    y, gates = rng.standard_normal(20), sample_gates(X, 10, 0)
    zero = np.zeros(gates.T.shape)
    none = np.zeros(0, dtype=int)
    evidence = Evidence(none, np.zeros(1, dtype=int), none, np.zeros(0))
    proof = certify(X, y, gates, 1.0, zero, zero, dual=dual, evidence=evidence)
    beta = np.linalg.norm(proof.dual) / np.linalg.norm(dual)
    assert beta * 1e8 * np.finfo(float).eps * np.linalg.norm(X, axis=1).max() < 1.0  # lam


def test_evidence_belongs_to_a_dual_vector_of_a_relu_program() -> None:
    solution = _solved(3)
    p = solution.problem
    with pytest.raises(SolveInputError, match="evidence"):
        certify(p.X, p.y, p.gates, 1.0, solution.v, solution.w, evidence=solution.evidence)
    with pytest.raises(SolveInputError, match="evidence"):
        certify(
            p.X, p.y, p.gates, 1.0, solution.v, solution.w, "gated",
            dual=solution.dual, evidence=solution.evidence,
        )  # fmt: skip
    gated = solve(p.X, p.y, p.gates, solution.lam, formulation="gated")
    assert gated.evidence is None
    assert gated.certify().gap <= 1e-6


def test_multipliers_that_cancel_prove_nothing_beyond_their_rounding():
    """On a gate that two opposite rows bound, huge multipliers cancel, but not their rounding."""
    rng = np.random.default_rng(4)
    X = np.vstack([np.eye(3)[:1], -np.eye(3)[:1], rng.standard_normal((18, 3))])
    y = rng.standard_normal(20)
    gates = np.column_stack([sample_gates(X, 10, 0), [0.0, 1.0, 0.3]])
    solution = solve(X, y, gates, 0.1 * lambda_max(X, y, gates))
    assert solution.evidence is not None
    between = np.flatnonzero(~(X[:2] @ solution.gates > 0).any(axis=0))
    found = solution.evidence
    k = int(np.flatnonzero(np.isin(found.blocks % len(solution.v), between))[0])
    end = found.starts[k + 1]
    loud = _with(
        solution,
        starts=found.starts + 2 * (np.arange(found.starts.size) > k),
        rows=np.insert(found.rows, end, [0, 1]),
        rho=np.insert(found.rho, end, [1e14, 1e14]),
    )
    assert loud.certify().gap > 0.01 > 1e-5 > solution.certify().gap
