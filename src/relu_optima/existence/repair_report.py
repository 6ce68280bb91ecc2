"""What `relu-optima check --repair` says of a repair, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relu_optima.existence.repair import Repair
from relu_optima.existence.verdict import Verdict

LISTED = 20  # entries that the text names; the JSON names all
AIMS = {
    "finite": "any two neurons that share an output feed nothing else",
    "function": "every two neurons have a closed product set",
    "product": "every two neurons have a closed product set",
}


def _answers(verdict: Verdict) -> dict[str, str]:
    return {
        "product": verdict.product_set,
        "function": verdict.function_set,
        "finite": verdict.optimum,
    }


def repair_json(repair: Repair) -> dict[str, Any]:
    """Write a repair as plain JSON values, with both certificates' verdicts."""
    return {
        "question": repair.question,
        "change": repair.change,
        "aim": AIMS[repair.question],
        "entries": [list(entry) for entry in repair.changed],
        "at_least": repair.lower_bound,
        "fewest": repair.fewest,
        "before": _answers(repair.before),
        "after": _answers(repair.after),
        "after_verified": repair.after.certificate.verify(),
        "after_certificate": repair.after.certificate.document,
    }


def repair_text(repair: Repair, names: Sequence[str]) -> list[str]:
    """Write a repair as a few lines."""
    if not repair.changed:
        return ["repair: nothing is to be changed"]
    count = len(repair.changed)
    least = "no fewer do" if repair.fewest else f"at least {repair.lower_bound} are needed"
    lines = [
        f"repair: {repair.change} {count} {'entry' if count == 1 else 'entries'} so that "
        f"{AIMS[repair.question]} ({least})"
    ]
    lines += [f"  {names[q]}[{i}, {j}]" for q, i, j in repair.changed[:LISTED]]
    if count > LISTED:
        lines.append(f"  and {count - LISTED} more (--repair-out, --json)")
    after = _answers(repair.after)[repair.question].replace("_", " ")
    proved = "verified" if repair.after.certificate.verify() else "NOT VERIFIED"
    return [*lines, f"after the repair: {after} (certificate {proved})"]
