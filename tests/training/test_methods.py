"""Sparse-training methods: the rules of their papers as invariants."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relu_optima.errors import DataError
from relu_optima.training.density import largest, layer_counts, random_subset
from relu_optima.training.engine import Loop, train
from relu_optima.training.methods.gradual_pruning import cubic_sparsity
from relu_optima.training.methods.n_m import n_m_mask

from .cases import problem, same

SPARSE = {
    "random_mask": {"density": 0.3},
    "set": {"density": 0.3, "drop_fraction": 0.4},
    "rigl": {"density": 0.3, "every_steps": 3, "drop_fraction": 0.5},
    "top_kast": {"density": 0.2, "backward_density": 0.5, "every_steps": 3},
    "gradual_pruning": {"density": 0.2, "every_steps": 2},
    "n_m": {"keep": 2, "group": 4},
}
OPTIONS = {"momentum": 0.9, "epochs": 6, "learning_rate": 0.02}


def ones(*widths):
    return [np.ones((b, a), np.uint8) for a, b in itertools.pairwise(widths)]


def case(method, seed=0, widths=(8, 12, 4), **more):
    values = {**OPTIONS, **SPARSE[method], "method": method, **more}
    return problem(widths, fill=2.0, seed=seed, **values)


# --- counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("density", "counts"), [(0.1, [18714, 6906, 1000]), (0.05, [9051, 3340, 919])]
)
def test_erdos_renyi_counts_of_a_known_network(density, counts):
    assert layer_counts(ones(784, 300, 100, 10), density, "erk") == counts


@given(
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    density=st.floats(0.05, 1),
    distribution=st.sampled_from(["uniform", "erk"]),
)
def test_densities_are_exact_to_one_weight(widths, density, distribution):
    masks = ones(*widths)
    total = round(density * sum(m.size for m in masks))
    if total < len(masks):
        with pytest.raises(DataError, match=r"training\.density"):
            layer_counts(masks, density, distribution)
        return
    counts = layer_counts(masks, density, distribution)
    assert sum(counts) == total
    assert all(1 <= c <= m.size for c, m in zip(counts, masks, strict=True))


def test_uniform_density_is_the_same_in_every_layer():
    counts = layer_counts(ones(100, 50, 20), 0.1, "uniform")
    assert counts == [500, 100]


@given(st.integers(0, 30), st.integers(0, 5))
def test_subsets_have_the_count_and_stay_inside(count, seed):
    generator = np.random.default_rng(seed)
    mask = generator.random((6, 8)) < 0.7
    count = min(count, int(mask.sum()))
    for chosen in (
        random_subset(mask, count, generator),
        largest(generator.standard_normal(mask.shape), mask, count),
    ):
        assert chosen.sum() == count
        assert not (chosen & ~mask).any()


# --- all methods -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", SPARSE)
def test_masks_export_consistently_and_slots_are_independent(method):
    cases = [case(method, seed=k) for k in range(3)]
    together = train(cases)
    for alone, out in zip(cases, together, strict=True):
        assert same(out, train([alone])[0])
        kept = sum(int(m.sum()) for m in out.masks)
        assert out.series["density"][-1] == kept / sum(m.size for m in out.masks)
        for W, mask in zip(out.weights, out.masks, strict=True):
            assert np.all(W[mask == 0] == 0)


@pytest.mark.parametrize("method", SPARSE)
def test_masks_stay_inside_the_pattern(method):
    if method == "n_m":
        with pytest.raises(DataError, match="pattern"):
            train([problem((8, 12, 4), fill=0.5, method="n_m")])
        return
    values = {**OPTIONS, **SPARSE[method], "method": method}
    inside = problem((8, 12, 4), fill=0.6, **values)
    out = train([inside])[0]
    for mask, allowed in zip(out.masks, inside.masks, strict=True):
        assert not (mask & ~allowed.astype(bool)).any()


@pytest.mark.parametrize("method", SPARSE)
def test_resuming_is_bit_identical(method, tmp_path, monkeypatch):
    one = case(method, checkpoint_every=1)
    whole = train([one])[0]
    step = Loop._one_epoch

    class Killed(Exception):
        pass

    def dies(self):
        if self.epoch == 3:
            raise Killed
        return step(self)

    monkeypatch.setattr(Loop, "_one_epoch", dies)
    with pytest.raises(Killed):
        train([one], tmp_path)
    monkeypatch.setattr(Loop, "_one_epoch", step)
    assert same(whole, train([one], tmp_path)[0])


def steps(problem_):
    """Run one step at a time and yield the loop before and after every step."""
    loop = Loop([problem_], None)
    original = Loop._one_step
    states = []

    def recorded(self):
        before = [w[0].clone() for w in self.parameters.weights]
        masks = [m.copy() for m in self.rules[0].forward]
        gradient = [g[0].clone() for g in self.gradient.weights]
        trained = [m.copy() for m in self.rules[0].trained]
        original(self)
        after = [w[0].clone() for w in self.parameters.weights]
        states.append((before, masks, trained, gradient, after, loop.rules[0].forward.copy()))

    loop._one_step = recorded.__get__(loop)
    with torch.no_grad():
        loop.run()
    return loop, states


# --- SET -------------------------------------------------------------------------------------


def test_set_keeps_the_largest_and_starts_new_weights_small():
    one = case("set", batch_size=0, new_scale=0.0)
    loop = Loop([one], None)
    rule = loop.rules[0]
    before = [w[0].numpy().copy() for w in loop.parameters.weights]
    old = [m.copy() for m in rule.forward]
    with torch.no_grad():
        assert rule.after_epoch(1, [w[0] for w in loop.parameters.weights])
    for W0, m0, W1, m1, count in zip(
        before, old, loop.parameters.weights, rule.forward, rule.counts, strict=True
    ):
        moved = int(0.4 * count)
        assert m1.sum() == count
        kept = largest(np.abs(W0), m0, count - moved)
        assert not (kept & ~m1).any()
        assert np.array_equal(W1[0].numpy()[kept], W0[kept])
        assert np.all(W1[0].numpy()[m1 & ~kept] == 0)
    assert not rule.after_epoch(6, [w[0] for w in loop.parameters.weights])  # not after the last


def test_set_draws_new_weights_at_the_stated_scale():
    """Standard deviation new_scale * gain / sqrt(n_in), here over some 1,400 draws a layer."""
    loop = Loop([case("set", widths=(60, 200, 60), new_scale=0.5, gain=0.8)], None)
    rule, old = loop.rules[0], [m.copy() for m in loop.rules[0].forward]
    before = [w[0].numpy().copy() for w in loop.parameters.weights]
    with torch.no_grad():
        rule.after_epoch(1, [w[0] for w in loop.parameters.weights])
    for W0, m0, W1, m1, n_in in zip(
        before, old, loop.parameters.weights, rule.forward, (60, 200), strict=True
    ):
        kept = largest(np.abs(W0), m0, int(m0.sum()) - int(0.4 * m0.sum()))
        drawn = W1[0].numpy()[m1 & ~kept]
        assert drawn.size > 1000
        assert drawn.std() == pytest.approx(0.5 * 0.8 / np.sqrt(n_in), rel=0.1)
        assert abs(drawn.mean()) < 0.1 * drawn.std()


# --- RigL ------------------------------------------------------------------------------------


def test_rigl_moves_by_magnitude_and_gradient_and_does_nothing_else():
    loop, states = steps(case("rigl"))
    rule = loop.rules[0]
    moves = 0
    for step, (before, masks, _, gradient, after, new) in enumerate(states):
        if not rule.wants_gradient(step):
            assert all(np.array_equal(a, b) for a, b in zip(masks, new, strict=True))
            continue
        for k in range(2):
            count = rule.counts[k]
            moving = int(rule.share(step) * count)
            moves += moving
            W, G = before[k].numpy(), np.abs(gradient[k].numpy())
            kept = largest(np.abs(W), masks[k], count - moving)
            grown = largest(G, ~kept, moving)
            assert np.array_equal(new[k], kept | grown)
            assert np.array_equal(after[k].numpy()[kept], W[kept])
            assert np.all(after[k].numpy()[grown] == 0)
    assert moves > 0


def test_rigl_new_weights_have_no_momentum():
    loop = Loop([case("rigl")], None)
    velocity = loop.optimiser.moments[0].weights
    for v in velocity:
        v.fill_(1.0)
    gradient = [torch.rand(w.shape[1:]) for w in loop.parameters.weights]
    old = [m.copy() for m in loop.rules[0].forward]
    magnitude = [np.abs(w[0].numpy()).copy() for w in loop.parameters.weights]
    loop.rules[0].use_gradient(3, [w[0] for w in loop.parameters.weights], gradient)
    grown = [g.copy() for g in loop.rules[0].fresh.values()]
    loop._load_masks(0)
    for v, g, m, size in zip(velocity, grown, old, magnitude, strict=True):
        assert np.all(v[0].numpy()[g] == 0)
        kept = largest(size, m, int(m.sum()) - int(g.sum()))
        assert np.all(v[0].numpy()[kept] == 1)


def test_rigl_schedule():
    rule = Loop([case("rigl", drop_fraction=0.3, stop_fraction=1.0)], None).rules[0]
    shares = [rule.share(t) for t in (0, rule.last / 2, rule.last)]
    assert shares == pytest.approx([0.3, 0.15, 0])
    assert not rule.wants_gradient(0)
    assert not rule.wants_gradient(int(rule.last))


def test_rigl_that_would_move_no_weight_is_refused():
    with pytest.raises(DataError, match=r"first move is due at step 100.* of \d+ on"):
        Loop([case("rigl", every_steps=100)], None)


# --- Top-KAST --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("norm", ["square", "absolute"])
def test_top_kast_sets_and_frozen_weights(optimizer, norm):
    one = case("top_kast", lam=0.5, optimizer=optimizer, exploration=0.01, exploration_norm=norm)
    _, states = steps(one)
    for step, (before, forward, trained, _, after, _) in enumerate(states):
        for k, size in enumerate((96, 48)):
            assert forward[k].sum() == -(-size // 5)
            assert trained[k].sum() == size // 2
            assert not (forward[k] & ~trained[k]).any()
            W0, W1 = before[k].numpy(), after[k].numpy()
            frozen = ~trained[k]
            assert W0[frozen].tobytes() == W1[frozen].tobytes()
            assert (W0[trained[k]] != W1[trained[k]]).mean() > 0.9
            if step % 3 == 0:
                for chosen in (forward[k], trained[k]):  # both A and B hold the largest weights
                    assert np.abs(W0[chosen]).min() >= np.abs(W0[~chosen]).max()


@pytest.mark.parametrize("norm", ["square", "absolute"])
def test_top_kast_step_adds_the_gradient_of_the_exploration_penalty(norm):
    """W - rate (G + p rho'(W)) on B: rho is the square or the absolute value."""
    one = case(
        "top_kast", batch_size=0, momentum=0.0, dtype="float64", exploration=0.1, epochs=1,
        exploration_norm=norm,
    )  # fmt: skip
    _, states = steps(one)
    before, forward, trained, gradient, after, _ = states[0]
    for W0, A, B, G, W1 in zip(before, forward, trained, gradient, after, strict=True):
        W0, G = W0.numpy(), G.numpy()
        slope = 2 * W0 if norm == "square" else np.sign(W0)
        push = 0.1 * np.where(A, 1.0, 1 / 0.2) * slope
        assert np.allclose(W1.numpy()[B], (W0 - 0.02 * (G + push))[B], atol=1e-13)


def test_top_kast_penalty_pushes_the_explored_harder():
    rule = Loop([case("top_kast", exploration=0.01)], None).rules[0]
    for p, a, b in zip(rule.penalty(), rule.forward, rule.trained, strict=True):
        assert np.allclose(p[a], 0.02)
        assert np.allclose(p[b & ~a], 0.02 / 0.2)
        assert np.all(p[~b] == 0)


def test_top_kast_with_equal_sets_never_changes_its_mask():
    one = case("top_kast", density=0.3, backward_density=0.3, exploration=0.0, learning_rate=1e-4)
    loop = Loop([one], None)
    first = [m.copy() for m in loop.rules[0].forward]
    out = loop.run()[0]
    assert all(np.array_equal(a, b) for a, b in zip(first, out.masks, strict=True))


# --- gradual pruning -------------------------------------------------------------------------


def test_cubic_schedule():
    values = [cubic_sparsity(0.9, x) for x in (0, 0.25, 0.5, 1)]
    assert values == pytest.approx([0, 0.5203125, 0.7875, 0.9])


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_gradual_pruning_never_regrows_and_ends_at_its_density(scope):
    loop, states = steps(case("gradual_pruning", scope=scope))
    for (_, first, *_), (_, second, *_) in itertools.pairwise(states):
        assert not any((b & ~a).any() for a, b in zip(first, second, strict=True))
    final = loop.rules[0].forward
    if scope == "layer":
        assert [m.sum() for m in final] == [round(0.2 * 96), round(0.2 * 48)]
    else:
        assert sum(m.sum() for m in final) == round(0.2 * 144)
    for before, masks, *_ in states:
        assert all(np.all(W.numpy()[~m] == 0) for W, m in zip(before, masks, strict=True))


def test_global_scope_leaves_every_layer_a_weight():
    out = train([case("gradual_pruning", scope="global", density=0.02, gain=1.0)])[0]
    assert all(m.sum() >= 1 for m in out.masks)


# --- N:M -------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 17),
    group=st.integers(1, 6),
    keep=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_every_group_keeps_exactly_its_largest(rows, columns, group, keep, seed):
    keep = min(keep, group)
    W = np.random.default_rng(seed).integers(-2, 3, (rows, columns)).astype(float)
    mask = n_m_mask(W, keep, group)
    for row, start in itertools.product(range(rows), range(0, columns, group)):
        part = mask[row, start : start + group]
        assert part.sum() == min(keep, part.size)
        size = np.abs(W[row, start : start + group])
        if part.any() and not part.all():
            assert size[part].min() >= size[~part].max()


def test_sr_ste_step():
    one = case("n_m", batch_size=0, momentum=0.0, epochs=1, dtype="float64", refinement=0.1)
    _, states = steps(one)
    before, masks, trained, gradient, after, _ = states[0]
    for W0, mask, everywhere, G, W1 in zip(before, masks, trained, gradient, after, strict=True):
        assert everywhere.all()
        G, W0 = G.numpy(), W0.numpy()
        expected = W0 - 0.02 * (G + 0.1 * (~mask) * W0)
        assert np.allclose(W1.numpy(), expected, atol=1e-13)
    # straight through: the gradient is that at the masked weights, taken as if dense
    leaves = [
        torch.tensor(w.numpy() * m, requires_grad=True) for w, m in zip(before, masks, strict=True)
    ]
    biases = [b[0] for b in Loop([one], None).parameters.biases]
    H = (torch.tensor(one.X) @ leaves[0].T + biases[0]).relu() @ leaves[1].T + biases[1]
    torch.nn.functional.mse_loss(H, torch.tensor(one.Y)).backward()
    for leaf, G in zip(leaves, gradient, strict=True):
        assert torch.allclose(leaf.grad, G, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "values", "where"),
    [
        ("top_kast", {"density": 0.5, "backward_density": 0.2}, "training.backward_density"),
        ("gradual_pruning", {"begin_fraction": 0.9}, "training.end_fraction"),
        ("n_m", {"keep": 5}, "training.keep"),
        ("random_mask", {"density": 0.001}, "training.density"),
    ],
)
def test_mistakes_name_the_key(method, values, where):
    with pytest.raises(DataError) as caught:
        train([case(method, **values)])
    assert where in str(caught.value)
