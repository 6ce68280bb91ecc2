"""The plans that lie below ``results``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from relu_optima.errors import StoreError
from relu_optima.plan.make import make_plan, split_study_name
from relu_optima.plan.model import REPAIR, Manifest, read_manifest
from relu_optima.store.layout import plan_file


def all_plans(results: Path) -> Iterator[tuple[Path, Manifest | StoreError]]:
    """Read every plan in a results folder."""
    signs = ("*/plan.json", "*/batches")
    for study in sorted({p.parent.name for sign in signs for p in results.glob(sign)}):
        path = plan_file(results, study)
        try:
            yield path, read_plan(results, study)
        except StoreError as error:
            yield path, error


def read_plan(results: Path, study: str) -> Manifest:
    """Read the plan of a study."""
    path = plan_file(results, study)
    plan = read_manifest(path)
    if plan.study != study:
        raise StoreError(
            f"damaged plan: it is the plan of study {plan.study!r}", where=str(path), fix=REPAIR
        )
    return plan


def plan_now(study: object, root: Path = Path()) -> Manifest:
    """Plan a study by its name, as the configuration and the code are now."""
    base, overridden = split_study_name(study)
    overrides = read_plan(root / "results", str(study)).overrides if overridden else []
    manifest = make_plan(base, overrides, root)
    if manifest.study != study:
        where = str(plan_file(root / "results", str(study)))
        raise StoreError(f"damaged plan: {study!r} is not made of {overrides}", where=where)
    return manifest
