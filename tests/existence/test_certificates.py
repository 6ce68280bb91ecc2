"""Certificates: they re-check from JSON alone, their curves converge, and tampering is noticed."""

import ast
import copy
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from relu_optima import existence
from relu_optima.config.plugins import load_plugin
from relu_optima.existence import Certificate, atlas, decide
from relu_optima.existence.proof import laurent


def make(family, **fields):
    module = load_plugin("pattern", family)
    return module.masks(module.Config(family=family, **fields))


def ones(*shape):
    return np.ones(shape, np.uint8)


# dense rank two plus one free cell: refuted by a determinant (the hole theorem)
HOLE = [np.array([[1, 0, 0], [1, 1, 1], [1, 1, 1]]), np.array([[1, 1, 1], [0, 1, 1], [0, 1, 1]])]
# refuted by elimination only
SOLVE = [np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]]), np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]])]
LIFTED = [np.array([[1, 1], [0, 1], [1, 1]]), np.array([[1, 0, 1], [1, 1, 1]])]

NOT_CLOSED = {
    "lu2": make("lu", n=2),
    "ul5": make("ul", n=5),
    "hole": HOLE,
    "solve": SOLVE,
    "chain": [np.eye(4), *make("lu", n=4)],
    "bernoulli": make("bernoulli", n_in=8, n_hidden=8, n_out=8, p=0.3),
}
CLOSED = {
    # formulas that depend on whether a polynomial in the cells vanishes
    "filling": [
        np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [1, 1, 1]]),
        np.array([[1, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]]),
    ],
    "dense": [ones(2, 4), ones(3, 2)],
    "full": [ones(4, 3), ones(3, 4)],
    "blocks": make("block_diagonal", blocks=3),
    "butterfly": make("butterfly", factors=3),
    "lul": [np.tril(ones(4, 4)), np.triu(ones(4, 4)), np.tril(ones(4, 4))],
    "one layer": [np.eye(3)],
}


@pytest.mark.parametrize("name", NOT_CLOSED)
def test_not_closed_is_proved(name):
    verdict = decide(NOT_CLOSED[name], time_limit=600)
    assert verdict.product_set == "not_closed"
    assert verdict.function_set == "not_closed"
    assert verdict.certificate.problems() == []


@pytest.mark.parametrize("name", CLOSED)
def test_closed_is_proved(name):
    verdict = decide(CLOSED[name], time_limit=600)
    assert verdict.product_set == "closed"
    assert verdict.certificate.problems() == []


@pytest.mark.parametrize("name", NOT_CLOSED)
def test_curve_converges_linearly_while_its_factors_grow(name):
    masks = NOT_CLOSED[name]
    proof = decide(masks, time_limit=600).certificate.document["product"]["proof"]
    shape = (np.shape(masks[-1])[0], np.shape(masks[0])[1])
    limit = dense(proof["limit"], shape, 1.0)
    errors, norms = [], []
    for eps in (1e-3, 1e-6):
        factors = [dense(f, np.shape(m), eps) for f, m in zip(proof["curve"], masks, strict=True)]
        assert not any((f * (1 - np.asarray(m))).any() for f, m in zip(factors, masks, strict=True))
        product = factors[0]
        for factor in factors[1:]:
            product = factor @ product
        errors.append(np.abs(product - limit).max())
        norms.append(sum(np.square(f).sum() for f in factors))
    assert errors[0] < 0.1
    assert errors[1] < 2e-3 * errors[0] + 1e-9
    assert norms[1] > 100 * norms[0]


def dense(sparse, shape, eps):
    out = np.zeros(shape)
    for (i, j), entry in laurent.from_json(sparse).items():
        out[i, j] = sum(float(c) * eps**p for p, c in entry.items())
    return out


@pytest.mark.parametrize("name", [*NOT_CLOSED, *CLOSED])
def test_json_round_trip(name):
    certificate = decide({**NOT_CLOSED, **CLOSED}[name], time_limit=600).certificate
    again = Certificate.from_json(certificate.to_json())
    assert again.document == certificate.document
    assert again.verify()


def mutations(value, path=()):
    """Every document with one number moved, one list entry dropped, or one answer flipped."""
    if isinstance(value, dict):
        for key, item in value.items():
            for other in mutations(item, (*path, key)):
                yield {**value, key: other}
    elif isinstance(value, list):
        for q, item in enumerate(value):
            yield value[:q] + value[q + 1 :]
            for other in mutations(item, (*path, q)):
                yield [*value[:q], other, *value[q + 1 :]]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif value in ("closed", "not_closed", "always", "not_always"):
        yield {
            "closed": "not_closed",
            "not_closed": "closed",
            "always": "not_always",
            "not_always": "always",
        }[value]


