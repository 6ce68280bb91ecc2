"""Make text inert before it enters the report, whose page Snakemake writes from templates."""

from __future__ import annotations

# Invisible, and no part of a tag: behind it `<` can open nothing, whatever follows.
_WORD_JOINER = "\N{WORD JOINER}"
_NOTHING = "\N{REPLACEMENT CHARACTER}"


def rst_text(text: str) -> str:
    r"""Escape text for reStructuredText.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        One line that is read as the same words and nothing else: no directive, role, link,
        target, substitution or list. Whatever is neither letter, digit nor space has a backslash,
        which docutils removes.
    """
    return "".join(
        c if c.isalnum() or c == " " else _NOTHING if not c.isprintable() else f"\\{c}"
        for c in " ".join(text.split())
    )


def script_text(text: str) -> str:
    """Escape text that is written as JSON into a script of a page.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The same to a reader; neither the end of a script nor a comment of HTML is in it.
    """
    return text.replace("<", "<" + _WORD_JOINER)
