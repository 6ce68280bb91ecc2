"""Write first files of a project, a study or a plug-in; nothing that is there is written over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from relu_optima.config.base import NAME_PATTERN
from relu_optima.config.places import CONF, PLUGINS, home, layers
from relu_optima.config.plugins import PLUGIN_PACKAGES, plugin_names
from relu_optima.config.reads import GROUPS
from relu_optima.config.validate import did_you_mean
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.study_files import FOLDER, own_studies

# what `new` can write besides a sweep, and its config group
PLUGIN_KINDS = {
    "figure": "figure", "pattern": "pattern", "pruner": "pruning", "loader": "dataset",
}  # fmt: skip
_TEMPLATES = Path(__file__).with_name("templates")
_IGNORED = "/results/\n/.snakemake/\n__pycache__/\n"
_TITLE = "title: A study of NAME         # heading of the report\n\n"


def init(folder: Path) -> list[Path]:
    """Make a project that runs at once: a study of one sweep, with its figure and table."""
    name = _checked(folder.absolute().name)
    study = folder / CONF / FOLDER / f"{name}.yaml"
    return _write(
        {
            study: _filled(_TITLE + _template("sweep.yaml"), name, name),
            folder / ".gitignore": _IGNORED,
            folder / PLUGINS / "README.md": _template("plugins.md"),
        }
    )


def new_sweep(name: str, root: Path, study: str = "") -> list[Path]:
    """Write a sweep with figure and table: a study of its own, or one more file of a study."""
    studies = root / CONF / FOLDER
    layers(root / CONF)  # refuses a folder that is no project
    _checked(name)
    if not study:
        text = _filled(_TITLE + _template("sweep.yaml"), name, name)
        return _write({studies / f"{name}.yaml": text})
    if study not in own_studies(root / CONF):
        hint = did_you_mean(study, own_studies(root / CONF))
        raise ReluOptimaError(f"this project has no study {study!r}; {hint}", where="--study")
    if not (studies / study).is_dir():
        raise ReluOptimaError(
            f"study {study!r} is one file, {studies / study}.yaml",
            where="--study",
            fix=f"put it into a folder: {studies / study}/study.yaml",
        )
    text = _filled(_template("sweep.yaml"), name, study)
    return _write({studies / study / f"{name}.yaml": text})


def new_plugin(kind: str, name: str, root: Path) -> list[Path]:
    """Write a plug-in and a preset that names it: to the project, or to the package in a checkout.

    A kind of figure has no preset; studies name it.
    """
    layers(root / CONF)
    _checked(name)
    group = PLUGIN_KINDS[kind]
    package, key = PLUGIN_PACKAGES[group]
    if name in plugin_names(group):
        raise ReluOptimaError(f"there is a {kind} {name!r} already", fix="take another name")
    folder = root / PLUGINS / group
    if root.absolute() == home():
        folder = root.joinpath("src", *package.split("."))
    files = {folder / f"{name}.py": _filled(_template(f"{kind}.py.txt"), name)}
    if group in GROUPS:
        files[root / CONF / group / f"{name}.yaml"] = f"{key}: {name}\n"
    return _write(files)


def _checked(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise ReluOptimaError(f"{name!r} is no name", allowed="a-z, 0-9 and _, a letter first")
    return name


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _filled(text: str, name: str, study: str = "") -> str:
    return text.replace("STUDY", study).replace("NAME", name)


def _write(files: Mapping[Path, str]) -> list[Path]:
    """Write all files or, where one of them is there, none."""
    for path in files:
        if path.exists():
            raise ReluOptimaError("is there already", where=str(path), fix="take another name")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
