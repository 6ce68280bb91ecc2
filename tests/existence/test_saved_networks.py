"""One network in every form that people save it in: the verdict of its masks, or a refusal."""

import copy
from functools import cache

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.ao.pruning.sparsifier.utils import FakeSparsity
from torch.nn.utils import parametrize, prune

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.errors import DataError
from relu_optima.existence import check_files, decide

FAMILIES = {
    "atlas": {"n_out": 2, "n_in": 2, "n_hidden": 2, "index": 5},
    "banded": {"n": 3, "lower": 1, "upper": 1},
    "bernoulli": {"n_in": 5, "n_hidden": 4, "n_out": 3, "p": 0.6, "seed": 0},
    "block_low_rank": {"blocks": 2, "side": 2, "rank": 1, "spread": True},
    "block_diagonal": {"blocks": 2, "block_in": 2, "block_hidden": 2, "block_out": 2},
    "butterfly": {"factors": 3},
    "channel_wise": {"n_in": 4, "n_hidden": 4, "n_out": 4, "keep": 0.5, "seed": 0},
    "dense": {"n_in": 3, "n_hidden": 2, "n_out": 2, "hidden_layers": 2},
    "erk": {"widths": [4, 4, 4], "density": 0.6, "seed": 0},
    "hierarchical": {"levels": 1, "leaf": 2, "rank": 1},
    "kronecker": {"factors": [[2, 2, 2, 1], [1, 2, 2, 2]]},
    "lu": {"n": 3},
    "n_of_m": {"n_in": 4, "n_hidden": 4, "n_out": 4, "keep": 2, "group": 4, "seed": 0},
    "regular": {"n_in": 4, "n_hidden": 4, "n_out": 4, "fan_in": 2, "seed": 0},
    "ul": {"n": 3},
}


@cache
def masks_of(family):
    module = load_plugin("pattern", family)
    return module.masks(module.Config(family=family, **FAMILIES[family]))


@cache
def verdict_of(family):
    verdict = decide(masks_of(family), time_limit=300)
    return verdict.product_set, verdict.function_set, verdict.optimum


def dense_network(masks):
    torch.manual_seed(0)
    parts = []
    for mask in masks:
        parts += [nn.Linear(mask.shape[1], mask.shape[0]), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def linears(model):
    return [m for m in model.modules() if isinstance(m, nn.Linear)]


def pruned(masks):
    model = dense_network(masks)
    for layer, mask in zip(linears(model), masks, strict=True):
        prune.custom_from_mask(layer, "weight", torch.tensor(mask))
    return model


def removed(masks):
    model = pruned(masks)
    for layer in linears(model):
        prune.remove(layer, "weight")
    return model


def masked(masks):
    """Parametrise as a sparsifier of torch.ao.pruning does."""
    model = dense_network(masks)
    for layer, mask in zip(linears(model), masks, strict=True):
        parametrize.register_parametrization(layer, "weight", FakeSparsity(torch.tensor(mask)))
    return model


def squashed(masks):
    model = masked(masks)
    for layer in linears(model):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return model


def checkpoint(masks):
    model = pruned(masks)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(1, masks[0].shape[1])).sum().backward()
    optimiser.step()
    state = optimiser.state_dict()
    for layer in linears(model):
        prune.remove(layer, "weight")
    return {"epoch": 3, "model_state_dict": model.state_dict(), "optimizer_state_dict": state}


def lightning(masks):
    """Lay a checkpoint out as Lightning does, its network called `model`."""
    state = {f"model.{key}": value for key, value in pruned(masks).state_dict().items()}
    return {
        "epoch": 3,
        "global_step": 60,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 0.1}]}],
        "hyper_parameters": {"width": 4, "lr": 0.1},
    }


