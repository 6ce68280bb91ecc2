"""
Is my mask safe?
================

A sparsity pattern may leave a training problem without an optimum: the loss falls for ever while
weights grow without bound. ``decide`` says whether every finite data set has an optimum, and
proves it.
"""

# %%
# Two masks, first layer first: three hidden neurons, four inputs, three outputs.
import matplotlib.pyplot as plt
import numpy as np

import relu_optima as ro

first = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
last = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]])
verdict = ro.decide([first, last])
print("every finite data set has an optimum:", verdict.optimum)
print("the set of network functions is:", verdict.function_set)
print("the set of matrix products is:", verdict.product_set)

# %%
# The verdict carries a certificate. It is checked by code that imports nothing of the search,
# here from the JSON alone, as a stranger would.
certificate = ro.existence.Certificate.from_json(verdict.certificate.to_json())
assert certificate.verify()

# %%
# And a data set without an optimum, as a witness:
X, Y = verdict.counterexample_dataset()
print(f"{len(X)} points with {X.shape[1]} inputs and {Y.shape[1]} outputs")

# %%
# How many entries have to go? ``lower_bound`` is proved, so nobody can do with fewer.
mended = ro.existence.repair([first, last])
print("deleted (layer, row, column):", mended.changed, "at least:", mended.lower_bound)
assert mended.after.optimum == "always"

# %%
# The masks before and after; a deleted entry is orange.
figure, axes = plt.subplots(1, 2, figsize=(6, 2.6), layout="constrained")
for layer, (ax, before, after) in enumerate(zip(axes, (first, last), mended.masks, strict=True)):
    ax.imshow(1.0 - before, cmap="gray", vmin=-0.5, vmax=1)
    for row, column in np.argwhere(before != after):
        ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, color="C1"))
    ax.set(title=("first layer", "last layer")[layer], ylabel=("neuron", "output")[layer])
    ax.set(xlabel=("input", "neuron")[layer], xticks=range(before.shape[1]))
    ax.set(yticks=range(before.shape[0]))
