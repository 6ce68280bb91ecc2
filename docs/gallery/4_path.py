"""
The path of the regularisation strength
=======================================

How does the optimum change with the strength λ, and where exactly does a neuron enter?
"""

# %%
# Fifteen strengths, each certified, each started from the last.
import matplotlib.pyplot as plt
import numpy as np

import relu_optima as ro
from relu_optima.sensitivity import program_of, trace_path

X, y = ro.datasets.load("diabetes")
X, y = X[:40], y[:40]
path = ro.path(X, y, n_lams=15, smallest=0.01, gates=10, neurons="gated", tol=1e-8)
print(path)
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
path.plot(ax)

# %%
# Between the strengths of a grid the structure changes. ``trace_path`` locates these breakpoints
# and says what happens at each.
program = program_of(path[-1].found, X, y)
trace = trace_path(program, program.lam_max * np.geomspace(1, 0.01, 10))
for point in trace.breakpoints[:6]:
    print(f"λ = {point.lam:8.3f}: {', '.join(event.kind for event in point.events)}")

# %%
# Degrees of freedom of the fit, tr(d fit / d y), with the breakpoints as vertical lines.
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
smooth = [knot for knot in trace.knots if knot.sensitivity]  # a derivative exists
degrees = [knot.sensitivity.degrees_of_freedom for knot in smooth]
ax.semilogx([knot.lam for knot in smooth], degrees, "o-", ms=3)
for point in trace.breakpoints:
    ax.axvline(point.lam, color="0.85", lw=0.6, zorder=0)
ax.set(xlabel="λ", ylabel="degrees of freedom of the fit")