SAVED = {
    "prune": lambda m: pruned(m).state_dict(),
    "prune.remove": lambda m: removed(m).state_dict(),
    "ao": lambda m: masked(m).state_dict(),
    "ao with masks": lambda m: masked(m).state_dict() | dict(masked(m).named_buffers()),
    "ao squashed": lambda m: squashed(m).state_dict(),
    "DataParallel": lambda m: nn.DataParallel(pruned(m)).state_dict(),
    "checkpoint": checkpoint,
    "Lightning": lightning,
    "network of Lightning": lambda m: lightning(m)["state_dict"],
}
# without the masks, or a safetensors file with the tensors of an optimiser in it
REFUSED_FORMS = {
    ("ao", "pt"), ("ao", "safetensors"), ("checkpoint", "safetensors"), ("Lightning", "safetensors")
}  # fmt: skip


def flat(value, prefix=""):
    """Name the tensors in nested dictionaries, as a conversion to safetensors would."""
    if isinstance(value, torch.Tensor):
        return {prefix: value.detach().clone().contiguous()}
    inside = value.items() if isinstance(value, dict) else []
    return {
        name: tensor
        for key, below in inside
        for name, tensor in flat(below, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def write(folder, content, ending):
    path = folder / f"net.{ending}"
    if ending == "safetensors":
        safetensors.torch.save_file(flat(content), path)
    else:
        torch.save(content, path)
    return path


def answers(path, **options):
    """Return the three answers, or None for a refusal."""
    try:
        report = check_files([path], time_limit=300, **options)
    except DataError as error:
        assert error.fix  # noqa: PT017 - a refusal is as good an outcome as an answer
        return None
    assert report.verified
    return tuple(report.answers.values())


def test_every_family_is_here():
    assert set(FAMILIES) == set(plugin_names("pattern")) - {"from_file"}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(f, marks=pytest.mark.slow) if f in ("block_low_rank", "hierarchical") else f
        for f in FAMILIES
    ],
)
def test_the_verdict_of_the_masks_or_none(tmp_path, family):
    masks = masks_of(family)
    np.savez(tmp_path / "net.npz", *masks)
    assert answers(tmp_path / "net.npz") == verdict_of(family)
    for form, make in SAVED.items():
        for ending in ("pt", "safetensors"):
            found = answers(write(tmp_path, make(masks), ending))
            refused = (form, ending) in REFUSED_FORMS
            assert found == (None if refused else verdict_of(family)), (form, ending)


@pytest.mark.parametrize("family", ["lu", "banded", "butterfly", "bernoulli"])
@pytest.mark.parametrize("form", [pruned, removed, masked, squashed])
def test_decide_takes_the_module_itself(family, form):
    verdict = decide(form(masks_of(family)), time_limit=300)
    assert (verdict.product_set, verdict.function_set, verdict.optimum) == verdict_of(family)


class Named(nn.Module):
    """Layers under names of their own, made in an order that need not be theirs."""

    def __init__(self, names, masks):
        super().__init__()
        for name, mask in zip(names, masks, strict=True):
            layer = nn.Linear(mask.shape[1], mask.shape[0])
            prune.custom_from_mask(layer, "weight", torch.tensor(mask))
            setattr(self, name, layer)


UP, LOW = np.triu(np.ones((3, 3), np.uint8)), np.tril(np.ones((3, 3), np.uint8))
TALL, WIDE = np.ones((4, 2), np.uint8), np.array([[1, 1, 0, 1], [0, 1, 1, 0]], np.uint8)


@pytest.mark.parametrize("names", [("encoder", "decoder"), ("a", "b"), ("fc1", "out")])
def test_an_order_that_is_not_certain_is_asked_for(tmp_path, names):
    state = Named(names, (UP, np.ones((3, 3), np.uint8))).state_dict()
    for ending in ("pt", "safetensors"):
        path = write(tmp_path, state, ending)
        with pytest.raises(DataError, match="order of its layers is not certain") as caught:
            check_files([path])
        assert "--layers a,b,c" in str(caught.value)
        assert names[0] in str(caught.value)
        report = check_files([path], layers=names)
        assert [layer.name for layer in report.layers] == [f"{name}.weight" for name in names]
        assert np.array_equal(report.layers[0].mask, UP)
        report = check_files([path], layers=[f"{name}.weight" for name in reversed(names)])
        assert np.array_equal(report.layers[1].mask, UP)


