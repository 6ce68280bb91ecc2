"""What is executed is what was hashed, whenever a file is edited in between."""

import os
import subprocess
import sys

import pytest

HOOK = """
import pathlib, sys
from relu_optima.config import snapshot
snapshot.install()
from relu_optima.plan.code_key import SourceTree
root = pathlib.Path(snapshot.__file__).parents[1]
tree = SourceTree(root, snapshot.source)
module = root / "probe.py"
"""
EDIT = "module.write_text(module.read_text().replace('= 1', '= 2'))\n"
HASH = "key = tree.key(['relu_optima.probe'])\n"
IMPORT = "from relu_optima.probe import VALUE\n"
SAY = "print(VALUE, key)\n"


@pytest.fixture
def said(tmp_path):
    """Return a function that runs steps in a process of their own, beside a module `probe`."""
    import relu_optima

    package = tmp_path / "relu_optima"
    for entry in os.scandir(os.path.dirname(relu_optima.__file__)):
        if entry.name != "__pycache__":
            (package).mkdir(exist_ok=True)
            (package / entry.name).symlink_to(entry.path)
    (package / "probe.py").write_text("VALUE = 1\n")

    def run(*steps):
        done = subprocess.run(
            [sys.executable, "-c", HOOK + "".join(steps)],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        value, key = done.stdout.split()
        return int(value), key

    return run


def test_an_edit_between_hash_and_import_changes_neither(said):
    assert said(HASH, EDIT, IMPORT, SAY)[0] == 1
    # edited by now: the other value has the other key
    value, key = said(HASH, IMPORT, SAY)
    assert value == 2
    assert said(IMPORT, "module.write_text('VALUE = 1\\n')\n", HASH, SAY) == (2, key)
    assert said(HASH, IMPORT, SAY)[1] != key


def test_a_compiled_copy_with_the_right_time_stamp_is_not_trusted(said, tmp_path):
    """Python keeps whole seconds: an edit of the same length within one goes unseen."""
    probe = tmp_path / "relu_optima/probe.py"
    os.utime(probe, (10**9, 10**9))
    plain = [sys.executable, "-c", "from relu_optima.probe import VALUE; print(VALUE)"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(plain, env=environment, check=True)
    probe.write_text("VALUE = 2\n")
    os.utime(probe, (10**9, 10**9))
    stale = subprocess.run(plain, env=environment, check=True, capture_output=True, text=True)
    assert stale.stdout == "1\n"
    assert said(HASH, IMPORT, SAY)[0] == 2
