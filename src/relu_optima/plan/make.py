"""Study → sweeps → runs → batches. Reads ``conf/``, writes nothing, imports nothing numerical."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from relu_optima.config.base import NAME_PATTERN
from relu_optima.config.compose import ComposeError, parse_override, study_defaults
from relu_optima.config.identity import digest
from relu_optima.config.problems import Problems
from relu_optima.config.validate import (
    InvalidGroup,
    did_you_mean,
    explain,
    validate_group,
)
from relu_optima.errors import ConfigError
from relu_optima.plan.code_key import rows_key
from relu_optima.plan.expand import DATASETS, Expander
from relu_optima.plan.joining import SweepRuns
from relu_optima.plan.model import Batch, Entry, Manifest, Product, SweepInfo
from relu_optima.plan.overrides import COMMAND_LINE, Override
from relu_optima.plan.product_check import planned_digest, product_mistakes, sweep_mistakes
from relu_optima.plan.run_book import Keep
from relu_optima.plan.run_tables import run_table
from relu_optima.plan.schema import SweepConfig
from relu_optima.plan.study_files import Kind, StudyFiles, read_study
from relu_optima.publish.config import ProductConfig
from relu_optima.publish.typeset import untypeset
from relu_optima.stage import STAGES

_OVERRIDDEN = re.compile(r"^(?P<base>[a-z][a-z0-9_]*)-(?P<tag>[0-9a-f]{8})$")
DATASETS_PER_BATCH = 25
PRODUCTS: tuple[Kind, ...] = ("figure", "table")
DATASET_LIMIT = 3600.0  # seconds; a download may take long


def study_name(base: str, overrides: list[str]) -> str:
    """Name the study that some overrides make."""
    return f"{base}-{digest(sorted(overrides))[:8]}" if overrides else base


def split_study_name(study: object) -> tuple[str, bool]:
    """Take a study's name apart."""
    text = study if isinstance(study, str) else ""  # Snakemake reads `study=42` as a number
    if re.fullmatch(NAME_PATTERN, text):
        return text, False
    match = _OVERRIDDEN.match(text)
    if match is None:
        raise ConfigError([f"{study!r} is no name of a study; allowed: a-z, 0-9 and _"])
    return match["base"], True


def make_plan(
    study: str,
    overrides: Iterable[str] = (),
    root: Path = Path(),
    *,
    keep: Keep | None = None,
) -> Manifest:
    """Plan a study."""
    conf = root / "conf"
    problems = Problems()
    texts = list(overrides)
    try:
        study_defaults(conf)
    except ComposeError as error:
        raise ConfigError([str(error)]) from None
    files = read_study(conf, study, problems)
    if files is None:
        raise ConfigError(problems.lines())
    files.follow_shared()
    asked = _read_overrides(conf, problems, texts)
    sweeps, places, asked_for = _read_sweeps(files)
    models = {kind: _read_products(files, kind) for kind in PRODUCTS}
    for name in files.override:
        if name not in asked_for and files.readable:
            hint = did_you_mean(name, sweeps)
            problems.append(
                f"{files.override_at}: override: no sweep {name!r} in this study; {hint}"
            )
    expander = Expander(conf, problems, asked, files.override, files.override_at, keep)
    for name in _in_order(problems, sweeps, places):
        expander.expand(name, sweeps[name], places[name])
    columns = expander.sweep_columns()
    for name, sweep in sweeps.items():
        if sweep.show and name in columns and files.owns("sweep", name):
            _add_run_table(problems, name, sweep, places[name], expander, models["table"])
    for name, sweep in sweeps.items():
        problems.extend(sweep_mistakes(places[name], name, sweep, columns))
    for found in models.values() if files.readable else ():
        for where, model in found.values():
            figures = models["figure"]
            problems.extend(product_mistakes(where, model, columns, asked_for, study, figures))
    problems.extend(o.unread(study) for o in asked if not o.used and not problems)
    if problems:
        raise ConfigError(problems.lines())
    products = {
        kind: _planned(kind, {name: model for name, (_, model) in found.items()})
        for kind, found in models.items()
    }
    return _assemble(study, files.title, texts, sweeps, expander, _fitted(products, expander))


