"""A project holds its own files; presets, studies and workflow come with the package."""

import json
import tomllib

import pytest
import yaml
from tests.installed import ROOT, install, run

from relu_optima.config.compose import compose_preset, presets, study_defaults
from relu_optima.config.places import find, home, workflow_file
from relu_optima.errors import ConfigError
from relu_optima.plan.make import make_plan
from relu_optima.plan.study_files import own_studies, studies

STUDY = """\
title: Mine
sweeps:
  lams:
    why: A test.
    stage: convex
    fixed: {dataset: mine, convex: gated}
    grid: {convex.lam: [0.5, 0.1]}
"""


@pytest.fixture
def project(tmp_path):
    """Return a project of two files."""
    for name, text in {
        "dataset/mine": "loader: planted_relu\nn: 20\nd: 3\n",
        "study/s": STUDY,
    }.items():
        path = tmp_path / "project" / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "project"


def test_a_checkout_is_its_own_home():
    assert home() == ROOT
    assert find(ROOT / "conf", "dataset/fan.yaml") == ROOT / "conf/dataset/fan.yaml"


def test_own_files_come_first_and_the_packages_after(project):
    conf = project / "conf"
    assert {"mine", "fan"} <= set(presets(conf, "dataset"))
    assert {"s", "default"} <= set(studies(conf))
    assert own_studies(conf) == ("s",)
    (conf / "dataset/fan.yaml").write_text("loader: planted_relu\n")
    assert compose_preset(conf, "dataset", "fan") == {"loader": "planted_relu"}
    assert study_defaults(conf) == study_defaults(ROOT / "conf")
    assert workflow_file(project, "Snakefile") == ROOT / "Snakefile"
    (project / "Snakefile").write_text("")
    assert workflow_file(project, "Snakefile") == project / "Snakefile"


def test_a_preset_builds_on_one_of_the_package_which_sees_none_of_the_project(project):
    conf = project / "conf"
    (conf / "training").mkdir()
    (conf / "training/mine.yaml").write_text("defaults: [_sparse, _self_]\nmethod: rigl\n")
    built = compose_preset(conf, "training", "mine")
    base = compose_preset(ROOT / "conf", "training", "_sparse")
    assert built == {**base, "method": "rigl"}
    before = compose_preset(ROOT / "conf", "training", "rigl")
    (conf / "training/_sparse.yaml").write_text("epochs: 3\n")
    assert compose_preset(conf, "training", "rigl") == before
    compose_preset.cache_clear()
    assert compose_preset(conf, "training", "mine") == {"epochs": 3, "method": "rigl"}
    compose_preset.cache_clear()


def test_mistakes_name_their_file(project):
    (project / "conf/dataset/mine.yaml").write_text("loader: planted_relu\nm: 3\n")
    with pytest.raises(ConfigError, match=r" conf/dataset/mine\.yaml: dataset\.m: unknown key"):
        make_plan("s", root=project)


def test_without_conf_there_is_no_project(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        make_plan("default", root=tmp_path)


def test_jobs_of_a_project_get_the_package_as_a_user_installs_it(tmp_path):
    carried = install(tmp_path) / "relu_optima/carried/environment.yml"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    *_, own = yaml.safe_load(carried.read_text())["dependencies"]
    assert own == {"pip": [f"relu-optima[all]=={project['version']}"]}
    assert "all" in project["optional-dependencies"]


def test_an_installed_package_plans_the_same_runs(project, tmp_path):
    site = install(tmp_path / "site")
    said = run(site, project, "plan", "s")
    assert "3 runs in 2 batches, 3 to compute" in said
    there = json.loads((project / "results/s/plan.json").read_text())["runs"]
    assert set(there) == set(make_plan("s", root=project).runs)
