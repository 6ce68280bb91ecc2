"""What a paper's appendix says of settings, seeds and compute, taken from plan and store."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from relu_optima.plan.model import Manifest
from relu_optima.publish.typeset import latex_text
from relu_optima.store.layout import timings_file

VALUES = 8  # of one setting that are listed; more are counted
FLOATS = 3  # figures before a page is filled


def appendix(manifest: Manifest, results: Path, figures: Sequence[str]) -> str:
    """Write settings, seeds and compute of each sweep, and the figures the text does not show."""
    parts = [r"\section{Settings and seeds}", _OPENING]
    for name in manifest.sweeps:
        parts += [*_sweep(manifest, name), ""]
    parts += [r"\section{Compute}", *_compute(manifest, results)]
    if figures:
        parts += [r"\clearpage\section{Further figures}"]
        for index, name in enumerate(figures, 1):
            parts.append(rf"\input{{figures/{name}}}")
            parts += [r"\clearpage"] if index % FLOATS == 0 else []
        parts.append(r"\clearpage")
    return "\n".join([*parts, ""])


_OPENING = (
    "Each sweep with the settings that its runs share and, in braces, those in which they differ; "
    "the plan of the study holds all values of every run.\n"
)


def _sweep(manifest: Manifest, name: str) -> Iterator[str]:
    """Describe one sweep."""
    info = manifest.sweeps[name]
    runs = [manifest.runs[e.run] for b in manifest.batches_of(name) for e in b.entries]
    yield rf"\paragraph{{{latex_text(name.replace('_', ' '))}}}"
    yield latex_text(f"{info.why} Stage {info.stage.replace('_', ' ')}, {len(runs)} runs.")
    seeds = sorted({r.seed for r in runs if r.seed is not None})
    if seeds:
        yield latex_text(f"Seeds: {_span(seeds)}.")
    found: dict[str, list[Any]] = {}
    for run in runs:
        for group, values in run.scientific.items():
            for key, value in _leaves(values, group):
                known = found.setdefault(key, [])
                if value not in known:
                    known.append(value)
    own = {
        k: v for k, v in found.items() if info.stage == "dataset" or not k.startswith("dataset.")
    }
    settings = "; ".join(f"{key} = {_values(values)}" for key, values in sorted(own.items()))
    if settings and info.stage != "dataset":
        yield rf"\par\noindent{{\footnotesize\raggedright {latex_text(settings)}.\par}}"


def _leaves(values: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(values, dict):
        for name, inner in values.items():
            yield from _leaves(inner, f"{key}.{name}")
    else:
        yield key, values


def _values(values: Sequence[Any]) -> str:
    if len(values) == 1:
        return _word(values[0])
    if len(values) > VALUES:
        return f"{{{len(values)} values}}"
    return "{" + ", ".join(map(_word, values)) + "}"


def _word(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _span(numbers: Sequence[int]) -> str:
    """Write numbers as a range where they are one."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and list(numbers) == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, numbers))


def _compute(manifest: Manifest, results: Path) -> Iterator[str]:
    """List the CPU seconds of each sweep's runs, as measured when they were computed."""
    yield "CPU seconds of all runs of a sweep, one thread each, measured when they were computed."
    yield r"\par\medskip\noindent\begin{tabular}{@{}lrr@{}}"
    yield r"\toprule sweep & runs & CPU seconds \\ \midrule"
    total = 0.0
    for name in manifest.sweeps:
        count = sum(len(b.entries) for b in manifest.batches_of(name))
        with timings_file(results, manifest.study, name).open(encoding="utf-8", newline="") as file:
            seconds = sum(float(row["cpu_seconds"]) for row in csv.DictReader(file))
        total += seconds
        yield rf"{latex_text(name.replace('_', ' '))} & {count} & {seconds:.1f} \\"
    yield rf"\midrule all & & {total:.1f} \\ \bottomrule"
    yield r"\end{tabular}"
