"""The checker that a reader can follow: it agrees with the long one, and believes no forgery."""

import ast
import copy
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import relu_optima as ro
from relu_optima.convex.certificate import dual_norm
from relu_optima.existence.proof.verify import problems_of
from relu_optima.share import certificates_check as checker
from relu_optima.share.certificates_check import claims_of, convex_values, problem_of
from relu_optima.share.convex_certificate import convex_certificate
from tests.existence.bases import MASKS, document, judged, truth
from tests.existence.forgeries import forged, random_mutant
from tests.existence.test_refusals import ROWS, edited

SOURCE = Path(checker.__file__)
QUESTIONS = ("product", "function", "finite")


def plain(value):
    return json.loads(json.dumps(value))


def test_it_imports_the_standard_library_only():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    assert {name.split(".")[0] for name in named} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", MASKS)
def test_it_accepts_every_true_certificate(name):
    assert problem_of(plain(document(name))) == ""


@pytest.mark.parametrize(("name", "question", "value"), list(forged()), ids=lambda x: str(x)[:40])
def test_it_refuses_every_directed_forgery(name, question, value):
    assert problem_of(plain(value))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row[3]], ids=lambda row: f"{row[0]} {row[1]}"
)
def test_it_refuses_whatever_the_long_checker_refuses(row):
    try:
        value = plain(edited(*row[:3]))
    except TypeError:  # no JSON
        return
    assert problem_of(value)


def _accepted_mutants(seed, names, count):
    """Damaged certificates that the checker accepts."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        _, value = random_mutant(rng, names)
        try:
            value = plain(value)
        except ValueError:  # no JSON
            continue
        if not problem_of(value):
            yield value


def _claims_only_what_is_true(value):
    """The long checker accepts it too, or what it claims of its masks is decided the same."""
    if not problems_of(value):
        return True
    true = truth(value)
    return all(
        value[q]["answer"] in ("unknown", true[q]["answer"]) or true[q]["answer"] == "unknown"
        for q in QUESTIONS
    )


def test_no_mutant_of_an_existence_certificate_proves_something_false():
    accepted = list(_accepted_mutants(int(os.environ.get("EXISTENCE_SEED", "0")), list(MASKS), 300))
    assert all(map(_claims_only_what_is_true, accepted))
    assert 0 < len(accepted) < 100


@pytest.mark.slow
@pytest.mark.parametrize("name", MASKS)
def test_no_mutant_of_a_thousand_of_each_kind_proves_something_false(name):
    for value in _accepted_mutants(1, [name], 1000):
        assert _claims_only_what_is_true(value), value


@pytest.mark.slow
def test_it_agrees_with_the_long_checker_on_random_patterns():
    rng = np.random.default_rng(7)
    for _ in range(150):
        n, r, m = rng.integers(2, 5, 3)
        masks = [rng.integers(0, 2, shape).astype(np.uint8) for shape in ((r, n), (m, r))]
        if all(mask.any() for mask in masks):
            value = judged(masks).certificate.document
            assert bool(problem_of(plain(value))) == bool(problems_of(value)), masks


def _program(formulation, n=30, d=3):
    X, y = ro.datasets.load("planted_relu", n=n, d=d)
    neurons = "gated" if formulation == "gated" else "relu"
    return ro.solve(X, y, lam=0.1, lam_scale="max", gates=8, neurons=neurons)


@pytest.fixture(scope="module", params=["relu", "gated"])
def solved(request):
    solution = _program(request.param)
    return solution, plain(convex_certificate(solution.found))


def test_a_convex_certificate_proves_the_bounds_of_the_solution(solved):
    solution, value = solved
    assert problem_of(value) == ""
    assert value["objective"] == pytest.approx(solution.objective, rel=1e-12)
    assert value["lower_bound"] == pytest.approx(solution.dual_objective, rel=1e-9)
    gap = (value["objective"] - value["lower_bound"]) / value["lower_bound"]
    assert gap <= solution.gap + 1e-9


def test_bounds_that_are_a_little_better_are_refused(solved):
    _, value = solved
    for field, wrong in (("objective", -1e-9), ("lower_bound", 1e-9)):
        damaged = {**value, field: value[field] * (1 + wrong)}
        assert "the " in problem_of(damaged)


def test_evidence_is_found_where_the_solver_gave_none():
    found = _program("relu").found
    assert found.evidence is not None
    without = convex_certificate(type(found)(**{**vars(found), "evidence": None}))
    assert problem_of(plain(without)) == ""
    assert without["lower_bound"] == pytest.approx(found.dual_objective, rel=1e-6)


def _independent_bounds(value):
    """What the package's own floating-point code makes of the data of a certificate."""
    X, y = np.array(value["X"], float), np.array(value["y"], float)
    patterns = np.array([[c == "1" for c in p] for p in value["patterns"]])
    lam, nu = value["lam"], np.array(value["dual"], float)
    fit, penalty = np.zeros(len(y)), 0.0
    for sign, q, weights in value["network"]:
        u = np.array(weights, float)
        on = patterns[q] if value["formulation"] == "gated" else X @ u > 0
        fit += sign * np.where(on, X @ u, 0)
        penalty += np.linalg.norm(u)
    attained = 0.5 * np.sum((y - fit) ** 2) + lam * penalty
    height = max(
        _projected(X, pattern, sign * nu, value["formulation"])
        for pattern in patterns
        for sign in (1, -1)
    )
    share = min(1.0, lam / height) if height else 1.0
    return attained, share * (y @ nu) - 0.5 * share**2 * (nu @ nu)


