"""
All optima, and the smallest
============================

A trained network is one optimum. The convex program knows all of them: a polytope, whose vertices
are the networks from which no neuron can be taken.
"""

# %%
# Eight points in the plane and all activation patterns: the program is the network's own training
# problem.
import matplotlib.pyplot as plt
import numpy as np

import relu_optima as ro

rng = np.random.default_rng(2)
X, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
solution = ro.solve(X, y, lam=0.05, gates=ro.convex.enumerate_patterns(X), tol=1e-9)
optima = solution.optima()
print(optima)

# %%
# Any mixture of vertices is optimal too.
vertices = optima.vertices()
values = [optima.network(beta).objective(X, y, solution.lam) for beta in vertices]
print("neurons of each vertex:", (vertices > 0).sum(axis=1))
print("objective of each vertex:", np.round(values, 9))
assert np.ptp(values) < 1e-8

# %%
# Pruning walks to a vertex without changing the objective; ``smallest`` proves that there is no
# smaller optimal network.
pruned = optima.prune()
print(pruned, "- smallest:", optima.smallest().w2.size)

# %%
# The optimal networks differ in their weights. Do they differ in what they predict? Not here: the
# freedom comes from pairs of opposite neurons, (x'u)₊ - (-x'u)₊ = x'u, and cancels at every input.
body = optima.set.body
flat = (vertices - body.centre) @ body.basis
corners = flat[np.argsort(np.arctan2(*(flat - flat.mean(axis=0)).T))]
grid = np.linspace(-3, 3, 200)
line = np.column_stack([grid, np.full_like(grid, 0.5)])
predictions = np.array([optima.network(beta).predict(line) for beta in vertices])
assert np.ptp(predictions, axis=0).max() < 1e-8

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
left.fill(*corners.T, alpha=0.2)
left.plot(*flat.T, "o")
left.set(
    title="all optima: a polygon", xlabel="coordinate 1", ylabel="coordinate 2", aspect="equal"
)
right.plot(grid, predictions.T, lw=1)
right.set(title="predictions of its vertices", xlabel="first input (second: 0.5)")
