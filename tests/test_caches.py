"""Libraries keep their caches where they can be written, home folder or not."""

import os
import subprocess
import sys

import pytest

from relu_optima.run.caches import use_writable_caches


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project/conf").mkdir(parents=True)
    return tmp_path / "project"


def test_a_home_that_can_be_written_is_left_alone(project, tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    use_writable_caches(environment, project)
    assert environment == {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert not (project / "results").exists()


@pytest.mark.parametrize("usual", ["/dev/null/cache", "relative", "~nobody-of-this-name/cache"])
def test_a_project_keeps_them_below_results(project, usual):
    environment = {"XDG_CACHE_HOME": usual, "MPLCONFIGDIR": "mine"}
    use_writable_caches(environment, project)
    folder = project / "results/.cache"
    assert environment == {"XDG_CACHE_HOME": str(folder), "MPLCONFIGDIR": "mine"}
    assert folder.is_dir()


def test_elsewhere_they_are_temporary_and_private(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = []
    for prepare in (lambda f: None, lambda f: f.chmod(0o777), lambda f: (f.rmdir(), f.touch())):
        environment = {"XDG_CACHE_HOME": "/dev/null/cache"}
        prepare(tmp_path / f"relu-optima-cache-{os.getuid()}")
        use_writable_caches(environment, tmp_path)
        names.append(environment["XDG_CACHE_HOME"])
        assert os.stat(names[-1]).st_mode & 0o777 == 0o700
    assert len(set(names)) == 3, "a folder that others can write, or a file, is not used"
    assert not (tmp_path / "results").exists()


def test_the_command_line_sets_them_for_all_that_it_starts(project):
    code = (
        "import os; from relu_optima import cli;"
        "cli.app = lambda: print(os.environ['XDG_CACHE_HOME']); cli.main()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "XDG_CACHE_HOME"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={**environment, "HOME": "/dev/null"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(project / "results/.cache")
