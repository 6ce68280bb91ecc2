"""Packages as they are installed: this one without a checkout, and one of plug-ins beside it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def install(site: Path) -> Path:
    """Lay the package out below a folder by the table that the build of a wheel goes by."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    parts = {f"{p}/{e.name}": f"relu_optima/{e.name}" for p in wheel["packages"]
             for e in os.scandir(ROOT / p) if e.name != "__pycache__"}  # fmt: skip
    for source, target in {**parts, **wheel["force-include"]}.items():
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        (site / target).symlink_to(ROOT / source)
    return site


def run(site: Path, folder: Path, *words: str, code: int = 0) -> str:
    """Run a command of the installed package in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "relu_optima", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def install_plugins(site: Path) -> Path:
    """Lay out a package `ring_lab` of a loader, a pruner and a figure, with a helper of theirs."""
    root = site / "ring_lab"
    templates = ROOT / "src/relu_optima/cli/scaffold/templates"
    for group, kind, name in (
        ("dataset", "loader", "ring"),
        ("pruning", "pruner", "heaviest"),
        ("figure", "figure", "strip"),
    ):
        (root / group).mkdir(parents=True)
        text = (templates / f"{kind}.py.txt").read_text().replace("NAME", name)
        (root / group / f"{name}.py").write_text(text)
    loader = root / "dataset/ring.py"
    used = "from relu_optima.datasets.raw import"
    text = loader.read_text().replace(used, f"from ring_lab.helpers import TURN\n{used}")
    loader.write_text(text.replace("2 * np.pi", "TURN"))
    (root / "helpers.py").write_text("import math\n\nTURN = 2 * math.pi\n")
    for name, line in {
        "dataset/ring": "loader: ring",
        "pruning/heaviest": "method: heaviest",
    }.items():
        path = root / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"{line}\n")
    metadata = site / "ring_lab-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ring-lab\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[relu_optima.plugins]\nlab = ring_lab\n")
    return root


PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "ring-lab"
version = "1.0"

[tool.setuptools]
packages = ["ring_lab", "ring_lab.dataset", "ring_lab.pruning", "ring_lab.figure"]
package-data = {ring_lab = ["conf/**/*.yaml"]}

"""


def pip_install_plugins(source: Path, site: Path) -> Path:
    """Build a wheel of `ring_lab`, by the entry point of the guide, and install it with pip."""
    shutil.rmtree(install_plugins(source).parent / "ring_lab-1.0.dist-info")
    page = (ROOT / "docs/extending.md").read_text()
    entry = re.search(r"```text\n(\[project\.entry-points.*?)```", page, re.S)
    assert entry is not None
    (source / "pyproject.toml").write_text(PROJECT + entry[1])
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input"]
    wheel = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*wheel, source / "dist", source], check=True)
    (built,) = (source / "dist").glob("ring_lab-1.0-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", site, built], check=True
    )
    return site / "ring_lab"
