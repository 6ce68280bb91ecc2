"""Studies in tests: parts written one file each, and what the repository's own studies hold."""

import copy
import functools
import shutil
import textwrap
from pathlib import Path
from typing import Any

from relu_optima.plan.make import make_plan
from relu_optima.plan.study_files import Kind, all_parts

REPOSITORY = Path(__file__).resolve().parents[1]
CONF = REPOSITORY / "conf"


def put(root: Path, name: str, text: str, study: str = "s") -> Path:
    """Write a preset, a study's own file, or one part of a study into a file of its own.

    `name` is ``<group>/<preset>``, ``study/<name>`` or ``sweep/<name>``, ``figure/``, ``table/``.
    """
    kind, _, last = name.partition("/")
    path = root / "conf" / f"{name}.yaml"
    if kind == "study":
        path = root / "conf/study" / last / "study.yaml"
    elif kind in ("sweep", "figure", "table"):
        path = root / "conf/study" / study / f"{kind}_{last}.yaml"
        text = f"{kind}s:\n  {last}:\n{textwrap.indent(text, '    ')}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def replace_study(root: Path, name: str, text: str) -> None:
    """Write a study of one file in place of one that was copied."""
    shutil.rmtree(root / "conf/study" / name, ignore_errors=True)
    (root / "conf/study" / f"{name}.yaml").write_text(text)


def parts(kind: Kind) -> dict[str, dict[str, Any]]:
    """Return what the repository's studies define of a kind, by ``<study>/<name>``."""
    return copy.deepcopy(_parts(kind))


@functools.cache
def _parts(kind: Kind) -> dict[str, dict[str, Any]]:
    return {f"{study}/{name}": part.values for study, name, part in all_parts(CONF, kind)}


def part(kind: Kind, name: str) -> dict[str, Any]:
    """Return one of them by its name alone."""
    (found,) = (v for key, v in parts(kind).items() if key.split("/")[1] == name)
    return found


def run_tables() -> dict[str, dict[str, Any]]:
    """Return the tables of all runs that the planner makes, by ``<study>/<name>``."""
    shown = {key.split("/")[0] for key, sweep in parts("sweep").items() if "show" in sweep}
    written = parts("table")
    return {
        f"{study}/{name}": table.config
        for study in sorted(shown)
        for name, table in make_plan(study, root=REPOSITORY).tables.items()
        if f"{study}/{name}" not in written
    }
