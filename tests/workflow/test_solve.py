"""`solve` and `run convex` solve the same program on the same CSV file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.workflow.conftest import REPOSITORY, Project

CASES = {
    "defaults": ([], {}),
    "other": (
        ["--bias", "--no-standardise", "--test-fraction", "0.3", "--split-seed", "5", "--seed", "2",
         "--formulation", "gated", "--lam", "0.02", "--lam-scale", "data_norm", "--gates", "12"],
        {"dataset.bias": True, "dataset.standardise": False, "dataset.test_fraction": 0.3,
         "dataset.seed": 5, "seed": 2, "convex": "gated", "convex.lam": 0.02,
         "convex.lam_scale": "data_norm", "convex.gates.count": 12},
    ),
}  # fmt: skip


def project_of(folder: Path) -> Project:
    """Make a project with a CSV file, on the repository's own source: nothing compiles anew."""
    project = Project(folder)
    (folder / "src").symlink_to(REPOSITORY / "src")
    shutil.copytree(REPOSITORY / "conf", folder / "conf")
    for name in ("environment.yml", "requirements.lock", "pyproject.toml"):
        shutil.copy2(REPOSITORY / name, folder / name)
    rng = np.random.default_rng(0)
    X = np.round(3 + 2 * rng.standard_normal((60, 4)), 3)
    kind = np.where(X[:, 0] * X[:, 1] > 9, "a", "b")
    lines = [",".join([*map(str, x), k]) for x, k in zip(X.tolist(), kind, strict=True)]
    (folder / "mine.csv").write_text("\n".join(["p,q,r,s,kind", *lines]) + "\n")
    preset = "loader: csv\npath: mine.csv\ntarget: kind\n"
    (folder / "conf/dataset/mine.yaml").write_text(preset)
    return project


@pytest.mark.parametrize("case", CASES)
def test_solve_and_run_agree_to_the_last_bit(tmp_path, case):
    options, overrides = CASES[case]
    project = project_of(tmp_path)
    solved = project.run("solve", "mine.csv", "--target", "kind", "--out", "n.npz", *options)
    words = [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    ran = project.run("run", "convex", "dataset=mine", *words)
    one, other = (dict(x.split(maxsplit=1) for x in t.splitlines() if x) for t in (solved, ran))
    shared = sorted(one.keys() & other.keys())
    assert {"objective", "dual_objective", "gap", "lam", "train_accuracy"} < set(shared)
    assert "test_accuracy" in shared
    assert {k: one[k] for k in shared if k != "status"} == {
        k: other[k] for k in shared if k != "status"
    }
