"""Write docs/existence_theory.md from the docstrings that hold the proofs."""

from pathlib import Path

from relu_optima.existence.explain import RULES, Rule, proof_text

PAGE = "docs/existence_theory.md"
HEAD = Path(__file__).with_name("theory_head.md")
GROUPS = {
    "Product set: closed": (
        "one layer", "P", "reduction", "C3", "Z", "C4", "C5", "C6", "C7",
    ),
    "Product set: not closed": ("P4", "X", "limit of a first-order curve"),
    "Product set of chains": (
        "Z chain", "chain", "identity", "full", "LUL", "peel", "merged layers",
    ),
    "Function set": ("B1", "B2", "B6", "B4", "B5", "outputs", "paths"),
    "Finite data": ("no hidden layer", "Theorem F", "output biases", "clusters", "trees"),
    "Without a proof": ("oracle z3",),
}  # fmt: skip

BESIDE = (
    Rule("Full dimension", "proof.dimension", "Full dimension"),
    Rule("Measure zero", "measure", "Measure zero"),
)


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD.read_text(encoding="utf-8")]
    shown: set[tuple[str, str]] = set()
    for title, names in GROUPS.items():
        parts.append(f"\n## {title}\n")
        for name in names:
            rule = RULES[name]
            parts.append(f"\n### {name}\n\n{rule.sentence[0].upper()}{rule.sentence[1:]}.\n")
            place = (rule.module, rule.heading)
            if not rule.module:
                continue
            parts.append(f"\n`relu_optima.existence.{rule.module}`")
            if place in shown:
                parts.append(": see above.\n")
                continue
            shown.add(place)
            parts.append(f"\n\n{proof_text(rule)}\n")
    parts.append("\n## Beside the three answers\n")
    for beside in BESIDE:
        parts.append(f"\n### {beside.sentence}\n\n`relu_optima.existence.{beside.module}`")
        parts.append(f"\n\n{proof_text(beside)}\n")
    return "".join(parts)


def main() -> None:
    """Write the page."""
    root = Path(__file__).resolve().parents[2]
    (root / PAGE).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