def plan_single_run(stage: str, overrides: Iterable[str], root: Path = Path()) -> Manifest:
    """Plan one run of one stage, with the upstream runs it needs at their presets."""
    conf = root / "conf"
    problems = Problems()
    if stage not in STAGES:
        raise ConfigError([f"command line: no stage {stage!r}; {did_you_mean(stage, STAGES)}"])
    texts = list(overrides)
    asked = _read_overrides(conf, problems, texts)
    problems.extend(
        f"command line: {o.key}: several values given; `run` makes one run"
        for o in asked
        if len(o.values) != 1
    )
    chain = [s for s in STAGES[stage].needs if s != "dataset"] + [stage]
    if any(o.key.split(".")[0] == "training" for o in asked) and stage in ("convex", "existence"):
        chain.insert(0, "training")
    sweeps = {
        name: SweepConfig(why="one run", stage=name, on=chain[i - 1 : i])
        for i, name in enumerate(chain)
    }
    for override in asked:
        if override.key == "seed" and override.sweep is None:
            override.sweep = chain[0]  # the others follow it
    expander = Expander(conf, problems, asked)
    if not problems:
        for name in chain:
            expander.expand(name, sweeps[name], COMMAND_LINE)
    problems.extend(
        f"command line: {o.key}: stage {stage!r} does not read this key"
        for o in asked
        if not o.used and not problems
    )
    if problems:
        raise ConfigError(problems.lines())
    nothing: dict[Kind, dict[str, Product]] = {kind: {} for kind in PRODUCTS}
    return _assemble("run", f"One run of {stage}", texts, sweeps, expander, nothing)


def _fitted(
    products: dict[Kind, dict[str, Product]], expander: Expander
) -> dict[Kind, dict[str, Product]]:
    """Fit figures and tables to what the command line set; leave out those with nothing to show."""

    def rows(sweep: str) -> list[dict[str, Any]]:
        if sweep not in expander.sweeps:
            return []  # the data sets
        return [expander.columns(sweep, e) for e in expander.sweeps[sweep].entries]

    fitted: dict[Kind, dict[str, Product]] = {}
    for kind, found in products.items():
        made = {name: expander.line.fit(kind, product, rows) for name, product in found.items()}
        fitted[kind] = {
            name: replace(product, digest=planned_digest(kind, _model(kind, product), ""))
            for name, product in made.items()
            if product is not None
        }
    return fitted


def _model(kind: str, product: Product) -> ProductConfig:
    model = validate_group(kind, product.config)
    assert isinstance(model, ProductConfig)
    return model


def _read_overrides(conf: Path, problems: Problems, texts: list[str]) -> list[Override]:
    out = []
    for text in texts:
        scope = re.match(r"([a-z][a-z0-9_]*):", text)
        try:
            rest = text[scope.end() :] if scope else text
            key, values, _ = parse_override(rest, conf, COMMAND_LINE)
        except ComposeError as error:
            problems.append(str(error))
            continue
        out.append(Override(key, values, scope[1] if scope else None, text=text))
    return out


def _read_sweeps(files: StudyFiles) -> tuple[dict[str, SweepConfig], dict[str, str], set[str]]:
    """Return the sweeps that can be read, their places, and the names of all that are asked for.

    Where a name is misspelt, the one that was meant is asked for too: what else names it is right.
    """
    found: dict[str, SweepConfig] = {}
    places: dict[str, str] = {}
    known = files.names("sweep")
    todo = [(name, files.where) for name in known]
    if not todo and files.readable:
        files.problems.append(f"{files.where}: sweeps: a study has at least one")
    seen: set[str] = set()
    meant: set[str] = set()
    while todo:
        name, asked_by = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name == DATASETS:
            files.problems.append(f"{asked_by}: the name {DATASETS!r} is taken by the planner")
            continue
        part = files.part("sweep", name)
        if part is None:
            meant.update(difflib.get_close_matches(name, known, n=1, cutoff=0.5))
            if files.readable and name not in known:
                hint = did_you_mean(name, known)
                files.problems.append(f"{asked_by}: there is no sweep {name!r}; {hint}")
            continue
        places[name] = part.where
        try:
            sweep = SweepConfig.model_validate(part.values)
        except ValidationError as error:
            mistakes = explain(error, SweepConfig)
            files.problems.extend(f"{part.where}: {m.key}: {m.text}" for m in mistakes)
            continue
        found[name] = sweep
        todo += [(upstream, f"{part.where}: on") for upstream in sweep.on]
    return found, places, seen | meant | {DATASETS}


def _in_order(
    problems: Problems, sweeps: Mapping[str, SweepConfig], places: Mapping[str, str]
) -> list[str]:
    order: list[str] = []
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            ring = " -> ".join([*trail[trail.index(name) :], name])
            problems.append(f"{places[name]}: on: cycle {ring}")
            return
        if name in done or name not in sweeps:
            return
        for upstream in sweeps[name].on:
            visit(upstream, (*trail, name))
        if name not in done:
            done.add(name)
            order.append(name)

    for name in sweeps:
        visit(name, ())
    return order


