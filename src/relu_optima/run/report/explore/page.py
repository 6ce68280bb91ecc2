"""The explorable page of a study: all its runs, to be chosen, drawn, summarised, looked up."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relu_optima.config.reads import upstream_columns
from relu_optima.plan.columns import SweepColumns
from relu_optima.plan.model import Manifest, Product
from relu_optima.plan.run_tables import telling_settings
from relu_optima.publish.aggregate import CONFIDENCE
from relu_optima.publish.declared import IDENTITY
from relu_optima.publish.formats import html_text
from relu_optima.publish.frames import GOOD_STATUSES, is_setting, pooled_settings
from relu_optima.publish.labels import column_label, column_unit, value_label
from relu_optima.publish.style import COLOURS, FIXED_COLOURS
from relu_optima.publish.tables.certificates import CERTIFICATE
from relu_optima.publish.variation import seed_words
from relu_optima.run.report.explore.columns import (
    DIGITS,
    LETTERS,
    coded,
    inert,
    json_text,
    referred,
)
from relu_optima.run.report.html import page_of

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
STYLES = ("../page.css", "page.css")
SCRIPTS = ("rules.js", "draw.js", "choose.js", "chart.js", "rows.js")
KNOWN = frozenset({"run_id", "sweep", "stage"})  # told once, not in each row
SIZES = {"n_train": "Rows for training.", "d": "Features."}
# figures that show single columns, with the fields that name what is across and what is up
AXES = {"line": ("x", "y"), "scatter": ("x", "y"), "dots": ("y", "x")}

_BODY = """<header><h1>{title}</h1>
<p class="facts">all {count} runs in {sweeps} sweeps of study <code>{study}</code> {report}
· <a href="plan.json">plan</a></p>
<noscript><p>This page draws with JavaScript. The same runs are below <code>sweeps</code>, one
Parquet file for each sweep.</p></noscript></header>
<main>
<form id="choose" aria-label="What is drawn">
<label>sweep<select id="sweep"></select></label>
<label>as in figure<select id="view"></select></label>
<label>x<select id="x"></select></label>
<label>y<select id="y"></select></label>
<label>colour<select id="hue"></select></label>
<label>panel<select id="panel"></select></label>
<span class="ticks"><label><input type="checkbox" id="lx"> log x</label>
<label><input type="checkbox" id="ly"> log y</label>
<label><input type="checkbox" id="runs"> runs</label>
<label><input type="checkbox" id="medians"> medians</label></span>
</form>
<p id="lost" class="warn" role="alert"></p>
<p id="why" class="caption"></p>
<details id="filters"><summary>Filter <small id="count" aria-live="polite"></small></summary>
<div id="facets"></div></details>
<section aria-labelledby="h-chart"><h2 id="h-chart" class="unseen">Chart</h2>
<ul id="legend" aria-label="Colours"></ul>
<div id="chart"></div>
<p id="tip" class="note" role="status" aria-live="polite"></p>
<p id="note" class="note"></p>
<p class="note" id="keys">Click a point for its run, a median for the runs behind it; or go to a
panel with Tab, through its points with the arrow keys, and press Enter.</p>
<details id="summary"><summary>Medians as a table</summary><div class="scroll"></div></details>
</section>
<section id="run" aria-labelledby="h-run"><h2 id="h-run" tabindex="-1">Run</h2><div></div></section>
<section aria-labelledby="h-table"><h2 id="h-table">Runs</h2>
<p class="note"><span id="chosen"></span> <button type="button" id="release" hidden>show all
again</button></p>
<div class="scroll" id="table" tabindex="0" role="region" aria-label="Runs"></div>
<p class="pages"><button type="button" id="back">previous</button> <span id="where"></span>
<button type="button" id="forth">next</button></p>
<p class="note">Results are kept to {digits} significant digits here, settings and whole numbers to
all; the Parquet files have all digits, and the series. An interval is the figures' own: between two
order statistics of the seeds, 95 % or, below six seeds, their range.</p></section>
</main>
<footer></footer>
<script type="application/json" id="data">{data}</script>"""


@dataclass(frozen=True)
class _Sweep:
    """A sweep with its cells as JSON texts, by column."""

    name: str
    frame: pd.DataFrame
    cells: dict[str, list[str]]


def explore_page(manifest: Manifest, frames: Mapping[str, pd.DataFrame]) -> str:
    """Write the page from the plan and the collected sweeps.

    Parameters
    ----------
    manifest : Manifest
        The plan.
    frames : mapping of str to pandas.DataFrame
        Its collected sweeps, all of them.

    Returns
    -------
    str
        One HTML page that needs nothing else, the same for the same runs.
    """
    style, script = (
        "".join((HERE / name).read_text(encoding="utf-8") for name in names)
        for names in (STYLES, SCRIPTS)
    )
    data = inert(_data(manifest, frames))
    count = sum(len(frame) for frame in frames.values())
    body = _BODY.format(
        title=html_text(manifest.title), study=html_text(manifest.study), digits=DIGITS,
        count=count, sweeps=len(frames), data=data,
        report='· <a href="report.html">report</a>' if manifest.figures or manifest.tables else "",
    )  # fmt: skip
    return page_of(f"{manifest.title}: all runs", body, style=style, script=script)


def _data(manifest: Manifest, frames: Mapping[str, pd.DataFrame]) -> str:
    """Write everything that the script needs."""
    sweeps = {name: _read(name, frames[name]) for name in manifest.sweeps}
    parts = [_sweep(manifest, sweep, sweeps) for sweep in sweeps.values()]
    shown = {c for s in sweeps.values() for c in s.cells}
    texts = {v for f in frames.values() for c in f for v in f[c] if isinstance(v, str)}
    names = {v: value_label(v, {}) for v in sorted(texts) if len(v) < 80}
    declared = SweepColumns.of_plan(manifest)
    about: dict[str, dict[str, str]] = {}
    for name, info in manifest.sweeps.items():
        told = about.setdefault(info.stage, SIZES | {c.name: c.about for c in IDENTITY})
        told |= {c.name: c.about for c in declared.results(name)}
    rest = {
        "study": manifest.study,
        "letters": LETTERS,
        "good": sorted(GOOD_STATUSES),
        "confidence": CONFIDENCE,
        "certificate": ["status", *(spec.column for spec in CERTIFICATE)],
        "colours": COLOURS,
        "fixed": FIXED_COLOURS,
        "labels": {c: [column_label(c, {}), column_unit(c)] for c in sorted(shown)},
        "values": {value: name for value, name in names.items() if value != name},
        "about": about,
        "views": [
            view
            for product in manifest.figures.values()
            for part in views_of(product)
            if (view := _view(part, frames)) is not None
        ],
    }
    return f'{_json(rest)[:-1]},"sweeps":[{",".join(parts)}]}}'


def _read(name: str, frame: pd.DataFrame) -> _Sweep:
    """Write all cells of a sweep, without series and what no run has."""
    cells = {}
    for column in map(str, frame.columns):
        if column.startswith("series.") or column in KNOWN:
            continue
        exact = is_setting(column)
        texts = [json_text(value, exact=exact) for value in frame[column].tolist()]
        if any(text != "null" for text in texts):
            cells[column] = texts
    return _Sweep(name, frame, cells)


def _sweep(manifest: Manifest, sweep: _Sweep, known: Mapping[str, _Sweep]) -> str:
    """Write one sweep: what it is, its runs, its columns."""
    info = manifest.sweeps[sweep.name]
    frame = sweep.frame
    upstream = {}
    for name in info.on:
        if f"{name}.run_id" in frame:
            place = {run: row for row, run in enumerate(known[name].frame["run_id"])}
            wanted = frame[f"{name}.run_id"].tolist()
            if all(run in place for run in wanted):
                upstream[name] = [place[run] for run in wanted], known[name].cells
    settings = {c: texts for c, texts in sweep.cells.items() if is_setting(c)}
    columns = []
    for name, texts in sweep.cells.items():
        source = referred(name, texts, upstream)
        form = coded(texts) if source is None else _json({"u": source})
        columns.append(f'{{"n":{_json(name)},"s":{int(is_setting(name))},{form[1:]}')
    head = {
        "name": sweep.name,
        "stage": info.stage,
        "why": info.why,
        "on": info.on,
        "n": len(frame),
        "ids": "".join(frame["run_id"]),
        "axes": telling_settings(settings),
        "pooled": pooled_settings(frame),
        "seeds": seed_words(frame),
        "rows": {name: rows for name, (rows, _) in upstream.items()},
        "report": _anchor(manifest, sweep.name),
    }
    return f'{_json(head)[:-1]},"columns":[{",".join(columns)}]}}'


def _anchor(manifest: Manifest, sweep: str) -> str:
    """Say where the report tells of a sweep; nothing where there is no report."""
    if f"runs_{sweep}" in manifest.tables:
        return f"table-runs_{sweep}"
    return f"sweep-{sweep}" if manifest.figures or manifest.tables else ""


def views_of(product: Product) -> list[Product]:
    """List what this page can show of a figure: itself, or the parts that it is composed of."""
    parts = [
        replace(product, name=f"{product.name}-{letter}", config=part, sweeps=part["sweeps"])
        for letter, part in zip(
            string.ascii_lowercase, product.config.get("parts", ()), strict=False
        )
    ]
    return [p for p in parts or [product] if _across_and_up(p) is not None]


def _across_and_up(product: Product) -> tuple[str, str] | None:
    """Name the fields across and up of a figure that this page can show; None for another kind."""
    config = product.config
    alone = len(product.sweeps) == 1 and not config["excess"]
    return AXES.get(config["plot"]) if alone else None


def _view(product: Product, frames: Mapping[str, pd.DataFrame]) -> dict[str, Any] | None:
    """Say how to choose here what a figure shows; None for a figure of another kind."""
    config = product.config
    fields = _across_and_up(product)
    if fields is None:
        return None
    across, up = fields
    frame = frames[product.sweeps[0]]
    names = {"x": config[across], "y": config[up], "hue": config["hue"], "panel": config["panel"]}
    where = config["where"]
    found = {c: _column(frame, c) for c in (*names.values(), *where) if c is not None}
    if None in found.values():
        return None
    only = {found[c]: v if isinstance(v, list) else [v] for c, v in where.items()}
    return {
        "figure": product.name,
        "title": " ".join(config["title"].split()),
        "sweep": product.sweeps[0],
        **{k: "" if c is None else found[c] for k, c in names.items()},
        "lx": bool(config.get(f"log_{across}")),
        "ly": bool(config.get(f"log_{up}")),
        "only": only,
        "pool": [found_c for c in config.get("pool", []) if (found_c := _column(frame, c))],
        "medians": config["plot"] != "scatter",
        "labels": {found[c]: label for c, label in config["labels"].items() if c in found},
    }


def _column(frame: pd.DataFrame, name: str) -> str | None:
    """Find a column that a figure names."""
    if name.startswith("*."):
        found = upstream_columns(map(str, frame.columns), name)
        return found[0] if len(found) == 1 else None
    return name if name in frame and not name.startswith("series.") else None


def _json(value: Any) -> str:
    """Write a value that holds no number without end."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