@pytest.mark.parametrize(
    ("names", "masks"),
    [(("z", "a"), (TALL, np.ones((3, 4), np.uint8))), (("l10", "l2"), (LOW, UP))],
)
def test_one_network_has_one_verdict_in_both_formats(tmp_path, names, masks):
    order = names if names[0] == "z" else names[::-1]
    state = Named(names, masks).state_dict()
    backwards = dict(reversed(list(state.items())))
    for content in (state, backwards):
        for ending in ("pt", "safetensors"):
            report = check_files([write(tmp_path, content, ending)])
            assert [layer.name for layer in report.layers] == [f"{n}.weight" for n in order]


def test_names_masks_and_assumptions_are_printed(tmp_path):
    report = check_files([write(tmp_path, lightning((UP, LOW)), "ckpt")])
    text = report.to_text()
    assert "model.0.weight  3x3, 6 of 9 kept (mask model.0.weight_mask)" in text
    assert "no skip connections" in text
    assert '"name": "model.2.weight"' in report.to_json()
    assert report.exit_code == 1


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)
        self.fc = nn.Linear(4, 4)


class LoRA(nn.Module):
    def __init__(self):
        super().__init__()
        self.lora_A = nn.Linear(4, 2, bias=False)
        self.lora_B = nn.Linear(2, 4, bias=False)
        self.fc = nn.Linear(4, 4)


class Factors(nn.Linear):
    """LoRA as loralib does it: the factors are parameters of the layer."""

    def __init__(self):
        super().__init__(4, 4)
        self.lora_A, self.lora_B = nn.Parameter(torch.ones(2, 4)), nn.Parameter(torch.ones(4, 2))


class OwnMask(nn.Linear):
    def __init__(self):
        super().__init__(4, 4)
        self.register_buffer("mask", torch.eye(4))


def square(*between):
    return nn.Sequential(nn.Linear(4, 4), *between, nn.ReLU(), nn.Linear(4, 4))


def weight_norm():
    model = square()
    nn.utils.parametrizations.weight_norm(model[0])
    return model


def spectral_norm():
    model = square()
    nn.utils.parametrizations.spectral_norm(model[0])
    return model


def weight_norm_of_old():
    return nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 4))


def tied():
    model = square()
    model[2].weight = model[0].weight
    return model


# what is saved, the key that the refusal names, the repair that it names
REFUSED = {
    "embedding": (lambda: nn.Sequential(nn.Embedding(4, 4), nn.Linear(4, 4)), "0.weight", "Embed"),
    "attention": (Attention, "attention.in_proj", "--layers"),
    "LoRA": (LoRA, "lora_A.weight", "merge"),
    "LoRA in the layer": (Factors, "lora_A", "merge"),
    "batch norm": (lambda: square(nn.BatchNorm1d(4)), "1.num_batches_tracked", "fold"),
    "layer norm": (lambda: square(nn.LayerNorm(4)), "1.weight", "--layers"),
    "PReLU": (lambda: square(nn.PReLU()), "1.weight", "--layers"),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(1, 4, 2), nn.Linear(4, 4)), "0.weight", "conv"),
    "recurrent": (lambda: nn.LSTM(4, 4), "_hh_l0", "recurrent"),
    "weight norm": (weight_norm, "0.parametrizations.weight.original0", "remove_parametrizations"),
    "spectral norm": (spectral_norm, "0.parametrizations.weight", "remove_parametrizations"),
    "old spectral norm": (weight_norm_of_old, "0.weight_u", "remove_spectral_norm"),
    "a mask of its own": (OwnMask, "mask", "npz"),
    "sparsifier": (lambda: masked((UP, LOW)), "0.parametrizations.weight.original", "squash_mask"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_is_no_plain_network_is_refused_by_key_and_repair(tmp_path, name, ending):
    make, key, repair = REFUSED[name]
    with pytest.raises(DataError) as caught:
        check_files([write(tmp_path, make().state_dict(), ending)])
    assert key in str(caught.value)
    assert repair in str(caught.value)


def test_named_layers_are_read_beside_anything_else(tmp_path):
    masks = {"0": UP, "3": LOW}
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 3))
    for name, mask in masks.items():
        prune.custom_from_mask(model[int(name)], "weight", torch.tensor(mask))
    path = write(tmp_path, model.state_dict(), "pt")
    assert answers(path) is None
    assert answers(path, layers=["0", "3"]) == verdict_of("lu")
    for wrong, message in (
        (["0", "4"], "no layer '4'"),
        (["0", "1"], "1.num_batches_tracked"),
        (["0", "0"], "named twice"),
        ([""], "no layer ''"),
    ):
        with pytest.raises(DataError, match=message):
            check_files([path], layers=wrong)
    # naming a layer does not make its mask known
    path = write(tmp_path, Factors().state_dict() | {"x.weight": torch.ones(4, 4)}, "pt")
    with pytest.raises(DataError, match="LoRA"):
        check_files([path], layers=["weight"])
    assert answers(path, layers=["x"]) is not None