def _read_products(files: StudyFiles, kind: Kind) -> dict[str, tuple[str, ProductConfig]]:
    """Return the figures or tables that can be read, each with its place."""
    out = {}
    for name in files.names(kind):
        part = files.part(kind, name)
        if part is None:
            continue  # told where it is shared
        try:
            model = validate_group(kind, part.values)
        except InvalidGroup as error:
            files.problems.extend(f"{part.where}: {m.key}: {m.text}" for m in error.mistakes)
            continue
        assert isinstance(model, ProductConfig)
        mistakes = untypeset(kind, model.model_dump(mode="json"))
        files.problems.extend(f"{part.where}: {mistake}" for mistake in mistakes)
        out[name] = part.where, model
    return out


def _add_run_table(
    problems: Problems,
    name: str,
    sweep: SweepConfig,
    where: str,
    expander: Expander,
    tables: dict[str, tuple[str, ProductConfig]],
) -> None:
    """Add the table of all runs of a sweep."""
    rows = [expander.columns(name, entry) for entry in expander.sweeps[name].entries]
    if f"runs_{name}" in tables:
        problems.append(f"{where}: show: table 'runs_{name}' is there already; remove one")
        return
    model = validate_group("table", run_table(name, sweep, rows))
    assert isinstance(model, ProductConfig)
    tables[f"runs_{name}"] = f"{where}: show", model


def _planned(kind: str, models: Mapping[str, ProductConfig]) -> dict[str, Product]:
    out = {}
    for name, model in models.items():
        config = model.model_dump(mode="json")
        out[name] = Product(name, config, list(model.sweeps), planned_digest(kind, model, ""))
    return out


def _assemble(
    study: str,
    title: str,
    overrides: list[str],
    sweeps: dict[str, SweepConfig],
    expander: Expander,
    products: dict[Kind, dict[str, Product]],
) -> Manifest:
    home: dict[str, list[str]] = {}
    batches: dict[str, Batch] = {}
    infos: dict[str, SweepInfo] = {}
    every = dict(expander.sweeps)
    if expander.datasets.entries:
        every = {DATASETS: expander.datasets, **every}
    for name, runs in every.items():
        sweep = sweeps.get(name)
        infos[name] = SweepInfo(
            name=name,
            stage=runs.stage,
            why=sweep.why if sweep else "The data sets that the other sweeps read.",
            on=[n for n in sweep.on if n in every] if sweep else [],
            seconds_per_run=sweep.seconds_per_run if sweep else 1.0,
            hard_limit=sweep.hard_limit if sweep else DATASET_LIMIT,
        )
        size = sweep.max_runs if sweep else DATASETS_PER_BATCH
        keys = sweep.batch_by if sweep else []
        for index, entries in enumerate(_fill(runs, keys, size, expander)):
            batch_id = f"{name}/{index:05d}"
            inputs = sorted(
                {
                    batch
                    for entry in entries
                    for upstream in expander.runs[entry.run].upstream.values()
                    for batch in home.get(upstream, [])
                }
            )
            lines = [[e.run, expander.runs[e.run].code_key, e.choices, e.on] for e in entries]
            content = digest([rows_key(), name, infos[name].on, lines])
            batches[batch_id] = Batch(batch_id, name, runs.stage, entries, content, inputs)
            for entry in entries:
                home.setdefault(entry.run, []).append(batch_id)
    return Manifest(
        study=study_name(study, overrides),
        base=study,
        title=title,
        overrides=sorted(overrides),
        sweeps=infos,
        runs=expander.runs,
        batches=batches,
        figures=_noted("figure", products["figure"], every, expander),
        tables=_noted("table", products["table"], every, expander),
        rows=rows_key(),
        environments=expander.environments,
        accepted=expander.accepted,
        notices=expander.line.notices,
    )


def _noted(
    kind: str, products: dict[str, Product], sweeps: Mapping[str, SweepRuns], expander: Expander
) -> dict[str, Product]:
    """Have each product say which of the runs behind it other libraries computed."""
    out = {}
    for name, product in products.items():
        direct = {run for s in product.sweeps if s in sweeps for run in sweeps[s].by_run}
        behind = direct.union(*(expander.runs[run].upstream.values() for run in direct))
        accepted = sorted(behind & expander.accepted.keys())
        if accepted:
            changes = sorted({c for run in accepted for c in expander.accepted[run]})
            note = (
                f"{len(accepted)} of the {len(behind)} runs behind this were computed in another "
                f"environment and accepted ({'; '.join(changes)})"
            )
            content = planned_digest(kind, _model(kind, product), note)
            out[name] = replace(product, note=note, digest=content)
        else:
            out[name] = product
    return out


def _fill(runs: SweepRuns, batch_by: list[str], size: int, expander: Expander) -> list[list[Entry]]:
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in runs.entries:
        columns = expander.columns(runs.name, entry) if batch_by else {}
        groups.setdefault(tuple(repr(columns.get(k)) for k in batch_by), []).append(entry)
    return [g[i : i + size] for g in groups.values() for i in range(0, len(g), size)]
