"""Throw-away copies of the project with a tiny study, run as a user would run them."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

STUDY = """\
title: Tiny
sweeps:
  tiny:
    why: A sweep small enough to run many times.
    stage: convex
    fixed: {dataset: tiny, convex: gated, convex.lam_scale: lambda_max, convex.gates.count: 6}
    grid:
      convex.lam: 0.5,0.2
      seed: range(0,2)
    batch_by: [convex.lam]
figures:
  tiny_objective:
    plot: line
    sweeps: [tiny]
    title: Tiny objective
    caption: Objective against the regularisation strength.
    category: Test
    x: convex.lam
    y: objective
tables:
  tiny_certificates:
    table: certificates
    sweeps: [tiny]
    title: Tiny certificates
    caption: All certificates.
    category: Test
    by: [convex.lam, seed]
"""
DATASET = """\
loader: planted_relu
n: 24
d: 3
seed: 0
"""
FILES = {"study/tiny": STUDY, "dataset/tiny": DATASET}
RUNS = 4  # of the sweep; the data set is one more


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own."""

    root: Path

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root / "src")}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "relu_optima", *arguments]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command of the project and return what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        assert done.returncode == code, text
        return text

    def snakemake(self, option: str, config: str, code: int = 0) -> str:
        """Run plain Snakemake and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", option, "--nocolor", "--config", config],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        assert done.returncode == code, text
        return text

    def study(self, *overrides: str, name: str = "tiny") -> int:
        """Run the study and return how many runs were computed."""
        text = self.run("study", name, *overrides, "--no-report")
        found = re.search(r"(\d+) runs computed", text)
        assert found, text
        return int(found[1])

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new, 1))

    def append(self, name: str, text: str) -> None:
        with (self.root / name).open("a") as stream:
            stream.write(text)

    def products(self, study: str = "tiny") -> dict[str, bytes]:
        """Return every file that must be byte-identical, by name."""
        folder = self.root / "results" / study
        files = [*folder.glob("tables/*"), *folder.glob("figures/*")]
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(files)}

    def records(self) -> dict[str, float]:
        """Return the time stamp of every finished record."""
        store = self.root / "results" / "store"
        found = store.glob("[!.]*/*/record.json")
        return {str(p.relative_to(store)): p.stat().st_mtime for p in found}

    def store_files(self, name: str) -> list[Path]:
        """Return the files of one name in all records."""
        return sorted((self.root / "results/store").glob(f"[!.]*/*/{name}"))

    def plan(self, study: str = "tiny") -> dict:
        return json.loads((self.root / "results" / study / "plan.json").read_text())


def copy_of(source: Path, target: Path) -> Project:
    """Copy a project with its results and time stamps."""
    shutil.copytree(source, target, symlinks=True)
    return Project(target)


@pytest.fixture(scope="session")
def bare_root(tmp_path_factory) -> Path:
    """Return a project in which nothing was run or compiled."""
    root = tmp_path_factory.mktemp("bare") / "project"
    root.mkdir()
    for name in ("src", "conf", "workflow"):
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / name, root / name, ignore=ignore)
    for name in ("Snakefile", "environment.yml", "requirements.lock", "pyproject.toml"):
        shutil.copy2(REPOSITORY / name, root / name)
    for name, text in FILES.items():
        (root / "conf" / f"{name}.yaml").write_text(text)
    return root


@pytest.fixture(scope="session")
def fresh_root(bare_root, tmp_path_factory) -> Path:
    root = copy_of(bare_root, tmp_path_factory.mktemp("fresh") / "project").root
    # copies keep time stamps, so they keep compiled code: that of the repository, if there is any
    for compiled in (REPOSITORY / "src").rglob("*.nb[ci]"):
        target = root / compiled.relative_to(REPOSITORY)
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(compiled, target)
    Project(root).run("run", "convex", "dataset=tiny", "convex=gated", "convex.gates.count=6")
    shutil.rmtree(root / "results")
    return root


@pytest.fixture(scope="session")
def finished_root(fresh_root, tmp_path_factory) -> Path:
    """Return a project whose tiny study ran once without interruption."""
    project = copy_of(fresh_root, tmp_path_factory.mktemp("finished") / "project")
    assert project.study() == RUNS + 1
    return project.root


@pytest.fixture
def fresh(fresh_root, tmp_path) -> Project:
    return copy_of(fresh_root, tmp_path / "project")


@pytest.fixture
def finished(finished_root, tmp_path) -> Project:
    return copy_of(finished_root, tmp_path / "finished")
