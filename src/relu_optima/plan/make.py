"""Study → sweeps → runs → batches. Reads ``conf/``, writes nothing, imports nothing numerical."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from relu_optima.config.base import NAME_PATTERN
from relu_optima.config.compose import (
    ComposeError,
    load_yaml,
    parse_override,
    presets,
    study_defaults,
)
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
from relu_optima.plan.expand import DATASETS, Expander, Keep
from relu_optima.plan.joining import SweepRuns
from relu_optima.plan.model import Batch, Entry, Manifest, Product, SweepInfo
from relu_optima.plan.overrides import Override
from relu_optima.plan.product_check import planned_digest, product_mistakes, sweep_mistakes
from relu_optima.plan.schema import StudyConfig, SweepConfig
from relu_optima.publish.config import ProductConfig
from relu_optima.publish.typeset import untypeset
from relu_optima.stage import STAGES

_OVERRIDDEN = re.compile(r"^(?P<base>[a-z][a-z0-9_]*)-(?P<tag>[0-9a-f]{8})$")
DATASETS_PER_BATCH = 25
DATASET_LIMIT = 3600.0  # seconds; a download may take long


@dataclass
class _Files:
    """The YAML files of one study, with every mistake found in them."""

    conf: Path
    problems: Problems = field(default_factory=Problems)

    def read(self, kind: str, name: str, asked_by: str) -> dict[str, Any] | None:
        """Read ``conf/<kind>/<name>.yaml``; a mistake is noted and None returned."""
        path = self.conf / kind / f"{name}.yaml"
        if not re.fullmatch(NAME_PATTERN, name) or not path.is_file():
            hint = did_you_mean(name, presets(self.conf, kind))
            self.problems.append(f"{asked_by}: there is no {kind} {name!r}; {hint}")
            return None
        try:
            return load_yaml(path)
        except ComposeError as error:
            self.problems.append(str(error))
            return None

    def path(self, kind: str, name: str) -> str:
        return f"{self.conf.name}/{kind}/{name}.yaml"


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
    files = _Files(conf)
    texts = list(overrides)
    try:
        study_defaults(conf)
    except ComposeError as error:
        raise ConfigError([str(error)]) from None
    content = files.read("study", study, "study")
    config = _validated(files, "study", study, content, StudyConfig)
    if config is None:
        # go on with what can be read, so that mistakes in other files are listed too
        config = _readable_study(content or {})
    asked = _read_overrides(files, texts)
    sweeps, asked_for = _read_sweeps(files, study, config.sweeps)
    models = {
        kind: _read_products(files, kind, names, study)
        for kind, names in (("figure", config.figures), ("table", config.tables))
    }
    for name in config.override:
        if name not in asked_for:
            where, hint = files.path("study", study), did_you_mean(name, sweeps)
            files.problems.append(f"{where}: override: no sweep {name!r} in this study; {hint}")
    expander = Expander(conf, files.problems, asked, study, config.override, keep)
    for name in _in_order(files, sweeps):
        expander.expand(name, sweeps[name])
    columns = expander.sweep_columns()
    for name, sweep in sweeps.items():
        where = files.path("sweep", name)
        files.problems.extend(sweep_mistakes(where, name, sweep, columns))
    for kind, found in models.items():
        for name, model in found.items():
            where = files.path(kind, name)
            files.problems.extend(product_mistakes(where, model, columns, asked_for, study))
    files.problems.extend(o.unread(study) for o in asked if not o.used and not files.problems)
    if files.problems:
        raise ConfigError(files.problems.lines())
    products = {kind: _planned(kind, found) for kind, found in models.items()}
    return _assemble(study, config, texts, sweeps, expander, _fitted(products, expander))


def plan_single_run(stage: str, overrides: Iterable[str], root: Path = Path()) -> Manifest:
    """Plan one run of one stage, with the upstream runs it needs at their presets."""
    conf = root / "conf"
    files = _Files(conf)
    if stage not in STAGES:
        raise ConfigError([f"command line: no stage {stage!r}; {did_you_mean(stage, STAGES)}"])
    texts = list(overrides)
    asked = _read_overrides(files, texts)
    files.problems.extend(
        f"command line: {o.key}: several values given; `run` makes one run"
        for o in asked
        if len(o.values) != 1
    )
    chain = [s for s in STAGES[stage].needs if s != "dataset"] + [stage]
    if any(o.key.split(".")[0] == "training" for o in asked) and stage in ("convex", "existence"):
        chain.insert(0, "training")
    sweeps = {
        name: SweepConfig(why="one run", stage=name, on=chain[i - 1 : i])  # type: ignore[arg-type]
        for i, name in enumerate(chain)
    }
    for override in asked:
        if override.key == "seed" and override.sweep is None:
            override.sweep = chain[0]  # the others follow it
    expander = Expander(conf, files.problems, asked)
    if not files.problems:
        for name in chain:
            expander.expand(name, sweeps[name])
    files.problems.extend(
        f"command line: {o.key}: stage {stage!r} does not read this key"
        for o in asked
        if not o.used and not files.problems
    )
    if files.problems:
        raise ConfigError(files.problems.lines())
    config = StudyConfig(title=f"One run of {stage}", sweeps=[stage])
    return _assemble("run", config, texts, sweeps, expander, {"figure": {}, "table": {}})


def _fitted(
    products: dict[str, dict[str, Product]], expander: Expander
) -> dict[str, dict[str, Product]]:
    """Fit figures and tables to what the command line set; leave out those with nothing to show."""

    def rows(sweep: str) -> list[dict[str, Any]]:
        if sweep not in expander.sweeps:
            return []  # the data sets
        return [expander.columns(sweep, e) for e in expander.sweeps[sweep].entries]

    fitted: dict[str, dict[str, Product]] = {}
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


def _validated(
    files: _Files, kind: str, name: str, content: dict[str, Any] | None, model: type[Any]
) -> Any:
    if content is None:
        return None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        where = files.path(kind, name)
        files.problems.extend(f"{where}: {m.key}: {m.text}" for m in explain(error, model))
        return None


def _readable_study(content: dict[str, Any]) -> StudyConfig:
    def names(key: str) -> list[str]:
        value = content.get(key)
        return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []

    return StudyConfig.model_construct(
        title="-",
        sweeps=names("sweeps"),
        figures=names("figures"),
        tables=names("tables"),
        override={},
    )


def _read_overrides(files: _Files, texts: list[str]) -> list[Override]:
    out = []
    for text in texts:
        scope = re.match(r"([a-z][a-z0-9_]*):", text)
        try:
            rest = text[scope.end() :] if scope else text
            key, values, _ = parse_override(rest, files.conf, "command line")
        except ComposeError as error:
            files.problems.append(str(error))
            continue
        out.append(Override(key, values, scope[1] if scope else None, text=text))
    return out


def _read_sweeps(
    files: _Files, study: str, names: list[str]
) -> tuple[dict[str, SweepConfig], set[str]]:
    """Return the sweeps that can be read, and the names of all that are asked for.

    Where a name is misspelt, the one that was meant is asked for too: what else names it is right.
    """
    found: dict[str, SweepConfig] = {}
    todo = [(name, files.path("study", study)) for name in names]
    seen: set[str] = set()
    while todo:
        name, asked_by = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name == DATASETS:
            files.problems.append(f"{asked_by}: the name {DATASETS!r} is taken by the planner")
            continue
        content = files.read("sweep", name, f"{asked_by}: sweeps")
        sweep = _validated(files, "sweep", name, content, SweepConfig)
        if sweep is None:
            continue
        found[name] = sweep
        todo += [(upstream, files.path("sweep", name)) for upstream in sweep.on]
    meant = {near for name in seen - set(found) for near in _nearest(files, "sweep", name)}
    return found, seen | meant | {DATASETS}


def _nearest(files: _Files, kind: str, name: str) -> list[str]:
    known = presets(files.conf, kind)
    return [] if name in known else difflib.get_close_matches(name, known, n=1, cutoff=0.5)


def _in_order(files: _Files, sweeps: dict[str, SweepConfig]) -> list[str]:
    order: list[str] = []
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            ring = " -> ".join([*trail[trail.index(name) :], name])
            files.problems.append(f"{files.path('sweep', name)}: on: cycle {ring}")
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


def _read_products(
    files: _Files, kind: str, names: list[str], study: str
) -> dict[str, ProductConfig]:
    out = {}
    for name in names:
        content = files.read(kind, name, f"{files.path('study', study)}: {kind}s")
        if content is None:
            continue
        try:
            model = validate_group(kind, content)
        except InvalidGroup as error:
            where = files.path(kind, name)
            files.problems.extend(f"{where}: {m.key}: {m.text}" for m in error.mistakes)
            continue
        assert isinstance(model, ProductConfig)
        where = files.path(kind, name)
        mistakes = untypeset(kind, model.model_dump(mode="json"))
        files.problems.extend(f"{where}: {mistake}" for mistake in mistakes)
        out[name] = model
    return out


def _planned(kind: str, models: Mapping[str, ProductConfig]) -> dict[str, Product]:
    out = {}
    for name, model in models.items():
        config = model.model_dump(mode="json")
        out[name] = Product(name, config, list(model.sweeps), planned_digest(kind, model, ""))
    return out


def _assemble(
    study: str,
    config: StudyConfig,
    overrides: list[str],
    sweeps: dict[str, SweepConfig],
    expander: Expander,
    products: dict[str, dict[str, Product]],
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
        title=config.title,
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
