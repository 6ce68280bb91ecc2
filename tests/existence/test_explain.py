"""Every rule that the search can name has a plain sentence and, unless trivial, a proof."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import relu_optima.existence
from relu_optima.existence import check_files, decide
from relu_optima.existence.closed_search import ALL_RULES
from relu_optima.existence.explain import RULES, proof_of, rules_of
from relu_optima.existence.proof.closed_rules import LEAF_RULES
from relu_optima.existence.quantifiers import ORACLE

TRIVIAL = {"one layer", "no hidden layer"}


def emitted():
    """Collect what the source of the search writes under ``rule``, and the steps of chains."""
    found = {ORACLE, *ALL_RULES, *LEAF_RULES}
    wanted = {"chain.py": ("rule", "kind")}
    for path in Path(inspect.getfile(relu_optima.existence)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                pairs = [(node.targets[0].slice, node.value)]
            else:
                continue
            for key, value in pairs:
                if isinstance(key, ast.Constant) and key.value in wanted.get(path.name, ("rule",)):
                    found |= set(names_in(value))
    return found


def names_in(value):
    if isinstance(value, ast.Constant):
        return [value.value]
    if isinstance(value, ast.JoinedStr):  # "merged layers, {rule}"
        return [p.value.removesuffix(", ") for p in value.values if isinstance(p, ast.Constant)]
    return []  # a variable: its values are in the lists above


def test_every_rule_of_the_search_has_an_entry():
    assert {"P4", "B1", "Theorem F", "merged layers", "peel", "oracle z3"} <= emitted()
    assert emitted() == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_sentences_are_plain_and_proofs_are_found(name):
    rule = RULES[name]
    assert 20 < len(rule.sentence) < 200
    assert not set(rule.sentence) & set("\\{}_^*`")
    text = proof_of(name)
    assert text.startswith(f"{name}: ")
    assert (name in TRIVIAL) == (not rule.module)
    if rule.module:
        assert len(text.partition("\n\n")[2]) > 50
    if rule.heading:
        assert f"**{rule.heading}" in text


def test_rules_of_a_chain_include_those_of_what_is_left():
    low, high = np.tril(np.ones((3, 3))), np.triu(np.ones((3, 3)))
    document = decide([low, high, low, np.eye(3)]).certificate.document
    names = rules_of(document["product"]["proof"])
    assert names[0] == "chain"
    assert set(names) <= set(RULES)
    assert "one layer" in names or "reduction" in names


def test_every_rule_in_the_text_is_followed_by_its_sentence(tmp_path):
    masks = np.triu(np.ones((3, 3))), np.tril(np.ones((3, 3)))
    np.savez(tmp_path / "lu.npz", *masks)
    report = check_files([tmp_path / "lu.npz"])
    text = report.to_text()
    assert [names[0] for names in report.rules.values()] == ["P4", "B1", "Theorem F"]
    for name in ("P4", "B1", "Theorem F"):
        assert f"({name})" in text
        assert f"{name}: {RULES[name].sentence}" in text
    assert "No support was used" not in " ".join(text.split())
    explained = " ".join(report.to_text(explain=True).split())
    assert "No support was used, so no mask can help" in explained
    assert "docs/existence_theory.md" in explained
