"""What each rule that a verdict names says, in one plain sentence, and where its proof is."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from typing import Any

PAGE = "docs/existence_theory.md"


@dataclass(frozen=True)
class Rule:
    """One rule of the search.

    Attributes
    ----------
    sentence : str
        What it says, for a reader who knows what a mask is.
    module : str
        Module below `relu_optima.existence` whose docstring is the proof; empty if `sentence` is
        all there is to prove.
    heading : str
        Bold words with which its part of the docstring begins; empty for all of it.
    """

    sentence: str
    module: str = ""
    heading: str = ""


RULES = {
    "one layer": Rule("one layer reaches exactly the matrices on its mask, a linear space"),
    "no hidden layer": Rule("without a hidden layer the network is linear in its parameters"),
    "P4": Rule(
        "in two rows and two columns one neuron covers all four cells and shares only one of them "
        "with other neurons, so products come arbitrarily near to a matrix that is no product",
        "windows",
    ),
    "limit of a first-order curve": Rule(
        "a curve of products, multiplied out exactly, tends to a matrix that is proved to be no "
        "product",
        "limits",
    ),
    "reduction": Rule(
        "cells that the neurons fill freely are erased, and every component that is left is closed",
        "proof.closed",
    ),
    "P": Rule(
        "every two neurons have a closed set of products, and then so has every set of neurons",
        "proof.pairs",
        "Theorem P",
    ),
    "X": Rule(
        "on a window that no more neurons see than it has rows, one of them serves none of the "
        "cells of a matrix, which is a limit of products and no product",
        "proof.curve",
        "X, a useless neuron",
    ),
    "Z": Rule(
        "at factors whose product is zero all small matrices are reached, and so all matrices are",
        "proof.closed_rules",
        "Z, open at zero",
    ),
    "C3": Rule(
        "with one side of each neuron fixed to integers the products already reach every matrix",
        "proof.closed_rules",
        "C3",
    ),
    "C4": Rule(
        "all rows but one lie in every neuron, so the products reach every matrix",
        "proof.closed_rules",
        "C4",
    ),
    "C5": Rule(
        "one of three small components that reach every matrix by hand", "proof.closed_rules", "C5"
    ),
    "C6": Rule("explicit formulas give factors for every matrix", "proof.filling"),
    "C7": Rule(
        "the neurons lack so few rows and columns that they reach all matrices up to a rank",
        "proof.closed_rules",
        "C7",
    ),
    "chain": Rule(
        "layers are merged or taken off the ends until what is left is known to be closed",
        "proof.chain",
    ),
    "Z chain": Rule(
        "at factors whose product is zero all small matrices are reached, and so all matrices are",
        "proof.open_chain",
        "Z, open at zero (chains)",
    ),
    "identity": Rule(
        "two layers, one of which may be the identity, reach every matrix on the mask of the other",
        "proof.chain",
        "Merge",
    ),
    "full": Rule(
        "two layers that reach every matrix on their common mask are replaced by it",
        "proof.chain",
        "Merge",
    ),
    "LUL": Rule(
        "three triangular layers, lower and upper in turn, reach every matrix",
        "proof.chain",
        "Merge",
    ),
    "peel": Rule(
        "an outer layer whose classes of neurons reach disjoint blocks may be left out",
        "proof.chain",
        "Peel",
    ),
    "merged layers": Rule(
        "the curve of a pair of merged layers is carried back to all layers", "proof.chain", "Merge"
    ),
    "oracle z3": Rule(
        "the solver z3 says so and gives nothing that could be checked again", "quantifiers"
    ),
    "B1": Rule(
        "the set of matrix products is not closed, and with large hidden biases networks imitate "
        "matrices on a box",
        "proof.function",
        "B1",
    ),
    "B2": Rule(
        "every subset of the hidden neurons has a closed set of products",
        "proof.function",
        "B2",
    ),
    "B4": Rule(
        "a subset of the neurons misses a limit, and kinks of the other neurons keep it visible",
        "proof.function",
        "B4",
    ),
    "B5": Rule(
        "the one pattern whose functions are closed although a subset of its neurons is not",
        "proof.function",
        "B5",
    ),
    "B6": Rule(
        "two neurons miss a limit, and one kink in each of the other neurons keeps it visible",
        "proof.function",
        "B6",
    ),
    "outputs": Rule(
        "outputs that share no neuron are networks of their own, decided one by one",
        "proof.function",
        "Outputs",
    ),
    "Theorem F": Rule(
        "with one hidden layer every finite data set has an optimum exactly if any two neurons "
        "that share an output feed only that output",
        "proof.finite",
        "Theorem F",
    ),
    "output biases": Rule(
        "a neuron feeds an output that reaches every constant and one that reaches none, so "
        "two points have no optimum",
        "proof.biases",
        "Missing biases",
    ),
    "trees": Rule(
        "weights between hidden neurons can be made -1, 0 or 1, so the values of each tree of "
        "neurons fill a union of polyhedral cones",
        "proof.deep",
        "Trees",
    ),
    "paths": Rule(
        "every output is a monotone function of one linear form with at most two kinks, and so is "
        "every limit",
        "proof.deep",
        "Paths",
    ),
    "clusters": Rule(
        "the set of matrix products is not closed, and on one of enough clusters of inputs the "
        "network is affine",
        "proof.finite",
        "More hidden layers",
    ),
}


def rules_of(proof: dict[str, Any]) -> list[str]:
    """List the rules that a proof uses."""
    names = str(proof["rule"]).split(", ") if "rule" in proof else []
    names += [step["kind"] for step in proof.get("steps", [])]
    parts = [*proof.get("components", []), *([proof["last"]] if "last" in proof else [])]
    parts += [step["proof"] for step in proof.get("steps", []) if "proof" in step]
    parts += [part["proof"] for part in [*proof.get("parts", []), *proof.get("subsets", [])]]
    for part in parts:
        names += rules_of(part)
    return list(dict.fromkeys(names))


def proof_of(name: str) -> str:
    """Return statement and proof of a rule."""
    rule = RULES[name]
    lines = [f"{name}: {rule.sentence}."]
    if rule.module:
        lines += [f"({PAGE}; relu_optima.existence.{rule.module})", "", proof_text(rule)]
    return "\n".join(lines)


def proof_text(rule: Rule) -> str:
    """Return the part of a docstring that proves a rule."""
    module = importlib.import_module(f"relu_optima.existence.{rule.module}")
    return _section(module, rule.heading)


def _section(module: object, heading: str) -> str:
    """Cut from a docstring the paragraphs from a bold heading to the next one."""
    text = inspect.getdoc(module) or ""
    if not heading:
        return text
    paragraphs = text.split("\n\n")
    first = next(k for k, p in enumerate(paragraphs) if p.startswith(f"**{heading}"))
    after = (k for k, p in enumerate(paragraphs) if k > first and p.startswith("**"))
    return "\n\n".join(paragraphs[first : next(after, len(paragraphs))])