@pytest.mark.parametrize("name", ["lu2", "hole"])
def test_no_mutation_of_a_proof_proves_something_false(name):
    """A mutated certificate fails, or still proves the true answers of the masks it names."""
    document = decide(NOT_CLOSED[name], time_limit=600).certificate.document
    rejected = accepted = 0
    for question in ("product", "function", "finite"):
        for part in mutations(document[question]):
            other = Certificate({**copy.deepcopy(document), question: part})
            if other.verify():
                accepted += 1
                for q in ("product", "function", "finite"):
                    assert other.document[q]["answer"] == document[q]["answer"]
            else:
                rejected += 1
    assert rejected > 3 * accepted


KINDS = {
    **NOT_CLOSED,
    **CLOSED,
    "B4": [np.array([[1, 1], [0, 1], [1, 1]]), np.array([[1, 0, 1], [1, 1, 1]])],
    "B5": [np.array([[1, 0], [0, 1], [1, 1]]), np.array([[1, 0, 1], [0, 1, 1]])],
    "C2": [np.array([[1, 1, 0, 0], [1, 1, 1, 1]]), np.array([[1, 1], [1, 1], [1, 0], [1, 0]])],
    "C5": make("banded", n=3),
    "C6": make("banded", n=4, lower=1, upper=0),
    "C7": [
        np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]]),
        np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]]),
    ],
}


@pytest.mark.parametrize("name", KINDS)
def test_drawn_mutations_of_every_kind_prove_nothing_false(name):
    """The same for a sample of the mutations of every kind of certificate."""
    document = decide(KINDS[name], time_limit=300).certificate.document
    answers = [document[q]["answer"] for q in ("product", "function", "finite")]
    rng = np.random.default_rng(0)
    rejected = 0
    for question in ("product", "function", "finite"):
        parts = list(itertools.islice(mutations(document[question]), 3000))
        for q in rng.permutation(len(parts))[:40]:
            other = Certificate({**document, question: parts[q]})
            if other.verify():
                assert [
                    other.document[q]["answer"] for q in ("product", "function", "finite")
                ] == answers
            else:
                rejected += 1
    assert rejected >= 3


def test_other_masks_make_the_proof_fail():
    document = copy.deepcopy(decide(make("lu", n=3)).certificate.document)
    document["layers"] = decide([ones(3, 3), ones(3, 3)]).certificate.document["layers"]
    assert not Certificate(document).verify()


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"format": 1}', "3"])
def test_garbage_is_a_problem_and_no_exception(text):
    assert not Certificate.from_json(text).verify()


def test_checker_imports_nothing_of_the_search():
    code = (
        "import sys; import relu_optima.existence.proof.verify; "
        "print([m for m in sys.modules if m.startswith('relu_optima.existence.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = eval(done.stdout)
    assert all(m.startswith("relu_optima.existence.proof") for m in loaded)


def test_searches_share_arithmetic_with_the_checker_and_no_rule():
    """A rule that both sides took from one place would be wrong on both sides."""
    arithmetic = {"document", "laurent", "linear", "rational"}
    # the whole checker, asked about a finished proof
    asked = {
        "curve.check_not_closed",
        "filling.check_generic",
        "verify.problems_of",
        "verify.unsupported_of",
    }
    for path in Path(existence.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if not isinstance(node, ast.ImportFrom) or "existence.proof" not in module:
                continue
            for alias in node.names:
                name = f"{module}.{alias.name}".partition("existence.proof.")[2]
                assert name.split(".")[0] in arithmetic or name in asked, (path.name, name)


def test_certificate_is_deterministic():
    first, second = (decide(SOLVE, time_limit=600).certificate.to_json() for _ in range(2))
    assert first == second
    assert json.loads(first)["format"].startswith("relu-optima/")


def test_atlas_of_width_two():
    answers = [entry.verdict for entry in atlas(2)]
    assert len(answers) == 55
    assert sum(v.product_set == "closed" for v in answers) == 43
    assert sum(v.product_set == "not_closed" for v in answers) == 12
    assert all(v.function_set == v.product_set for v in answers)  # Corollary of B1, B2
    assert all(v.certificate.verify() for v in answers)


def test_atlas_of_width_three():
    answers = [entry.verdict for entry in atlas(3)]
    assert len(answers) == 539
    assert sum(v.product_set == "closed" for v in answers) == 391
    assert sum(v.product_set == "not_closed" for v in answers) == 148
    assert sum(v.function_set == "closed" for v in answers) == 297
    assert sum(v.function_set == "not_closed" for v in answers) == 242
    assert sum(v.optimum == "always" for v in answers) == 114
    assert all(Certificate.from_json(v.certificate.to_json()).verify() for v in answers)