def _projected(X, pattern, nu, formulation):
    from scipy.optimize import nnls

    g = X.T @ np.where(pattern, nu, 0.0)
    if formulation == "gated":
        return np.linalg.norm(g)
    return nnls((np.where(pattern, 1.0, -1.0)[:, None] * X).T, -g)[1]


def _convex_mutant(rng, value):
    out = copy.deepcopy(value)
    for _ in range(int(rng.integers(1, 3))):
        field = str(rng.choice([k for k in out if k != "format"]))
        holder, key = out, field
        while isinstance(holder[key], list) and holder[key]:
            holder, key = holder[key], int(rng.integers(len(holder[key])))
        old = holder[key]
        if isinstance(old, str):
            at = int(rng.integers(len(old)))
            holder[key] = old[:at] + str(rng.choice(["0", "1", ""])) + old[at + 1 :]
        elif isinstance(old, int) and not isinstance(old, bool):
            holder[key] = old + int(rng.choice([-2, -1, 1]))
        elif isinstance(old, float):
            factor = rng.choice([0.0, -1.0, 1.0 + 1e-6, 1.0 - 1e-6, 1.1, 0.5, float("nan")])
            holder[key] = float(old * factor)
        else:
            holder[key] = None
    return out


def _accepted_convex(value, count, seed):
    rng = np.random.default_rng(seed)
    accepted = 0
    for _ in range(count):
        mutant = _convex_mutant(rng, value)
        if problem_of(mutant):
            continue
        accepted += 1
        attained, bound = _independent_bounds(mutant)
        scale = 1e-9 * max(1.0, abs(attained))
        assert mutant["objective"] >= attained - scale, mutant
        assert mutant["lower_bound"] <= bound + scale, mutant
    return accepted


def test_no_mutant_of_a_convex_certificate_claims_more_than_it_proves(solved):
    assert _accepted_convex(solved[1], 100, 0) < 60


@pytest.mark.slow
def test_no_convex_mutant_of_a_thousand_claims_more_than_it_proves(solved):
    assert 0 < _accepted_convex(solved[1], 1000, 1) < 600


def test_the_bounds_hold_in_exact_arithmetic_by_hand():
    """One row x = 1, y = 1, lam = 1/4: u = 3/4, optimum 1/32 + 3/16 = 7/32, dual vector 1/4."""
    value = {
        "format": checker.CONVEX, "formulation": "relu", "X": [[1]], "y": [1], "lam": 0.25,
        "patterns": ["1"], "network": [[1, 0, [0.75]]], "violation": 0, "dual": [0.25],
        "multipliers": [], "objective": 7 / 32 + 1e-15, "lower_bound": 7 / 32 - 1e-15,
    }  # fmt: skip
    assert problem_of(value) == ""
    attained, bound = convex_values(value)
    assert abs(attained - Fraction(7, 32)) < 1e-60
    assert abs(bound - Fraction(7, 32)) < 1e-60
    value["dual"] = [1.0]  # four times too long: shortened to the same vector
    assert abs(convex_values(value)[1] - Fraction(7, 32)) < 1e-60
    assert dual_norm(np.ones((1, 1)), np.array([0.25]), np.ones((1, 1)), "relu") == 0.25


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, "x", {"format": []}, {"format": checker.CONVEX}]
)
def test_anything_else_is_refused(value):
    assert problem_of(value)


def test_the_file_runs_by_itself(tmp_path):
    copied = tmp_path / "certificates_check.py"
    copied.write_bytes(SOURCE.read_bytes())
    good = plain(document("lu"))
    bad = {**good, "finite": {"answer": "always", "proof": {"rule": "Theorem F"}}}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "bad.json").write_text(json.dumps({"certificate": bad}))  # as `check --json` nests
    done = subprocess.run(
        [sys.executable, "-I", "-S", copied.name, "good.json", "bad.json"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "good.json: proved: " + ", ".join(claims_of(good)) in done.stdout
    assert "bad.json: REFUSED: two neurons share an output" in done.stdout