def test_tied_layers_are_refused(tmp_path):
    with pytest.raises(DataError, match="one tensor"):
        check_files([write(tmp_path, tied().state_dict(), "pt")])
    with pytest.raises(DataError, match="one tensor"):
        decide(tied())


class Settings:
    """An object that Lightning's hyper_parameters may hold."""


STATE = {"0.weight": torch.ones(2, 3), "0.bias": torch.ones(2)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": STATE, "hyper_parameters": Settings()}, "Settings, which is not loaded"),
        (nn.Linear(2, 2), "object of torch.nn.modules.linear.Linear"),
        ({"generator": STATE, "critic": STATE}, r"\['generator', 'critic'\]"),
        ({"epoch": 3, "weights": [1, 2]}, "no state dict but"),
        ({"model": STATE, "masks": {"0.weight": torch.eye(2)}}, "'masks', apart"),
        ([1, 2], "it holds list"),
        ({"0.weight_mask": torch.ones(2, 2)}, "a mask without its weight weight_orig"),
        ({**STATE, "0.weight_orig": torch.ones(2, 3)}, "0.weight stands beside 0.weight_orig"),
        ({**STATE, "0.bias": torch.ones(3)}, "bias of shape"),
        ({**STATE, "1.bias": torch.ones(3)}, "1.bias has no weight"),
        ({**STATE, "0.\n.weight": torch.ones(2, 2)}, "no printable text"),
        ({"0.weight_orig": torch.ones(2, 2), "0.weight_mask": torch.ones(2)}, "no 0/1 mask"),
        ({"0.weight_orig": torch.ones(1, 1), "0.weight_mask": torch.ones(1, 1) / 2}, "no 0/1"),
        ({"0.weight": torch.ones(2, 2, dtype=torch.complex64)}, "complex64"),
    ],
)
def test_unreadable_checkpoints_say_what_to_save(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        check_files([write(tmp_path, content, "pt")])


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "module", "net"])
def test_checkpoints_are_opened(tmp_path, key):
    state = pruned((UP, LOW)).state_dict()
    beside = {"epoch": 3, "pruning_rate": 0.5, "ema": copy.deepcopy(state)}
    path = write(tmp_path, {key: state, **beside}, "pth")
    assert answers(path) == verdict_of("lu")


def without_bias(*places):
    model = pruned((UP, LOW))
    for place in places:
        model[place].bias = None
    return model


def test_answers_that_need_biases_are_withheld_without_them(tmp_path):
    assert decide(without_bias(2)).optimum == "not_always"
    assert decide(without_bias(2)).function_set == "unknown"
    assert decide(without_bias(0)).optimum == "not_always"
    assert decide(without_bias(0, 2)).product_set == "not_closed"
    model = without_bias(0)
    prune.custom_from_mask(model[2], "bias", torch.tensor([1, 0, 1]))
    path = write(tmp_path, model.state_dict(), "pt")
    report = check_files([path], layers=["0", "2"])
    assert report.exit_code == 1
    assert report.verified
    assert "0.weight: absent, 2.weight: partly masked" in report.to_text()
    one = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1))
    assert decide(one).optimum == "always"
