"""What lies where in a bundle, for those who write one and those who verify it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relu_optima.plan.model import Manifest

CHECKSUMS, CRATE, GUIDE, VERSIONS = (
    "manifest-sha256.txt", "ro-crate-metadata.json", "README.md", "versions.json",
)  # fmt: skip
RECORDS = "records"
COPIED = ("CITATION.cff", "LICENSE", "requirements.lock")  # of the project, as far as it has them
BESIDES = frozenset({"plan.json", CHECKSUMS, CRATE, GUIDE, VERSIONS, *COPIED})


def published(plan: Manifest) -> Iterator[str]:
    """Name the files of a bundle that are made from the records."""
    from relu_optima.store.layout import product_files, sweep_file

    paths = [sweep_file(Path(), plan.study, sweep) for sweep in plan.sweeps]
    for kind, products in (("table", plan.tables), ("figure", plan.figures)):
        for name in products:
            paths += product_files(Path(), plan.study, kind, name)
    yield from (path.relative_to(plan.study).as_posix() for path in paths)
    if plan.tables or plan.figures:
        yield "report.html"
