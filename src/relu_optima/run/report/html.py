"""The frame of a page that stands alone: its style, its one script, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from relu_optima.publish.formats import html_text

HERE = Path(__file__).parent


def standing_alone(title: str, header: str, sections: Mapping[str, tuple[str, str]]) -> str:
    """Write a page from its sections, by id: heading and HTML.

    Its policy lets a browser run the one script of ours, show pictures that the page holds, and
    ask no other host for anything.
    """
    style = (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    ours = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{ours}'; base-uri 'none'; form-action 'none'"
    )
    links = "".join(
        f'<li><a href="#{name}">{html_text(head)}</a></li>' for name, (head, _) in sections.items()
    )
    body = "\n".join(
        f'<section id="{name}"><h2>{html_text(head)}</h2>\n{content}\n</section>'
        for name, (head, content) in sections.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{html_text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style></head>
<body>
<header><h1>{html_text(title)}</h1>
{header}</header>
<nav><ul>{links}</ul></nav>
<main>
{body}
</main>
<footer></footer>
<script>{script}</script>
</body></html>
"""
