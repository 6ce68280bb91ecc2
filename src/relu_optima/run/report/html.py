"""The frame of a page that stands alone: its style, its one script, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from relu_optima.publish.formats import html_text

HERE = Path(__file__).parent


def standing_alone(title: str, header: str, sections: Mapping[str, tuple[str, str]]) -> str:
    """Write a page from its sections, by id: heading and HTML."""
    links = "".join(
        f'<li><a href="#{name}">{html_text(head)}</a></li>' for name, (head, _) in sections.items()
    )
    content = "\n".join(
        f'<section id="{name}"><h2>{html_text(head)}</h2>\n{content}\n</section>'
        for name, (head, content) in sections.items()
    )
    body = f"""<header><h1>{html_text(title)}</h1>
{header}</header>
<nav><ul>{links}</ul></nav>
<main>
{content}
</main>
<footer></footer>"""
    style, script = ((HERE / f"page.{end}").read_text(encoding="utf-8") for end in ("css", "js"))
    return page_of(title, body, style=style, script=script)


def page_of(title: str, body: str, *, style: str, script: str) -> str:
    """Write a page whose policy lets a browser run its one script and show pictures that it holds.

    No other host is asked for anything.
    """
    ours = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{ours}'; base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{html_text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style></head>
<body>
{body}
<script>{script}</script>
</body></html>
"""
