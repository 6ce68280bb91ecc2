"""Write the first files of a project or a study; nothing that is there is written over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from relu_optima.config.base import NAME_PATTERN
from relu_optima.config.places import CONF, layers
from relu_optima.config.validate import did_you_mean
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.study_files import FOLDER, own_studies

_TEMPLATES = Path(__file__).with_name("templates")
_IGNORED = "/results/\n/.snakemake/\n__pycache__/\n"
_TITLE = "title: A study of NAME         # heading of the report\n\n"


def init(folder: Path) -> list[Path]:
    """Make a project that runs at once: a study of one sweep, with its figure and table."""
    name = _checked(folder.absolute().name)
    study = folder / CONF / FOLDER / f"{name}.yaml"
    return _write({study: _TITLE + _template("sweep.yaml"), folder / ".gitignore": _IGNORED}, name)


def new_sweep(name: str, root: Path, study: str = "") -> list[Path]:
    """Write a sweep with figure and table: a study of its own, or one more file of a study."""
    studies = root / CONF / FOLDER
    layers(root / CONF)  # refuses a folder that is no project
    _checked(name)
    if not study:
        return _write({studies / f"{name}.yaml": _TITLE + _template("sweep.yaml")}, name)
    if study not in own_studies(root / CONF):
        hint = did_you_mean(study, own_studies(root / CONF))
        raise ReluOptimaError(f"this project has no study {study!r}; {hint}", where="--study")
    if not (studies / study).is_dir():
        raise ReluOptimaError(
            f"study {study!r} is one file, {studies / study}.yaml",
            where="--study",
            fix=f"put it into a folder: {studies / study}/study.yaml",
        )
    return _write({studies / study / f"{name}.yaml": _template("sweep.yaml")}, name, study)


def _checked(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise ReluOptimaError(f"{name!r} is no name", allowed="a-z, 0-9 and _, a letter first")
    return name


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _write(files: Mapping[Path, str], name: str, study: str = "") -> list[Path]:
    """Write all files or, where one of them is there, none."""
    for path in files:
        if path.exists():
            raise ReluOptimaError("is there already", where=str(path), fix="take another name")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("STUDY", study or name).replace("NAME", name)
        path.write_text(text, encoding="utf-8")
    return list(files)
