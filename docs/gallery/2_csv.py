"""
The certified optimum of my CSV file
====================================

One command reads a CSV file, prepares it, solves the convex program and certifies the answer.
"""

# %%
# A file as anybody may have one: a header, numbers, the target among the columns.
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

folder = Path(tempfile.mkdtemp())
table = load_diabetes(as_frame=True, scaled=False).frame
table.to_csv(folder / "mine.csv", index=False)
print(table.head(3).to_string(index=False))

# %%
# In a shell this is ``relu-optima solve mine.csv --target target --out net.npz``.
command = "solve mine.csv --target target --standardise-target --bias --lam 0.05 --out net.npz"
answer = subprocess.run(
    [sys.executable, "-m", "relu_optima", *command.split()],
    cwd=folder,
    capture_output=True,
    text=True,
    check=True,
)
print(answer.stdout)

# %%
# The file holds the network, how features were scaled, which rows were kept for testing, and
# every number printed. The predictions need numpy and nothing else.
net = np.load(folder / "net.npz")
A = table[list(net["columns"])].to_numpy()
X = np.column_stack([(A - net["mean"]) / net["scale"], np.ones(len(A))])  # --bias: ones
y = np.maximum(X @ net["W1"].T, 0) @ net["w2"] * net["target_scale"] + net["target_mean"]

test = net["rows_test"]
figure, ax = plt.subplots(figsize=(4, 3.4), layout="constrained")
ax.scatter(table["target"].iloc[test], y[test], s=12)
ax.axline((0, 0), slope=1, color="0.5", lw=0.8)
ax.set(xlabel="target of a test row", ylabel="prediction of the certified optimum")
