"""What `init` and `new` write works as it stands, and nothing is written over."""

import os
import re
import subprocess
import sys

import pytest

from relu_optima.cli.scaffold.write import init, new_sweep
from relu_optima.errors import ReluOptimaError
from relu_optima.plan.make import make_plan
from tests.installed import ROOT, install, run


def test_a_new_project_plans_a_sweep_a_figure_and_a_table(tmp_path):
    root = tmp_path / "mystudy"
    assert {p.relative_to(root).as_posix() for p in init(root)} == {
        "conf/study/mystudy.yaml",
        ".gitignore",
        "plugins/README.md",
    }
    plan = make_plan("mystudy", root=root)
    assert set(plan.sweeps) == {"datasets", "mystudy"}
    assert set(plan.figures) == {"mystudy_objective"}
    assert set(plan.tables) == {"mystudy_certificates", "runs_mystudy"}
    assert "NAME" not in (root / "conf/study/mystudy.yaml").read_text()


def test_a_sweep_is_a_study_or_a_file_of_one(tmp_path):
    init(tmp_path / "first")
    root = tmp_path / "first"
    new_sweep("second", root)
    assert set(make_plan("second", root=root).sweeps) == {"datasets", "second"}
    with pytest.raises(ReluOptimaError, match="is one file"):
        new_sweep("third", root, "second")
    (root / "conf/study/wide").mkdir()
    (root / "conf/study/second.yaml").rename(root / "conf/study/wide/study.yaml")
    new_sweep("third", root, "wide")
    assert set(make_plan("wide", root=root).sweeps) == {"datasets", "second", "third"}
    with pytest.raises(ReluOptimaError, match="did you mean 'wide'"):
        new_sweep("fourth", root, "wise")


def test_nothing_is_written_over_and_names_are_checked(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    (root / ".gitignore").write_text("own\n")
    with pytest.raises(ReluOptimaError, match="is there already"):
        init(root)
    assert [p.name for p in root.rglob("*")] == [".gitignore"]
    with pytest.raises(ReluOptimaError, match="'My-Study' is no name"):
        init(tmp_path / "My-Study")
    with pytest.raises(ReluOptimaError, match="there is no such folder"):
        new_sweep("s", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_installed_package_makes_and_runs_a_project(tmp_path):
    site = install(tmp_path / "site")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "relu-optima study mystudy" in run(site, empty, "init", "mystudy")
    root = empty / "mystudy"
    assert "24 runs computed" in run(site, root, "study", "mystudy")
    folder = root / "results/mystudy"
    for name in ("figures/mystudy_objective.pdf", "tables/mystudy_certificates.tex", "report.html"):
        assert (folder / name).stat().st_size > 1000, name
    assert sorted(p.name for p in root.iterdir()) == [
        ".gitignore", ".snakemake", "conf", "plugins", "results",
    ]  # fmt: skip
    assert "0 runs computed" in run(site, root, "study", "mystudy")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_workflow_of_ones_own_takes_ours_as_a_module(tmp_path):
    """The Snakefile of the guide, beside a new project that an installed package made."""
    site = install(tmp_path / "site")
    run(site, tmp_path, "init", "mystudy")
    root = tmp_path / "mystudy"
    page = (ROOT / "docs/extending.md").read_text()
    (root / "Snakefile").write_text(re.search(r"```text\n(from relu_.*?)```", page, re.S)[1])
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    for said in ("certified_make_table", "Nothing to be done"):
        done = subprocess.run(
            command, cwd=root, env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert said in done.stdout + done.stderr
    table = root / "results/mystudy/tables/mystudy_certificates.csv"
    assert (root / "summary.csv").read_bytes() == table.read_bytes()
    assert not (root / "results/mystudy/figures").exists()  # only what was asked for
