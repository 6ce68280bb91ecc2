"""The report of a study: findings, figures and tables, the runs, and where it all comes from."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from relu_optima.errors import StoreError
from relu_optima.plan.environment import Environment
from relu_optima.plan.model import Manifest, Product
from relu_optima.publish.formats import html_text
from relu_optima.publish.style import WIDTHS
from relu_optima.publish.writers import table_of
from relu_optima.run.report.explore.page import views_of
from relu_optima.run.report.findings import Finding, findings_of
from relu_optima.run.report.html import standing_alone
from relu_optima.store.soundness import REPAIR

PIXELS = 118  # of the page for an inch of print, which sets 8 pt type at 13 pixels
APPENDIX, EXPLORER = "workflow.html", "explore.html"
RUNS = "Runs"
_MARKS = {"holds": "holds", "does not hold": "fails", "not measured": "unknown"}


def report_page(manifest: Manifest, folder: Path, appendix: bool = True) -> str:
    """Write the report of a study from its plan and what was published of it.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    folder : Path
        ``results/<study>``, with all figures and tables.
    appendix : bool
        Link to Snakemake's own report, if it is there.

    Returns
    -------
    str
        One HTML page, the same for the same runs.

    Raises
    ------
    StoreError
        If a figure or table is missing; says how to make it.
    """
    found = findings_of(manifest, folder)
    sections: dict[str, tuple[str, str]] = {}
    if found:
        sections["findings"] = "Findings", _findings(manifest, found)
    claims = {finding.table for finding in found}
    products = [*_kinds(manifest)]
    for category in dict.fromkeys(p.config["category"] for _, p in products):
        shown = [
            (kind, p)
            for kind, p in products
            if p.config["category"] == category and p.name not in claims and category != RUNS
        ]
        if shown:
            text = "\n".join(_shown(manifest, kind, p, folder) for kind, p in shown)
            sections[f"section-{_slug(category)}"] = category, text
    runs = [p for kind, p in products if kind == "table" and p.config["category"] == RUNS]
    if runs:
        sections["runs"] = RUNS, "\n".join(_folded(manifest, p, folder) for p in runs)
    sections["provenance"] = "Provenance", _provenance(manifest, folder, appendix)
    return standing_alone(manifest.title, _facts(manifest), sections)


def _kinds(manifest: Manifest) -> Iterable[tuple[str, Product]]:
    yield from (("figure", p) for p in manifest.figures.values())
    yield from (("table", p) for p in manifest.tables.values())


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower())


def _facts(manifest: Manifest) -> str:
    count = sum(len(b.entries) for b in manifest.batches.values())
    parts = [
        f"study <code>{html_text(manifest.study)}</code>",
        f"{_many(count, 'run')} in {_many(len(manifest.sweeps), 'sweep')}",
        f"{_many(len(manifest.figures), 'figure')}, {_many(len(manifest.tables), 'table')}",
        f'<a href="{EXPLORER}">explore all runs</a>',
    ]
    return f'<p class="facts">{" · ".join(parts)}</p>\n'


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _findings(manifest: Manifest, found: list[Finding]) -> str:
    held = sum(f.verdict == "holds" for f in found)
    items = "\n".join(_finding(manifest, f) for f in found)
    tables = " ".join(
        f'<a href="tables/{name}.csv">CSV</a>' for name in dict.fromkeys(f.table for f in found)
    )
    return (
        f"<p>{held} of {len(found)} statements hold. Each is checked on the runs named beside it. "
        f'{tables}</p>\n<ol class="findings">\n{items}\n</ol>'
    )


def _finding(manifest: Manifest, finding: Finding) -> str:
    bound = f" – asked: {html_text(finding.bound)}" if finding.bound else ""
    # a number in brackets is an interval: its ends are written like any other number
    number = "".join(
        part if part in ("[", "]", ", ", " ") else html_text(part)
        for part in re.split(r"( (?=\[)|\[|\]|, )", finding.number)
    )
    links = [f'<a href="#figure-{finding.figure}">figure</a>'] if finding.figure else []
    links += [_runs(manifest, sweep) for sweep in finding.sweeps]
    return (
        f'<li><p class="verdict {_MARKS[finding.verdict]}">{finding.verdict}</p><div>'
        f"<p>{html_text(finding.statement)}</p>"
        f'<p class="about"><span class="number">{number}</span> {html_text(finding.about)}{bound}'
        f'</p><p class="links">{" ".join(links)}</p></div></li>'
    )


def _runs(manifest: Manifest, sweep: str) -> str:
    """Link to the table of a sweep's runs, or to what is said of it."""
    place = f"table-runs_{sweep}" if f"runs_{sweep}" in manifest.tables else f"sweep-{sweep}"
    return f'<a href="#{place}">runs {html_text(sweep.replace("_", " "))}</a>'


