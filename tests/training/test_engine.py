"""The loop against torch's own optimisers and autograd, and the independence of slots."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relu_optima.errors import DataError
from relu_optima.training.engine import Loop, train
from relu_optima.training.optimisers import learning_rate
from relu_optima.training.problem import evaluate, linear_product
from relu_optima.training.stack import StackedParameters, Workspace, loss_and_gradient

from .cases import config, problem, same


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("widths", [(4, 6, 3), (5, 1), (3, 4, 5, 2), (1, 2, 1)])
def test_gradient_equals_autograds(widths, biases):
    generator = torch.Generator().manual_seed(1)
    slots, rows = 3, 7

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    weights = [draw(slots, b, a) for a, b in itertools.pairwise(widths)]
    offsets = [draw(slots, 1, b) for b in widths[1:]] if biases else []
    X, Y = draw(slots, rows, widths[0]), draw(slots, rows, widths[-1])
    parameters = StackedParameters(weights, offsets)
    gradient = parameters.zeros()
    error = loss_and_gradient(parameters, X, Y, gradient, Workspace())
    for k in range(slots):
        leaves = [t[k].clone().requires_grad_() for t in [*weights, *offsets]]
        H = X[k]
        for layer in range(len(weights)):
            H = H @ leaves[layer].T
            if biases:
                H = H + leaves[len(weights) + layer]
            if layer < len(weights) - 1:
                H = H.relu()
        loss = torch.nn.functional.mse_loss(H, Y[k])
        loss.backward()
        assert error[k].item() / Y[k].numel() == pytest.approx(loss.item(), rel=1e-12)
        for mine, leaf in zip(gradient.tensors(), leaves, strict=True):
            assert torch.allclose(mine[k], leaf.grad, rtol=1e-10, atol=1e-13)


class Masked(torch.nn.Module):
    def __init__(self, weights, biases, masks):
        super().__init__()
        self.masks = [torch.as_tensor(m, dtype=torch.float64) for m in masks]
        self.weights = torch.nn.ParameterList([torch.tensor(w) for w in weights])
        self.biases = torch.nn.ParameterList([torch.tensor(b) for b in biases])

    def forward(self, X):
        for k, (W, mask) in enumerate(zip(self.weights, self.masks, strict=True)):
            X = X @ (W * mask).T + self.biases[k]
            if k < len(self.weights) - 1:
                X = X.relu()
        return X


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adam"},
        {"optimizer": "adam", "schedule": "cosine"},
        {"optimizer": "sgd", "momentum": 0.5, "schedule": "step"},
    ],
)
@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_training_equals_a_plain_torch_loop(options, lam):
    case = problem(lam=lam, dtype="float64", batch_size=0, epochs=12, **options)
    loop = Loop([case], None)
    start = loop.parameters.slot(0)
    out = train([case])[0]
    model = Masked(*start, case.masks)
    decay = 2 * lam / case.Y.size
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    extra = {"momentum": case.config.momentum} if options["optimizer"] == "sgd" else {}
    optimiser = kinds[options["optimizer"]](
        model.parameters(), lr=case.config.learning_rate, weight_decay=decay, **extra
    )
    X, Y = torch.tensor(case.X), torch.tensor(case.Y)
    for epoch in range(case.config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(case.config, epoch)
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(model(X), Y).backward()
        optimiser.step()
    for mine, theirs in zip(out.weights, model.weights, strict=True):
        assert np.allclose(mine, theirs.detach().numpy(), rtol=1e-9, atol=1e-12)
    for mine, theirs in zip(out.biases, model.biases, strict=True):
        assert np.allclose(mine, theirs.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_every_epoch_visits_every_row_once():
    loop = Loop([problem(rows=21), problem(rows=21, seed=1)], None)
    taken = [
        loop.data.take(rows, 0, 2, loop.workspace)[0].numpy().copy()
        for rows in loop.data.batches(loop.generators)
    ]
    rows = np.concatenate(taken, axis=1)
    for k, p in enumerate(loop.problems):
        expected = np.sort(p.X.astype(np.float32), axis=0)
        assert np.array_equal(np.sort(rows[k], axis=0), expected)
    assert not np.array_equal(rows[0], loop.problems[0].X.astype(np.float32))


@settings(max_examples=15, deadline=None)
@given(
    widths=st.sampled_from([(4, 6, 3), (3, 5, 1), (1, 4, 1), (7, 1), (5, 4, 4, 2)]),
    count=st.integers(2, 5),
    batch=st.sampled_from([0, 1, 7, 13]),
    dtype=st.sampled_from(["float32", "float64"]),
    optimizer=st.sampled_from(["sgd", "adam"]),
)
@example((5, 4, 4, 2), 3, 0, "float32", "sgd")  # slots that begin off a cache line
def test_a_network_does_not_depend_on_its_neighbours(widths, count, batch, dtype, optimizer):
    options = {"dtype": dtype, "batch_size": batch, "epochs": 3, "optimizer": optimizer}
    cases = [
        problem(widths, seed=k, lam=0.1 * (k % 2), momentum=0.9 * (k % 3 == 0), **options)
        for k in range(count)
    ]
    together = train(cases)
    alone = [train([case])[0] for case in cases]
    reverse = train(cases[::-1])[::-1]
    for a, b, c in zip(together, alone, reverse, strict=True):
        assert same(a, b)
        assert same(a, c)


def test_a_diverging_neighbour_ends_alone_at_its_last_finite_state():
    wild = {"optimizer": "sgd", "epochs": 30}
    good = [problem(seed=k, **wild) for k in range(2)]
    bad = problem(seed=5, **{**wild, "learning_rate": 1e3})
    first, ended, second = train([good[0], bad, good[1]])
    assert ended.status == "diverged"
    assert ended.epochs < 30
    assert all(np.isfinite(w).all() for w in ended.weights)
    assert len(ended.series["epoch"]) == ended.epochs + 1
    for case, out in zip(good, (first, second), strict=True):
        assert out.status == "ok"
        assert same(out, train([case])[0])


def test_a_norm_above_the_bound_ends_the_run():
    out = train([problem(epochs=200, divergence_norm=3.0, learning_rate=0.2)])[0]
    assert out.status == "diverged"
    assert out.series["parameter_norm"].max() <= 3.0


def test_masks_are_kept_and_series_agree_with_the_weights():
    case = problem(target=True, lam=0.2, epochs=6, log_every=4, dtype="float64")
    out = train([case])[0]
    assert out.series["epoch"].tolist() == [0, 4, 6]
    for W, mask in zip(out.weights, case.masks, strict=True):
        assert np.all(W[mask == 0] == 0)
        assert np.count_nonzero(W) == mask.sum()
    residual = evaluate(out.weights, out.biases, case.X) - case.Y
    assert out.series["loss"][-1] == pytest.approx(np.mean(residual**2))
    norm2 = sum((p**2).sum() for p in [*out.weights, *out.biases])
    objective = 0.5 * (residual**2).sum() + 0.1 * norm2
    assert out.series["objective"][-1] == pytest.approx(objective)
    A = case.target_matrix
    error = np.linalg.norm(linear_product(out.weights) - A) / np.linalg.norm(A)
    assert out.series["product_error"][-1] == pytest.approx(error)


def test_running_loss_is_the_mean_over_the_epochs_batches():
    case = problem(epochs=1, log_loss="running", batch_size=0, dtype="float64")
    out = train([case])[0]
    assert out.series["loss"][1] == pytest.approx(out.series["loss"][0])


def test_schedules():
    rates = {
        name: [learning_rate(config(schedule=name, epochs=4, learning_rate=1.0), e) for e in (0, 2)]
        for name in ("constant", "cosine", "linear", "step")
    }
    assert rates["constant"] == [1, 1]
    assert rates["linear"] == [1, 0.5]
    assert rates["cosine"] == pytest.approx([1, 0.5])
    assert rates["step"] == pytest.approx([1, 0.1])


def test_zero_epochs_return_the_start():
    case = problem(epochs=0)
    out = train([case])[0]
    assert out.series["epoch"].tolist() == [0]
    assert same(out, train([case])[0])
    assert not same(out, train([problem(epochs=0, seed=1)])[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_missing_device_is_one_error():
    with pytest.raises(DataError, match=r"training\.device"):
        train([problem(device="cuda")])


def test_lbfgs_reaches_a_stationary_point_of_the_canonical_objective():
    case = problem(optimizer="lbfgs", epochs=3000, lam=0.5, dtype="float64", log_every=100)
    out = train([case])[0]
    leaves = [torch.tensor(p, requires_grad=True) for p in [*out.weights, *out.biases]]
    layers = len(out.weights)
    H = torch.tensor(case.X)
    for k in range(layers):
        H = H @ leaves[k].T + leaves[layers + k]
        if k < layers - 1:
            H = H.relu()
    norm2 = sum((p**2).sum() for p in leaves)
    value = 0.5 * ((H - torch.tensor(case.Y)) ** 2).sum() + 0.25 * norm2
    value.backward()
    assert out.series["objective"][-1] == pytest.approx(value.item())
    assert np.all(np.diff(out.series["objective"]) <= 1e-9)
    for leaf, mask in zip(leaves[:layers], case.masks, strict=True):
        assert (leaf.grad.numpy() * mask).max() < 1e-2 * value.item()
