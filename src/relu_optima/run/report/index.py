"""The index of all results: each study with what it found and what was made of it."""

from __future__ import annotations

from pathlib import Path

from relu_optima.plan.model import Manifest
from relu_optima.publish.formats import html_text
from relu_optima.run.report.findings import findings_of
from relu_optima.run.report.html import standing_alone
from relu_optima.store.plans import all_plans

PRODUCTS = (
    ("report.html", "report"),
    ("explore.html", "all runs"),
    ("paper/paper.pdf", "paper"),
    ("paper/arxiv.tar.gz", "arXiv"),
)


def index_page(results: Path) -> str:
    """Write the index of the studies that have a report."""
    shown = [
        plan
        for path, plan in all_plans(results)
        if isinstance(plan, Manifest) and (path.parent / "report.html").exists()
    ]
    items = "\n".join(_study(plan, results) for plan in shown)
    header = f'<p class="facts">{len(shown)} studies with results</p>\n'
    content = f'<ol class="findings">\n{items}\n</ol>'
    return standing_alone("relu-optima: results", header, {"studies": ("Studies", content)})


def _study(manifest: Manifest, results: Path) -> str:
    folder = results / manifest.study
    count = sum(len(b.entries) for b in manifest.batches.values())
    found = findings_of(manifest, folder)
    held = sum(f.verdict == "holds" for f in found)
    said = f"{count} runs, {len(manifest.figures)} figures"
    said += f"; {held} of {len(found)} statements hold" if found else ""
    links = " ".join(
        f'<a href="{manifest.study}/{path}">{what}</a>'
        for path, what in PRODUCTS
        if (folder / path).exists()
    )
    return (
        f'<li><p class="verdict">{html_text(manifest.study)}</p><div><p>{html_text(manifest.title)}'
        f'</p><p class="about">{said}</p><p class="links">{links}</p></div></li>'
    )