def _shown(manifest: Manifest, kind: str, product: Product, folder: Path) -> str:
    """Write a figure or a table with its caption and links."""
    config = product.config
    title, caption = html_text(config["title"]), html_text(_sentence(config["caption"]))
    remark = f'<p class="note">{html_text(product.note)}</p>' if product.note else ""
    runs = " ".join(_runs(manifest, sweep) for sweep in product.sweeps)
    if kind == "figure":
        picture = base64.b64encode(_content(folder / "figures" / f"{product.name}.png")).decode()
        width = round(WIDTHS[config["width"]] * PIXELS)
        explored = "".join(
            f'<a href="{EXPLORER}#view={view.name}">explore'
            f"{view.name.removeprefix(product.name).replace('-', ' ')}</a> "
            for view in views_of(product)
        )
        return (
            f'<figure id="figure-{product.name}"><h3>{title}</h3>\n'
            f'<img width="{width}" alt="{title}" src="data:image/png;base64,{picture}">\n'
            f"<figcaption>{caption}</figcaption>{remark}\n"
            f'<p class="links"><a href="figures/{product.name}.pdf">PDF</a> '
            f'<a href="figures/{product.name}.csv">CSV of every point</a> {explored}{runs}'
            "</p></figure>"
        )
    return (
        f'<div class="table" id="table-{product.name}"><h3>{title}</h3>\n'
        f'<p class="caption">{caption}</p>{remark}\n{_table(product, folder)}\n'
        f'<p class="links"><a href="tables/{product.name}.csv">CSV</a> '
        f'<a href="tables/{product.name}.tex">LaTeX</a> {runs}</p></div>'
    )


def _folded(manifest: Manifest, product: Product, folder: Path) -> str:
    """Write a table of runs, which opens on a click."""
    sweep = product.sweeps[0]
    count = sum(len(b.entries) for b in manifest.batches_of(sweep))
    return (
        f'<details id="table-{product.name}"><summary>{html_text(product.config["title"])} '
        f"<small>{count} runs</small></summary>\n"
        f'<p class="caption">{html_text(manifest.sweeps[sweep].why)}</p>\n'
        f"{_table(product, folder)}\n"
        f'<p class="links"><a href="tables/{product.name}.csv">CSV</a> '
        f'<a href="sweeps/{sweep}.parquet">Parquet</a> '
        f'<a href="{EXPLORER}#sweep={sweep}">explore</a></p></details>'
    )


def _table(product: Product, folder: Path) -> str:
    return table_of(_content(folder / "tables" / f"{product.name}.html").decode("utf-8"))


def _provenance(manifest: Manifest, folder: Path, appendix: bool) -> str:
    """Say what makes these results again, from which sweeps and with which libraries."""
    words = " ".join([f"relu-optima study {manifest.base}", *manifest.overrides])
    notices = "".join(f'<p class="note">{html_text(n)}</p>' for n in manifest.notices)
    rows = "".join(
        f'<tr id="sweep-{name}"><td>{html_text(name)}</td><td>{html_text(info.stage)}</td>'
        f'<td class="number">{sum(len(b.entries) for b in manifest.batches_of(name))}</td>'
        f"<td>{html_text(', '.join(info.on)) or '–'}</td>"
        f'<td class="words">{html_text(info.why)}</td></tr>\n'
        for name, info in manifest.sweeps.items()
    )
    graph = (
        f' · <a href="{APPENDIX}">workflow graph and rules</a>'
        if appendix and (folder / APPENDIX).exists()
        else ""
    )
    return (
        f"<p>Made by <code>{html_text(words)}</code>; a run in Python: "
        f"<code>relu_optima.results(&quot;{manifest.study}&quot;, &quot;SWEEP&quot;)</code>; "
        "where a file comes from, and whether it is current: "
        "<code>relu-optima doctor FILE</code>.</p>\n"
        f"{notices}"
        '<div class="scroll"><table><thead><tr><th scope="col">sweep</th><th scope="col">stage</th>'
        '<th class="number" scope="col">runs</th><th scope="col">builds on</th>'
        f'<th scope="col">why</th></tr></thead>\n<tbody>{rows}</tbody></table></div>\n'
        f"{_environments(manifest)}\n"
        '<p class="links"><a href="plan.json">plan.json: every run with its configuration</a>'
        f"{graph}</p>"
    )


def _environments(manifest: Manifest) -> str:
    """List what computed the runs: Python, libraries and settings."""
    versions: dict[str, set[str]] = {}
    for name in sorted({run.environment for run in manifest.runs.values()}):
        used = Environment.from_json(manifest.environments[name])
        for what, version in {"Python": used.python, **used.libraries, **used.settings}.items():
            versions.setdefault(what, set()).add(version)
    listed = ", ".join(f"{what} {' and '.join(sorted(v))}" for what, v in sorted(versions.items()))
    return (
        "<details><summary>Python and libraries that computed the runs</summary>"
        f'<p class="note">{html_text(listed)}</p></details>'
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", where=str(path), fix=REPAIR) from None


def _sentence(text: Any) -> str:
    return " ".join(str(text).split())
