"""
A sweep of my own
=================

A study is a file. ``relu-optima init`` writes a small one that runs at once; a sweep more is one
file more.
"""

# %%
# A project of one's own in an empty folder, and a second study beside its first.
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import relu_optima as ro


def shell(*words: str, folder: Path) -> str:
    """Run a command of relu-optima and return what it prints."""
    command = [sys.executable, "-m", "relu_optima", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


project = Path(tempfile.mkdtemp()) / "mystudy"
shell("init", "mystudy", folder=project.parent)
(project / "conf/study/noise.yaml").write_text("""\
title: Noise in the targets
sweeps:
  noise:
    why: How noise in the targets moves the certified optimum.
    stage: convex
    fixed: {dataset: planted_relu, dataset.n: 30, convex: gated, convex.gates.count: 10, seed: 0}
    grid: {dataset.noise: [0.0, 0.1, 0.2, 0.4]}
    repeats: 6
    show: [objective, gap]
""")

# %%
# ``plan`` says what is ahead, ``study`` computes it. A second call computes only what is missing.
print(shell("plan", "noise", folder=project))
shell("study", "noise", "--no-report", folder=project)

# %%
# Every run is a row; every optimum is certified.
frame = ro.results("noise", "noise", root=project / "results")
assert (frame["gap"] <= 1e-6).all()
table = frame.groupby("dataset.noise")["objective"].agg(["count", "min", "median", "max"])
print(table)

# %%
figure, ax = plt.subplots(figsize=(4.5, 3), layout="constrained")
ax.plot(table.index, table["median"], "o-")
ax.fill_between(table.index, table["min"], table["max"], alpha=0.2)
ax.set(xlabel="standard deviation of the noise", ylabel="certified optimal value")
ax.set_title("median and range of six seeds", fontsize="medium")
