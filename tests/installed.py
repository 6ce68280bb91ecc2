"""The package as a wheel holds it: beside it no checkout, inside of it what a wheel carries."""

import os
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
