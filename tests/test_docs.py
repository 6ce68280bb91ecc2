"""Every command and block of code in README.md and docs/ does what the page says it does."""

import argparse
import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
import yaml
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.config.base import Group
from relu_optima.config.compose import compose_preset, study_defaults
from relu_optima.config.validate import validate_group
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.make import make_plan, plan_single_run
from relu_optima.reproduce.published import load_published
from relu_optima.stage import STAGES
from tests.studies import part

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "api").glob("*.md"))]

# Commands that these tests take apart without running them, and why.
NOT_RUN = {
    "relu-optima study": "takes minutes; the Makefile's command for it is planned",
    "relu-optima reproduce": "needs results of a study of 40 minutes, on data from elsewhere",
    "make test": "this very test is part of it",
    "make test-all": "the same",
    "make mutants": "runs tests once for each line that it weakens",
    "make docs": "tests/test_site.py builds the site",
    "make paper": "tests/workflow/test_paper.py writes one",
    "pip": "needs a package index; tests/installed.py lays the package out as a wheel does",
    "make fuzz": "forty minutes",
    "python -m tests.fuzz": "as long as one likes; tests/fuzz runs it for seconds",
}
# Blocks that show something to look at, by page and beginning.
PICTURES = {
    ("architecture.md", "config ──► plan"): "how data flow",
    ("publish.md", "results/<study>/sweeps/*.parquet ──►"): "how data flow",
    ("datasets.md", "uci/<name>.csv"): "what a data folder holds",
    ("extending.md", "[project.entry-points"): "an entry point; a wheel is built with it",
    (
        "extending.md",
        "from relu_optima.config.places import home",
    ): "tests/test_scaffold.py runs it",
}
# What Sphinx reads; tests/test_site.py holds it to the pages and names that there are.
DIRECTIVES = {"{toctree}", "{eval-rst}"}
# Blocks of YAML that do not name their file in the first line.
UNNAMED = {
    ("publish.md", "macros:"): "macros",
    ("publish.md", "caption: >-"): "claims",
    ("cluster.md", "# site/profile.yaml"): "profile",
}
# Python that works on the results of a study, or on what a command of its page has written.
READS = ("relu_optima.results(", "ro.results(", 'np.load("net.npz")')
# Python that writes what a command of its page reads.
WRITES = ('Path("solution.json")',)
TABLE = np.random.default_rng(0).standard_normal((30, 3))  # a CSV file of somebody
TINY = """\
title: The default study made small
share:
  whole: {sweeps: [convex_lambda], tables: [lambda_optima]}
override:
  convex_lambda:
    dataset: planted_binary
    dataset.n: 24
    convex: gated
    convex.lam: [0.5]
    convex.gates.count: 6
    seed: [0, 1]
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [i for i, line in enumerate(lines) if line.startswith("```")]
    name = page.relative_to(DOCS).as_posix() if page.is_relative_to(DOCS) else page.name
    assert len(fences) % 2 == 0, f"{name}: a block has no end"
    return [
        Block(name, start + 1, lines[start][3:], "\n".join(lines[start + 1 : end]))
        for start, end in zip(fences[::2], fences[1::2], strict=True)
    ]


def reads(block: Block) -> bool:
    return any(text in block.text for text in READS)


def writes(block: Block) -> bool:
    return any(text in block.text for text in WRITES)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    if words and words[0].startswith(".venv/bin/"):
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


def commands() -> dict[str, str]:
    """Return every command of the shell blocks with the first place it stands at."""
    found: dict[str, str] = {}
    for block in BLOCKS:
        if block.language == "sh":
            for line in block.text.splitlines():
                if words := words_of(line):
                    found.setdefault(shlex.join(words), str(block))
    return found


def inline_commands() -> dict[str, str]:
    """Return commands in running text, which may have placeholders."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        for span in re.findall(r"`([^`\n]+)`", text):
            if re.match(r"(\.venv/bin/)?(make|relu-optima|snakemake|python -m) ", span):
                found.setdefault(shlex.join(words_of(span)), page.name)
    return found


def starts(command: str, table: dict[str, str]) -> bool:
    return any(command == key or command.startswith(f"{key} ") for key in table)


# --- nothing goes unseen -----------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_of_a_kind_that_is_tested(block):
    known = {"sh", "python", "yaml", "text"} | DIRECTIVES
    assert block.language in known, f"{block}: say what the block is"
    if block.language == "text":
        pictures = [s for (page, s) in PICTURES if page == block.page and block.text.startswith(s)]
        assert pictures, f"{block}: a picture that tests/test_docs.py does not know"
    if block.language == "yaml":
        assert kind_of(block), (
            f"{block}: name the file in the first line: # conf/<folder>/<name>.yaml"
        )


def test_the_tables_of_exceptions_name_what_is_there():
    for page, start in [*PICTURES, *UNNAMED]:
        assert any(b.page == page and b.text.startswith(start) for b in BLOCKS), (page, start)
    for command in NOT_RUN:
        assert any(starts(c, {command: ""}) for c in commands()), command


# --- commands ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """Return a project whose default study is small and finished."""
    root = tmp_path_factory.mktemp("tiny")
    for name in ("conf", "workflow"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("Snakefile", "environment.yml", "requirements.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, root / name)
    (root / "conf/study/default").rename(root / "conf/study/whole")
    (root / "conf/study/default.yaml").write_text(TINY)
    run([sys.executable, "-m", "relu_optima", "study", "default", "--no-report"], root)
    np.savetxt(root / "mine.csv", TABLE, delimiter=",", header="area,age,price", comments="")
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a project with the real configuration in which make finds its environment ready."""
    root = tmp_path_factory.mktemp("made")
    for name in ("conf", "workflow", "benchmarks"):
        (root / name).symlink_to(ROOT / name)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, root / name)
    binaries = root / ".venv/bin"
    binaries.mkdir(parents=True)
    python = binaries / "python"
    python.write_text(
        '#!/bin/sh\nif [ "$1 $2 $3" = "-m relu_optima study" ]; then\n'
        f'  shift 3; set -- -m relu_optima plan "$@"\nfi\nexec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    (root / ".venv/.installed").touch()
    return root


def run(command: list[str], root: Path) -> str:
    """Run a command as from a fresh shell, without what an outer `make` passes on."""
    environment = {
        k: v for k, v in os.environ.items() if not re.match("RELU_OPTIMA|MAKE|MFLAGS", k)
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def inside(root: Path):
    """Work in a folder; what was read under the relative path of another one is forgotten."""
    before = Path.cwd()
    os.chdir(root)
    compose_preset.cache_clear()
    study_defaults.cache_clear()
    try:
        yield
    finally:
        os.chdir(before)
        compose_preset.cache_clear()
        study_defaults.cache_clear()


def parsed(words: list[str]) -> None:
    """Take a command of relu-optima apart as it would be, without running it."""
    found = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[1] in found, words
    found[words[1]].make_context(words[1], words[2:])


def on_results(command: str) -> bool:
    """Tell whether a command works on results that are there."""
    return re.match("relu-optima |snakemake ", command) is not None and not starts(command, NOT_RUN)


@pytest.mark.timeout(900)
def test_every_command_and_block_that_works_on_results(tiny):
    # one test, so that one process makes the results
    record = next((tiny / "results/store").glob("[!.]*")).name
    for block in BLOCKS:
        if block.language == "python" and writes(block):
            with inside(tiny):
                exec(compile(block.text, str(block), "exec"), {})
    for command, place in commands().items():
        if not on_results(command):
            continue
        words = shlex.split(command.replace("3f4f355760ad", record))
        if words[0] == "snakemake":
            run([sys.executable, "-m", *words], tiny)
            continue
        with inside(tiny):
            done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert done.exit_code == 0, f"{place}: {command}\n{done.output}"
    for block in BLOCKS:
        if block.language == "python" and reads(block):
            with inside(tiny):
                exec(compile(block.text, str(block), "exec"), names := {"A": TABLE[:, :2]})
            assert len(names.get("frame", names.get("y", ())))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", [c for c in commands() if not on_results(c)])
def test_every_other_command_works(command, made, tmp_path):
    words = [w.replace("<folder>", str(tmp_path)) for w in shlex.split(command)]
    profiles = [w.removeprefix("PROFILE=") for w in words if w.startswith("PROFILE=")]
    if words[0] == "make" and words[1] == "study" and not profiles:
        assert "to compute" in run(words, made)
    elif words[0] == "make":
        assert profiles or starts(command, NOT_RUN), f"{command}: neither run nor known"
        assert all((ROOT / profile).is_dir() for profile in profiles)
        run(["make", "-n", *words[1:]], made)
    elif words[0] == "relu-optima":
        parsed(words)
    else:
        assert starts(command, NOT_RUN), f"{command}: neither run nor known"
        program = [words[2]] if words[0] == "python" else words[:2]
        help_text = run([sys.executable, "-m", *program, "--help"], ROOT)
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert set(re.findall(r"\.\[(\w+)\]", command)) <= set(extras["optional-dependencies"])
        assert {w for w in words if w.startswith("--")} <= set(re.findall(r"--[\w-]+", help_text))


@pytest.mark.parametrize("command", inline_commands())
def test_commands_in_running_text_exist(command, made):
    words = shlex.split(command)
    if words[0] == "make":
        run(["make", "-n", *words[1:]], made)
    elif words[0] == "relu-optima" or words[:3] == ["python", "-m", "relu_optima"]:
        words = words[2:] if words[0] == "python" else words
        if words[1:] and words[1] != "<verb>":
            parsed([*words, *(["x"] if words[-1] == "check" else [])])
    elif words[0] == "python":
        place = ROOT / words[2].replace(".", "/")
        assert place.exists() or place.with_suffix(".py").exists(), command
    else:
        assert words[0] == "snakemake"


def test_named_results_are_those_of_the_default_study():
    plan = make_plan("default", root=ROOT)
    made = {"tables": plan.tables, "figures": plan.figures}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for kind, name in re.findall(r"results/default/(tables|figures)/(\w+)\.", text):
            assert name in made[kind], f"{page.name}: results/default/{kind}/{name}"


# --- Python ------------------------------------------------------------------------------------


def names_for(page: str) -> dict:
    """Return the names that a page's text introduces before its code."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    names = {"np": np, "pd": pd, "X": X, "y": y, "X_val": X, "y_val": y, "X_new": X}
    if page == "existence.md":
        lower = np.tril(np.ones((2, 2), bool))
        return {"lower_mask": lower, "upper_mask": lower.T}
    if page == "sensitivity.md":
        from relu_optima.convex import lambda_max, sample_gates, solve

        gates = sample_gates(X, 6, seed=0)
        return {**names, "solution": solve(X, y, gates, 0.3 * lambda_max(X, y, gates), tol=1e-9)}
    return names


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "python" and not (reads(b) or writes(b))], ids=str
)
def test_every_other_block_of_python_runs(block, tmp_path):
    if block.text.startswith("# src/"):  # a whole module; tests/workflow/test_newcomer.py uses it
        file = tmp_path / Path(block.text.splitlines()[0]).name
        file.write_text(block.text)
        spec = importlib.util.spec_from_file_location(f"docs_{file.stem}", file)
        sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert issubclass(module.Config, Group)
        return
    exec(compile(block.text, str(block), "exec"), names_for(block.page))


# --- YAML --------------------------------------------------------------------------------------


def kind_of(block: Block) -> str | None:
    """Say what a block of YAML is: a kind of configuration, or a name of `UNNAMED`."""
    if named := re.match(r"# conf/(\w+)/[\w/]+\.yaml\n", block.text):
        return named[1]
    known = [
        kind
        for (page, start), kind in UNNAMED.items()
        if page == block.page and block.text.startswith(start)
    ]
    return known[0] if known else None


@pytest.fixture
def scratch(tmp_path) -> Path:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    return tmp_path


def put(root: Path, block: Block) -> Path:
    path = root / re.match(r"# (conf/[\w/]+\.yaml)\n", block.text)[1]
    path.parent.mkdir(exist_ok=True)
    path.write_text(block.text)
    return path.relative_to(root / "conf")


def check_study(block, root):
    study = put(root, block).with_suffix("").parts[1]
    content = yaml.safe_load(block.text)
    if "published" in content:
        text = block.text.replace("[accuracy, ...]", "[accuracy, norm_200]")
        (root / "conf/study" / study / "published.yaml").write_text(text)
        (root / "conf/study" / study / "study.yaml").write_text("title: Mine\n")
        assert load_published(root / "conf", study).items
        return
    plan = make_plan(study, root=root)
    assert set(content.get("sweeps", ())) <= set(plan.sweeps)
    assert {f"runs_{n}" for n, s in content.get("sweeps", {}).items() if "show" in s} <= set(
        plan.tables
    )
    assert set(content.get("figures", ())) <= set(plan.figures)
    assert set(content.get("tables", ())) <= set(plan.tables)


def check_dataset(block, root):
    name = put(root, block).stem
    values = yaml.safe_load(block.text)
    (root / values["path"]).parent.mkdir(parents=True, exist_ok=True)
    (root / values["path"]).write_text("patient_id,age,outcome\n1,2,0\n2,4,1\n3,5,1\n4,7,0\n")
    with inside(root):
        assert plan_single_run("convex", [f"dataset={name}"]).runs
        from relu_optima.datasets.loaders.csv import load

        assert load(validate_group("dataset", values)).task == "binary"


def check_macros(block, root):
    validate_group("table", {**part("table", "lambda_certificates"), **yaml.safe_load(block.text)})


def check_claims(block, root):
    figure = part("figure", "lambda_objective")
    assert validate_group("figure", {**figure, **yaml.safe_load(block.text)}).holds


def check_profile(block, root):
    from snakemake.cli import get_argument_parser

    parser = get_argument_parser()
    assert isinstance(parser, argparse.ArgumentParser)
    options = {o for action in parser._actions for o in action.option_strings}
    content = yaml.safe_load(block.text)
    assert {f"--{key}" for key in content} <= options
    verbs = {stage.verb for stage in STAGES.values()}
    publish = (ROOT / "workflow/rules/publish.smk").read_text()
    assert all(name in verbs or f"rule {name}:" in publish for name in content["set-resources"])


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "yaml"], ids=str)
def test_every_block_of_yaml_is_valid(block, scratch):
    check = {
        "study": check_study, "dataset": check_dataset, "macros": check_macros,
        "claims": check_claims, "profile": check_profile,
    }  # fmt: skip
    try:
        check[kind_of(block)](block, scratch)
    except ReluOptimaError as error:
        raise AssertionError(f"{block}: {error}") from None
    finally:
        compose_preset.cache_clear()
        study_defaults.cache_clear()
