"""``relu-optima reproduce``: read sweeps and published numbers, write and show the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from relu_optima.config.problems import Problems
from relu_optima.config.validate import InvalidGroup, did_you_mean, validate_group
from relu_optima.errors import ConfigError, ReluOptimaError
from relu_optima.files import write_atomically
from relu_optima.plan.make import split_study_name
from relu_optima.plan.study_files import read_study
from relu_optima.publish.formats import format_value
from relu_optima.publish.frames import ProductError
from relu_optima.publish.labels import value_label
from relu_optima.publish.table_config import TableConfig
from relu_optima.publish.tables import claims
from relu_optima.reproduce.compare import (
    IN_QUANTILES,
    IN_TOLERANCE,
    NOT_RUN,
    OUTSIDE,
    VERDICTS,
    Comparison,
    compare,
)
from relu_optima.reproduce.published import Published, load_published
from relu_optima.store.layout import sweep_file
from relu_optima.store.plans import plan_now
from relu_optima.store.soundness import read_sweep

if TYPE_CHECKING:
    import pandas as pd

_SHORT = {IN_QUANTILES: "in", IN_TOLERANCE: "near", OUTSIDE: "out", NOT_RUN: NOT_RUN}
_OVERVIEW_NOTE = "in: within the published quantiles; near: within the tolerance; out: outside"
_STYLES = {"outside": "red", "fail": "red", NOT_RUN: "yellow"}


@dataclass(frozen=True)
class Reproduction:
    """Everything that is known about one study against its paper.

    Attributes
    ----------
    study : str
        Study whose sweeps were read.
    published : Published
        The published numbers.
    comparisons : list of Comparison
        One for each number and variant.
    claims : list of dict
        One for each statement in words: ``claim``, ``verdict`` and its numbers.
    """

    study: str
    published: Published
    comparisons: list[Comparison]
    claims: list[dict[str, Any]]

    @property
    def not_run(self) -> int:
        """Numbers and statements that could not be compared."""
        verdicts = [c.verdict for c in self.comparisons] + [c["verdict"] for c in self.claims]
        return verdicts.count(NOT_RUN)


def reproduce(study: str, conf: Path, results: Path) -> Reproduction:
    """Compare a study with what was published and write the verdicts."""
    published = load_published(conf, study)
    tables = _claim_tables(study, published, conf)
    frames = _frames(study, published, tables, conf, results)
    done = Reproduction(study, published, compare(published, frames), _claims(tables, frames))
    folder = results / study / "reproduce"
    if done.comparisons:
        write_atomically(folder / "numbers.csv", _csv([asdict(c) for c in done.comparisons]))
    if done.claims:
        write_atomically(folder / "claims.csv", _csv(done.claims))
    write_atomically(folder / "reproduce.md", _markdown(done).encode())
    return done


def _csv(rows: list[dict[str, Any]]) -> bytes:
    import pandas as pd

    text = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    assert isinstance(text, str)
    return text.encode()


def _claim_tables(study: str, published: Published, conf: Path) -> dict[str, TableConfig]:
    tables = {}
    files = read_study(conf, split_study_name(study)[0], Problems())
    assert files is not None
    files.follow_shared()
    for name in published.claims:
        part = files.part("table", name)
        if part is None:
            hint = did_you_mean(name, files.names("table"))
            raise ConfigError([f"{files.published_at}: claims: there is no table {name!r}; {hint}"])
        try:
            config = validate_group("table", part.values)
        except InvalidGroup as error:
            raise ConfigError(
                [f"{part.where}: {m.key}: {m.text}" for m in error.mistakes]
            ) from None
        assert isinstance(config, TableConfig)
        tables[name] = config
    return tables


def _frames(
    study: str,
    published: Published,
    tables: Mapping[str, TableConfig],
    conf: Path,
    results: Path,
) -> dict[str, pd.DataFrame]:
    """Read every sweep that is needed and there, if it is what the study's plan makes now."""
    if not (results / study).is_dir():
        raise ReluOptimaError(
            f"study {study!r} has no results",
            where=str(results),
            fix=f"run it first: relu-optima study {study.split('-')[0]}",
        )
    wanted = {v.sweep or i.sweep for i in published.items.values() for v in i.variants.values()}
    for table in tables.values():
        wanted |= set(table.sweeps)
    plan = plan_now(study, conf.parent)
    there = (s for s in sorted(wanted & set(plan.sweeps)) if sweep_file(results, study, s).exists())
    return {sweep: read_sweep(plan, sweep, results)[0] for sweep in there}


