"""Make text inert before it enters the report, whose page Snakemake writes from templates."""

from __future__ import annotations

# Invisible, and no part of a tag: behind it `<` can open nothing, whatever follows.
_WORD_JOINER = "\N{WORD JOINER}"
_NOTHING = "\N{REPLACEMENT CHARACTER}"


def rst_text(text: str) -> str:
    r"""Escape text for reStructuredText."""
    return "".join(
        c if c.isalnum() or c == " " else _NOTHING if not c.isprintable() else f"\\{c}"
        for c in " ".join(text.split())
    )


def script_text(text: str) -> str:
    """Escape text that is written as JSON into a script of a page."""
    return text.replace("<", "<" + _WORD_JOINER)
