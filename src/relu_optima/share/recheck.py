"""Hold records against the plan they are said to belong to, and re-check their certificates.

Every address is a hash: a run id of the configuration, a code key of the code, the libraries and
the upstream keys. So a record that was moved, relabelled or made by other code than its plan says
is seen without running anything; what it claims is then checked by its stage's own `verify`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from relu_optima.config.identity import run_id
from relu_optima.config.validate import reach, validate_group
from relu_optima.errors import MissingExtraError, ReluOptimaError, StoreError, extras_named
from relu_optima.plan.code_key import address_of, key_of
from relu_optima.plan.environment import Environment
from relu_optima.plan.model import Manifest, PlannedRun
from relu_optima.share.packs import Address
from relu_optima.stage import STAGES, Record
from relu_optima.store.certificates import UncheckableError, certificate_problems
from relu_optima.store.records import Store

HELD = 64  # upstream records in memory


@dataclass
class Verdict:
    """What became of what somebody claims.

    Attributes
    ----------
    proved : list of str
        What was checked and holds.
    unproved : list of str
        What could not be checked here, and why.
    refused : list of str
        What is wrong, and where.
    """

    proved: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def plan_problems(plan: Manifest) -> Iterator[str]:
    """Say what does not fit together in a plan whose checksum is right."""
    for name, run in plan.runs.items():
        if (
            name != run.id
            or run.stage not in STAGES
            or not plan.runs.keys() >= {*run.upstream.values()}
        ):
            yield f"plan.json: run {name} is of no stage, or builds on runs that are not planned"
            continue
        # a run that draws nothing is that of seed 0
        seed = 0 if run.seed is None and run.stage != "dataset" else run.seed
        if run_id(run.stage, seed, run.scientific, run.upstream) != run.id:
            yield f"plan.json: run {name}: its configuration is not the one it is named after"
        keys = [plan.runs[u].code_key for u in run.upstream.values()]
        environment = Environment.from_json(plan.environments[run.environment])
        if address_of(run.code, environment, keys) != run.code_key:
            yield f"plan.json: run {name}: its code key is not made of its code and libraries"
    for batch in plan.batches.values():
        if batch.sweep not in plan.sweeps or not plan.runs.keys() >= {e.run for e in batch.entries}:
            yield f"plan.json: batch {batch.id} is of no sweep, or holds runs that are not planned"


def membership_problems(plan: Manifest, there: set[Address], named: set[Address]) -> Iterator[str]:
    """Say which runs have no record, and which records belong to no run.

    `there` are the records that were taken, `named` those that an index lists; what was not taken
    of these has been refused by name already.
    """
    wanted = {(run.id, run.code_key) for run in plan.runs.values()}
    for run, key in sorted(wanted - there - named):
        yield f"run {run} ({plan.runs[run].stage}): there is no record {run}/{key}: it was left out"
    for run, key in sorted(there - wanted):
        if run in plan.runs:
            yield (
                f"record {run}/{key} ({plan.runs[run].stage}): it is of other code than the plan, "
                f"which names {run}/{plan.runs[run].code_key}"
            )
        else:
            yield f"record {run}/{key}: the plan has no such run"


def check_records(plan: Manifest, store: Store, verdict: Verdict) -> None:
    """Re-check every record of a plan that is in the store."""

    @lru_cache(HELD)
    def upstream_record(run: str) -> Record:
        return store.load(run, plan.runs[run].code_key)

    # runs on one data set and one solution in a row
    runs = sorted(plan.runs.values(), key=lambda r: (*sorted(r.upstream.values()), r.id))
    sound, other = 0, 0
    for run in runs:
        if not store.has(run.id, run.code_key):
            continue
        where = f"record {run.id}/{run.code_key} ({run.stage})"
        installed = _is_installed(plan, run)
        other += installed is False
        try:
            record = store.load(run.id, run.code_key)
            wrong = list(_identity_problems(plan, run, record))
            if not wrong:
                upstream = {stage: upstream_record(u) for stage, u in run.upstream.items()}
                with extras_named():
                    wrong = certificate_problems(record, upstream)
        except StoreError as error:
            wrong = [error.problem]
        except MissingExtraError as error:
            verdict.unproved.append(f"{where}: {error}")
            continue
        except UncheckableError as error:
            if installed is False:
                verdict.unproved.append(
                    f"{where}: computed by other code than is installed; {error}"
                )
                continue
            wrong = [str(error)]
        verdict.refused += [f"{where}: {text}" for text in wrong]
        sound += not wrong
    verdict.proved.append(
        f"{sound} of {len(runs)} runs have a record of the planned code whose certificate holds"
    )
    if other:
        verdict.proved[-1] += f"; {other} were computed by other code than is installed here"


def _identity_problems(plan: Manifest, run: PlannedRun, record: Record) -> Iterator[str]:
    """Say how a record differs from the run it is said to be."""
    if record.stage != run.stage:
        yield f"it is of stage {record.stage!r}"
    planned: dict[str, Any] = {
        "seed": run.seed, "groups": run.scientific, "upstream": run.upstream,
    }  # fmt: skip
    if record.config != planned:
        yield "its configuration is not the planned one"
    origin = record.origin
    if origin.get("code") != run.code:
        yield f"it is of other code ({origin.get('code')}) than the plan ({run.code})"
    if origin.get("environment") != plan.environments[run.environment]:
        yield "it names other libraries than the plan"
    if origin.get("upstream") != {s: plan.runs[u].code_key for s, u in run.upstream.items()}:
        yield "it was built on other records than the plan says"


def _is_installed(plan: Manifest, run: PlannedRun) -> bool | None:
    """Tell whether the code that is installed here is a run's; None if that cannot be said."""
    try:
        found = [reach(g, validate_group(g, values)) for g, values in run.groups.items()]
    except (ReluOptimaError, ImportError, OSError):
        return None  # of a plug-in or a file that is not here
    key = key_of(run.stage, found, [plan.runs[u] for u in run.upstream.values()])
    return key.code == run.code