def _claims(
    tables: Mapping[str, TableConfig], frames: Mapping[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """Check the statements one by one, so that one missing sweep hides no other verdict."""
    rows: list[dict[str, Any]] = []
    for name, table in tables.items():
        if not isinstance(table, claims.Config):
            raise ReluOptimaError(f"table {name!r} checks no statements", allowed="table: claims")
        for statement in table.claims:
            head = {"table": name, "claim": statement.claim}
            needed = set(_sweeps_in(statement.model_dump())) or {table.sweeps[0]}
            missing = sorted(needed - frames.keys())
            if missing:
                why = f"sweep {', '.join(missing)} has not been run"
                rows.append({**head, "verdict": NOT_RUN, "why": why})
                continue
            there = [s for s in table.sweeps if s in frames]
            one = table.model_copy(update={"claims": [statement], "macros": {}, "sweeps": there})
            try:
                result = claims.tabulate(frames, one)
            except ProductError as error:
                why = f"{error.where}: {error.problem}"
                rows.append({**head, "verdict": NOT_RUN, "why": why})
                continue
            for row in _rows_of(result.frame):
                shown = {
                    c.label: format_value(row[n], c.format, table.values)
                    for n, c in result.columns.items()
                    if n not in ("claim", "verdict")
                }
                verdict = NOT_RUN if row["verdict"] == "not measured" else row["verdict"]
                numbers = "; ".join(f"{k}: {v}" for k, v in shown.items())
                rows.append({**head, **row, "verdict": verdict, "why": numbers})
    return rows


def _rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _sweeps_in(value: Any) -> Iterator[str]:
    """Find every sweep that a statement names."""
    if isinstance(value, dict):
        if isinstance(value.get("sweep"), str):
            yield value["sweep"]
        for inner in value.values():
            yield from _sweeps_in(inner)


def counts(done: Reproduction) -> dict[tuple[str, str], Counter[str]]:
    """Count verdicts by item and variant."""
    out: dict[tuple[str, str], Counter[str]] = {}
    for c in done.comparisons:
        out.setdefault((c.item, c.variant), Counter())[c.verdict] += 1
    return out


_NUMBER_HEADS = ("row", "column", "published", "ours", "runs", "verdict", "why")
_CLAIM_HEADS = ("statement", "verdict", "numbers")


def _printed(c: Comparison, decimals: int) -> str:
    text = f"{c.published:.{decimals}f}"
    if c.published_low == c.published_low:
        text += f" ({c.published_low:.{decimals}f}/{c.published_high:.{decimals}f})"
    return text


def _ours(c: Comparison, decimals: int) -> str:
    places = decimals + 1  # one more than printed, so that rounding cannot hide a difference
    if c.ours != c.ours:
        return "–"
    text = f"{c.ours:.{places}f}"
    if c.ours_low == c.ours_low:
        text += f" ({c.ours_low:.{places}f}/{c.ours_high:.{places}f})"
    return text


def _number_cells(c: Comparison, decimals: int) -> list[str]:
    row = ", ".join(value_label(part, {}) for part in c.row.split(", "))
    return [
        row, c.column, _printed(c, decimals), _ours(c, decimals), str(c.runs), c.verdict, c.why,
    ]  # fmt: skip


def _sections(done: Reproduction) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    """Return title, heads and cells of each table shown."""
    out: list[tuple[str, tuple[str, ...], list[list[str]]]] = []
    for name, item in done.published.items.items():
        for variant in item.variants:
            rows = [
                _number_cells(c, item.decimals)
                for c in done.comparisons
                if (c.item, c.variant) == (name, variant)
            ]
            title = f"{item.title} [{variant}]" if len(item.variants) > 1 else item.title
            out.append((title, _NUMBER_HEADS, rows))
    if done.claims:
        rows = [[row["claim"], row["verdict"], row["why"]] for row in done.claims]
        out.append(("Statements in words", _CLAIM_HEADS, rows))
    return out


def _overview(done: Reproduction, name: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return heads and one row for each published number, our answers side by side."""
    item = done.published.items[name]
    rows: dict[tuple[str, str], list[str]] = {}
    for c in done.comparisons:
        if c.item == name:
            row = ", ".join(value_label(part, {}) for part in c.row.split(", "))
            line = rows.setdefault((c.row, c.column), [row, c.column, _printed(c, item.decimals)])
            ours = "" if c.ours != c.ours else f"{c.ours:.{item.decimals + 1}f} "
            line.append(ours + _SHORT[c.verdict])
    return ("row", "column", "published", *item.variants), list(rows.values())


def _summary(done: Reproduction) -> list[list[str]]:
    rows = []
    for (item, variant), found in counts(done).items():
        numbers = [str(found[v]) for v in VERDICTS]
        rows.append([item, variant, str(sum(found.values())), *numbers])
    return rows


_SUMMARY_HEADS = ("item", "ours", "numbers", *VERDICTS)


def _markdown(done: Reproduction) -> str:
    """Write the whole comparison as one page."""
    lines = [f"# {done.study} beside the published numbers", "", done.published.paper, ""]
    if done.comparisons:
        lines += _markdown_table(_SUMMARY_HEADS, _summary(done))
    for name, item in done.published.items.items():
        lines += [f"## {item.title}", "", *_markdown_table(*_overview(done, name))]
        lines += [_OVERVIEW_NOTE + ".", ""]
    for title, heads, rows in _sections(done):
        lines += [f"## {title}", "", *_markdown_table(heads, rows)]
    lines += ["## Sources", ""] if done.published.items else []
    for name, item in done.published.items.items():
        rule = f"{item.tolerance:g}{' relative' if item.relative else ''}"
        lines.append(f"- {name}: {item.source} Tolerance ±{rule}.")
    if done.published.unrecorded:
        lines += ["", "## Published without numbers that could be compared", ""]
        lines += [f"- {u.what}: {u.why}" for u in done.published.unrecorded]
    return "\n".join([*lines, ""])


def _markdown_table(heads: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    body = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in body), ""]


def show(done: Reproduction, console: Console, *, every: bool = False) -> None:
    """Print the verdicts."""
    console.print(f"{done.study}: {done.published.paper}", markup=False, soft_wrap=True)
    for name, item in done.published.items.items():
        console.print(_rich_table(item.title, *_overview(done, name)))
    if done.comparisons:
        console.print(_OVERVIEW_NOTE, markup=False, soft_wrap=True)
        console.print(_rich_table("Verdicts", _SUMMARY_HEADS, _summary(done)))
    for title, heads, rows in _sections(done):
        at = heads.index("verdict")
        compared = [r for r in rows if r[at] != NOT_RUN]
        if compared and (every or heads is _CLAIM_HEADS):
            console.print(_rich_table(title, heads, compared))
        # a sweep that was not run is one line, not a page
        for why, count in Counter(r[-1] for r in rows if r[at] == NOT_RUN).items():
            console.print(f"{title}: {count} not run: {why}", markup=False, soft_wrap=True)
    for gap in done.published.unrecorded:
        console.print(f"no numbers: {gap.what}: {gap.why}", markup=False, soft_wrap=True)


def _rich_table(title: str, heads: tuple[str, ...], rows: list[list[str]]) -> Table:
    """Lay out a table; its text is text, brackets included, never markup."""
    table = Table(title=Text(title), title_justify="left")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        style = next((_STYLES[c] for c in row if c in _STYLES), None)
        table.add_row(*map(Text, row), style=style)
    return table
