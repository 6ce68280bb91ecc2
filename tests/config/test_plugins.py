"""Plug-ins of a project and of installed packages are named, planned and followed like our own."""

import json
import os
import subprocess
import sys

import pytest
from tests.installed import ROOT, install, install_plugins, pip_install_plugins, run

STUDY = """\
title: Mine
sweeps:
  rings:
    why: A test.
    stage: convex
    fixed: {convex: gated, convex.gates.count: 6}
    grid: {dataset: [ring, two_rows_acute]}
  pruned:
    why: A test.
    stage: pruning
    on: [rings]
    grid: {pruning: [heaviest, magnitude]}
figures:
  ticks:
    plot: strip
    sweeps: [rings]
    title: Values
    caption: Certified optimal values.
    category: Test
    x: objective
"""
DATA = """\
title: Data only
sweeps:
  both:
    why: A test that plans fast.
    stage: dataset
    grid: {dataset: [ring, two_rows_acute]}
figures:
  ticks: {plot: strip, sweeps: [both], title: A, caption: B., category: Test, x: n_train}
"""
PLAN = """\
import json
from relu_optima.plan.make import make_plan
plan = make_plan("s")
runs = {i: [r.code_key, r.groups] for i, r in plan.runs.items()}
print(json.dumps([runs, plan.figures["ticks"].digest]))
"""
LOADER = """\
\"\"\"Points of a project.\"\"\"
import numpy as np
from relu_optima.datasets.config import DatasetConfig
from relu_optima.datasets.raw import RawData
from plugins import helpers
class Config(DatasetConfig):
    \"\"\"No keys.\"\"\"
def load(config):
    \"\"\"Load.\"\"\"
    return RawData("own", np.eye(6), np.arange(6.0) * helpers.SCALE, "regression", "")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project/conf/study").mkdir(parents=True)
    (tmp_path / "project/conf/study/s.yaml").write_text(STUDY)
    return tmp_path / "project"


def python(project, code, *paths, fails=False):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *map(str, paths)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def planned(project, *paths):
    return json.loads(python(project, PLAN, *paths))


def test_an_edit_of_their_helper_changes_their_runs_only(project, tmp_path):
    package = install_plugins(tmp_path / "site")
    (project / "conf/study/s.yaml").write_text(DATA)
    before, figure = planned(project, tmp_path / "site")
    helpers = package / "helpers.py"
    helpers.write_text(helpers.read_text().replace("2 * math.pi", "math.tau"))
    after, same = planned(project, tmp_path / "site")
    assert after.keys() == before.keys()  # ids do not depend on code
    assert same == figure
    changed = [groups["dataset"]["loader"] for run, (key, groups) in before.items()
               if after[run][0] != key]  # fmt: skip
    assert changed == ["ring"]
    assert len(before) == 2


def test_mistakes_in_their_keys_are_told_like_ours(project, tmp_path):
    install_plugins(tmp_path / "site")
    text = STUDY.replace("convex.gates.count: 6", "dataset.widthh: 1").replace(
        "heaviest", "heavyest"
    )
    (project / "conf/study/s.yaml").write_text(text.replace("plot: strip", "plot: stripe"))
    said = python(project, PLAN, tmp_path / "site", fails=True)
    assert "dataset.widthh: unknown key; did you mean 'width'?" in said
    assert "unknown choice 'heavyest'; did you mean 'heaviest'?" in said
    assert "there is no figure plot 'stripe'; did you mean 'strip'?" in said


def test_a_projects_own_plugin_comes_first_and_faults_are_one_message(project, tmp_path):
    install_plugins(tmp_path / "site")
    (project / "conf/study/s.yaml").write_text(DATA)
    folder = project / "plugins/dataset"
    folder.mkdir(parents=True)
    (folder / "ring.py").write_text(LOADER)
    (folder.parent / "helpers.py").write_text("SCALE = 2\n")
    before, _ = planned(project, tmp_path / "site")
    (folder.parent / "helpers.py").write_text("SCALE = 3\n")
    after, _ = planned(project, tmp_path / "site")
    assert sum(before[run][0] != after[run][0] for run in before) == 1
    for text, said in {
        LOADER + "1 / 0\n": "plug-in plugins.dataset.ring cannot be imported: ZeroDivisionError",
        LOADER.replace("def load(", "def lode("): "module plugins.dataset.ring is no plug-in",
    }.items():
        (folder / "ring.py").write_text(text)
        assert said in python(project, PLAN, tmp_path / "site", fails=True)


def test_an_entry_point_that_leads_nowhere_is_one_message(project, tmp_path):
    package = install_plugins(tmp_path / "site")
    package.rename(tmp_path / "elsewhere")
    said = python(project, PLAN, tmp_path / "site", fails=True)
    assert "entry point 'lab' of relu_optima.plugins: 'ring_lab' is no installed package" in said


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_study_with_a_pip_installed_package_reruns_what_an_edit_concerns(project, tmp_path):
    site = tmp_path / "site"
    package = pip_install_plugins(tmp_path / "source", site)
    install(site)
    kept = ('"dataset", "ring"', '"pruning", "heaviest"', '"figure", "strip", x="objective"')
    check = "; ".join(f"relu_optima.check_plugin({plugin})" for plugin in kept)
    python(project, f"import relu_optima; {check}", site)
    text = (project / "conf/study/s.yaml").read_text()
    (project / "conf/study/s.yaml").write_text(text.replace("heaviest", "heavyest"))
    assert "did you mean 'heaviest'?" in run(site, project, "plan", "s", code=2)
    (project / "conf/study/s.yaml").write_text(text)
    assert "8 runs in 3 batches, 8 to compute" in run(site, project, "plan", "s")
    plan = (project / "results/s/plan.json").read_text()
    assert all(f'"{name}"' in plan for name in ("ring", "heaviest", "strip"))
    assert "8 runs computed, 0 taken" in run(site, project, "study", "s")
    assert (project / "results/s/figures/ticks.pdf").stat().st_size > 1000
    for words in (["list"], ["options", "dataset.ring"], ["options", "figure.strip"]):
        said = run(site, project, *words)
        assert ("ring" in said and "strip" in said) or "Standard dev" in said or "Numeric" in said
    helpers = package / "helpers.py"
    helpers.write_text(helpers.read_text().replace("2 * math.pi", "math.tau"))
    said = run(site, project, "plan", "s")
    assert "4 to compute" in said
    assert "1 code changed" in said  # the data; and below them:
    assert "2 code changed" in said
    # the same value of the constant, so the same points; but nobody can know that beforehand
    assert "4 runs computed" in run(site, project, "study", "s")
