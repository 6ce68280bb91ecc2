"""The library works with its core dependencies alone; what lacks an extra says which."""

import os
import subprocess
import sys
from importlib import metadata

import pytest

import relu_optima
from relu_optima.errors import EXTRAS, MissingExtraError, extras_named

CORE = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
import numpy as np
import relu_optima as ro

X, y = ro.datasets.load("planted_relu", n=30, d=3)
solution = ro.solve(X, y, lam=0.1, lam_scale="max", gates=8)
assert solution.status == "optimal" and solution.certify().gap < 1e-5
assert solution.optima().prune().n_neurons <= solution.n_neurons
assert ro.decide([np.ones((2, 2)), np.tri(2)]).certificate.verify()
assert '"lower_bound"' in solution.to_json()

def asked(call):
    try:
        call()
    except ImportError as error:
        print(error)

asked(lambda: ro.datasets.load("diabetes"))
asked(lambda: ro.train(X, y, masks=[np.ones((2, 3)), np.ones((1, 2))]))
asked(lambda: __import__("relu_optima.sklearn"))
"""


def test_the_library_solves_with_its_core_alone():
    """Without torch, pandas, scikit-learn and the like, and without fcntl, as on Windows."""
    missing = {*EXTRAS, "fcntl", "resource", "joblib"}
    done = subprocess.run(
        [sys.executable, "-c", f"MISSING = {missing!r}\n{CORE}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "sklearn is not installed; run: pip install 'relu-optima[study]'",
        "torch is not installed; run: pip install 'relu-optima[train]'",
        "sklearn is not installed; run: pip install 'relu-optima[study]'",
    ]


def test_a_command_that_lacks_an_extra_is_one_line():
    code = "import sys; sys.modules['typer'] = None; from relu_optima.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    told = "relu-optima: typer is not installed; run: pip install 'relu-optima[study]'\n"
    assert done.stderr == told


def test_certificates_are_verified_without_the_command_line(tmp_path):
    bad = tmp_path / "certificate.json"
    bad.write_text("{}")
    code = "import sys; sys.modules['typer'] = None; from relu_optima.__main__ import main; main()"
    command = [sys.executable, "-c", code, "verify", str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 1
    assert f"{bad}: REFUSED" in done.stdout


def test_other_missing_modules_are_left_alone():
    with pytest.raises(ModuleNotFoundError, match="nonesuch") as info, extras_named():
        import nonesuch  # noqa: F401
    assert not isinstance(info.value, MissingExtraError)


def test_the_version_is_that_of_the_distribution():
    assert relu_optima.__version__ == metadata.version("relu-optima")
