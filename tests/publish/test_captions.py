"""Captions say nothing about the order of numbers that is not checked when they are made."""

from __future__ import annotations

import re

import pytest

from tests.studies import parts

KINDS = ("figure", "table")

COMPARES = re.compile(
    r"""\b(never|only|cannot|must
    |no\s(network|more|less|fewer|larger|smaller|lower|higher|worse|better|point|run)
    |above|below|beyond|at\s(least|most)
    |more|less|fewer|greater|larger|smaller|lower|higher|better|worse|longer|shorter|faster|slower
    |exceed\w*|outperform\w*|dominat\w*|beats?|monoton\w*|increases?|increasing|decreases?|decreasing
    |grows?|growing|falls?|falling|rises?|rising|shrinks?|drops?\s(to|by|below)
    |constant|bounded|nondecreasing|concave|convex\sin|lies?\sbetween)\b|[≤≥<>]""",
    re.VERBOSE | re.IGNORECASE,
)
# What is drawn, by definition, and in which protocol; no statement about the numbers found.
DEFINITIONS = (
    "that has at most the given number of neurons",
    "while the penalty falls",
    "a start may follow another curve, with a larger error",  # of the table's own criteria
)
# Tables whose rows are claims with a verdict each.
SHOWN = {"claims", "exceptions"}
PRODUCTS = {f"{kind} {name}": v for kind in KINDS for name, v in parts(kind).items()}


def unchecked(caption: str, claims: list[str]) -> list[str]:
    """Comparison words of a caption outside the claims that are checked and the definitions."""
    text = " ".join(caption.split())
    for phrase in (*claims, *DEFINITIONS):
        text = text.replace(" ".join(phrase.split()), "")
    return [match[0] for match in COMPARES.finditer(text)]


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_comparison_in_a_caption_is_checked(name):
    product = PRODUCTS[name]
    claims = [claim["claim"] for claim in product.get("holds", [])]
    found = unchecked(f"{product['title']}. {product['caption']}", claims)
    if product.get("table") not in SHOWN:
        assert not found, f"{found}: declare under `holds` what is meant, or say it otherwise"


@pytest.mark.parametrize(
    "caption",
    [
        "Its value is never larger.",
        "More gates can only lower it for one λ.",
        "No network can lie below the line.",
        "The error falls with the square of the step.",
    ],
)
def test_the_scan_finds_comparisons(caption):
    assert unchecked(caption, [])
    assert not unchecked(caption, [caption])
