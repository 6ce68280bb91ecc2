"""Linear layers of a state dict, by parameter name; whatever else it holds is refused by name.

A layer X is ``X.weight``, or ``X.weight_orig`` with ``X.weight_mask`` (`torch.nn.utils.prune`), or
``X.parametrizations.weight.original`` with ``X.parametrizations.weight.0.mask``
(`torch.ao.pruning`), and perhaps a bias in the same forms. Where a mask is stored it is the
pattern; else the nonzero entries of the weight are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from relu_optima.errors import DataError
from relu_optima.patterns.layers import ABSENT, FREE, PARTIAL, Layer
from relu_optima.patterns.masks import MAX_CELLS, MAX_SIDE
from relu_optima.patterns.order import UncertainOrderError, certain_order, natural_key

if TYPE_CHECKING:
    from torch import Tensor

# the forms of a parameter: its values, and its mask if there is one
PLAIN = ("{}",)
PRUNED = ("{}_orig", "{}_mask")
MASKED = ("parametrizations.{}.original", "parametrizations.{}.0.mask")
TYPES = ("float16", "bfloat16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32",
         "int64")  # fmt: skip
LONGEST = 1000  # characters of a name
PART = re.compile(
    r"(?:(?P<layer>.*?)\.)?"
    r"(?P<part>(?:weight|bias)(?:_orig|_mask)?|parametrizations\.(?:weight|bias)\..*)",
    re.DOTALL,
)
SQUASH = "call sparsifier.squash_mask() before saving"
REMOVE = "call torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') before saving"

# what a key that is no part of a linear layer tells: pattern, what it is, what to do about it
FOREIGN = (
    (r"running_(mean|var)$|num_batches_tracked$", "belongs to a batch normalisation",
     "fold it into the layer below (torch.nn.utils.fusion.fuse_linear_bn_eval)"),
    (r"(^|[._])lora_", "is a factor of LoRA, added to the weight of a layer",
     "merge it before saving (merge_and_unload)"),
    (r"in_proj|[qkv]_proj_weight$|bias_[kv]$", "belongs to an attention layer", ""),
    (r"weight_[ih]h_l\d+|bias_[ih]h_l\d+", "belongs to a recurrent layer", ""),
    (r"weight_[guv]$", "belongs to a weight or spectral normalisation",
     "call torch.nn.utils.remove_weight_norm or remove_spectral_norm before saving"),
    (r"parametrizations\.", "belongs to a parametrisation", REMOVE),
    (r"mask", "is a mask of a kind that is not read",
     "multiply it into the weight and leave it out, or store the masks as npz"),
)  # fmt: skip


def state_dict_layers(
    tensors: Mapping[str, Tensor],
    where: str,
    chosen: Sequence[str] = (),
    option: str = "--layers",
) -> list[Layer]:
    """Read the linear layers of a state dict."""
    groups: dict[str, dict[str, Tensor]] = {}
    foreign: dict[str, str] = {}
    for key in sorted(tensors, key=natural_key):
        if len(key) > LONGEST or not key.isprintable():
            raise DataError(f"a name is no printable text: {key[:40]!a}", where=where)
        match = PART.fullmatch(key)
        if match:
            groups.setdefault(match["layer"] or "", {})[match["part"]] = tensors[key]
        else:
            foreign[key] = key.rpartition(".")[0]
    for key in [f"{name}.weight" for name in groups]:
        if re.search(FOREIGN[1][0], key):
            foreign[key] = re.split(r"\.?lora_", key)[0]
    if chosen:
        names = [_resolve(name, groups, where, option) for name in chosen]
        if len(set(names)) < len(names):
            raise DataError("a layer is named twice", where=option)
    else:
        names = list(groups)
    for key, owner in foreign.items():
        if not chosen or owner in names:
            raise _refusal(key, where, "" if chosen else option, groups)
    if not names:
        raise DataError("it holds no weight of a linear layer", where=where)
    layers: dict[str, Layer] = {}
    for name in names:
        try:
            layers[name] = linear_layer(name, groups[name], where)
        except DataError as error:
            if chosen:
                raise
            raise _with_choice(error, option) from None
        if sum(layer.mask.size for layer in layers.values()) > MAX_CELLS:
            raise DataError("its layers are too large", where=where, allowed=f"{MAX_CELLS} cells")
    refuse_tied([groups[name] for name in names], list(layers.values()), where)
    return list(layers.values()) if chosen else _in_order(layers, where, option)


def linear_layer(name: str, parts: Mapping[str, Tensor], where: str) -> Layer:
    """Read one linear layer."""
    full = {part: f"{name}.{part}" if name else part for part in parts}
    kept = dict(parts)
    weight, mask, source = _parameter("weight", kept, full, where)
    if weight is None:
        key = next((part for part in kept if "parametrizations" in part), "")
        if key:
            raise _refusal(full[key], where, "", {})
        key = full[next(iter(parts))]
        raise DataError(f"{key} has no weight beside it", where=where, allowed="linear layers")
    bias, bias_mask, _ = _parameter("bias", kept, full, where)
    if kept:
        raise _refusal(full[next(iter(kept))], where, "", {})
    if weight.ndim != 2:
        what = {1: "a normalisation or an activation with parameters", 0: "a scalar"}.get(
            weight.ndim, "a convolution or a bilinear layer"
        )
        raise DataError(
            f"{source} has {weight.ndim} dimensions: {what}, no linear layer",
            where=where,
            allowed="networks of linear layers and ReLU",
        )
    _check_size(weight.shape, f"{where}: {source}")
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise DataError(
            f"{name or 'the layer'} has a bias of shape {tuple(bias.shape)} "
            f"and a weight of shape {tuple(weight.shape)}",
            where=where,
            allowed="weights (n_out, n_in) with a bias of length n_out",
        )
    if mask is None and bool(weight.isnan().any()):
        raise DataError("it contains NaN", where=f"{where}: {source}")
    state = ABSENT if bias is None else FREE
    if bias_mask is not None and not bool((bias_mask == 1).all()):
        state = PARTIAL
    pattern = weight != 0 if mask is None else mask == 1
    label = f"{name}.weight" if name else "weight"
    words = f"nonzero entries of {source}" if mask is None else f"mask {source}"
    free = bias_mask.bool().numpy() if bias_mask is not None and state == PARTIAL else None
    return Layer(label, pattern.numpy(), words, state, free)


def _parameter(
    kind: str, parts: dict[str, Tensor], full: Mapping[str, str], where: str
) -> tuple[Tensor | None, Tensor | None, str]:
    """Take weight or bias out of the parts: values, mask, and the key that tells the pattern."""
    found = {
        form: [part for pattern in form if (part := pattern.format(kind)) in parts]
        for form in (PLAIN, PRUNED, MASKED)
    }
    present = [form for form, names in found.items() if names]
    if not present:
        return None, None, ""
    form = present[0]
    names = found[form]
    if len(present) > 1:
        raise DataError(
            f"{full[names[0]]} stands beside {full[found[present[1]][0]]}: which is the {kind}?",
            where=where,
            fix="save the state dict of one network, as torch makes it",
        )
    if len(names) < len(form):
        missing = next(p.format(kind) for p in form if p.format(kind) not in parts)
        raise DataError(
            f"{full[names[0]]} comes without {missing}, so its mask is not known"
            if names[0] == form[0].format(kind)
            else f"{full[names[0]]} is a mask without its weight {missing}",
            where=where,
            fix=f"torch.ao.pruning keeps its masks out of state dicts: {SQUASH}; any other "
            f"parametrisation: {REMOVE}"
            if form is MASKED
            else f"call torch.nn.utils.prune.remove(layer, {kind!r}) before saving",
        )
    values = parts.pop(names[0])
    _check_tensor(values, full[names[0]], where)
    if len(form) == 1:
        return values, None, full[names[0]]
    mask = parts.pop(names[1])
    _check_tensor(mask, full[names[1]], where)
    if mask.shape != values.shape or not bool(((mask == 0) | (mask == 1)).all()):
        raise DataError(
            f"{full[names[1]]} is no 0/1 mask of shape {tuple(values.shape)}",
            where=where,
            fix=SQUASH if form is MASKED else f"prune.remove(layer, {kind!r})",
        )
    return values, mask, full[names[1]]


def _check_tensor(tensor: Tensor, key: str, where: str) -> None:
    from torch import strided

    if tensor.layout is not strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise DataError(f"{key} is no dense tensor in memory", where=where)
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind not in TYPES:
        raise DataError(f"{key} is of type {kind}", where=where, allowed=", ".join(TYPES))
    if tensor.numel() > MAX_CELLS:
        raise DataError(
            f"{key} has shape {tuple(tensor.shape)}", where=where, allowed=f"{MAX_CELLS} cells"
        )


def _check_size(shape: Sequence[int], where: str) -> None:
    sides = tuple(int(side) for side in shape)
    if any(s > MAX_SIDE for s in sides):
        raise DataError(f"its shape is {sides}", where=where, allowed=f"sides <= {MAX_SIDE}")


def _refusal(key: str, where: str, option: str, groups: Mapping[str, object]) -> DataError:
    known = [(what, fix) for pattern, what, fix in FOREIGN if re.search(pattern, key)]
    what, fix = known[0] if known else ("is no part of a linear layer", "")
    error = DataError(
        f"{key[:200]} {what}",
        where=where,
        allowed="weights, masks and biases of linear layers",
        fix=fix or ("" if option else "store the masks as npz, first layer first"),
    )
    return _with_choice(error, option) if option and groups else error


def _with_choice(error: DataError, option: str) -> DataError:
    """Add the way out that is always open: to name the layers."""
    way = f"name the linear layers of a plain ReLU network, first layer first: {option} a,b,c"
    fix = f"{error.fix}, or {way}" if error.fix else way
    return DataError(error.problem, allowed=error.allowed, where=error.where, fix=fix)


def _resolve(name: str, groups: Mapping[str, object], where: str, option: str) -> str:
    """Accept a layer's name with or without ``.weight``."""
    plain = name.removesuffix("weight").removesuffix(".")
    for candidate in (name, plain):
        if candidate in groups:
            return candidate
    raise DataError(
        f"{where} has no layer {name[:200]!r}",
        where=option,
        allowed=_listed(sorted(groups, key=natural_key)) or "nothing: it holds no linear layer",
    )


def _listed(names: Sequence[str]) -> str:
    shown = [n[:80] or "weight" for n in names]
    return ", ".join(shown[:20]) + (f" and {len(shown) - 20} more" if len(shown) > 20 else "")


def refuse_tied(
    groups: Sequence[Mapping[str, Tensor]], layers: Sequence[Layer], where: str
) -> None:
    """Refuse two layers that are one parameter: they do not vary independently."""
    seen: dict[int, str] = {}
    for parts, layer in zip(groups, layers, strict=True):
        for part, tensor in parts.items():
            if part.startswith("bias") or "mask" in part or not tensor.numel():
                continue
            other = seen.setdefault(tensor.data_ptr(), layer.name)
            if other != layer.name:
                raise DataError(
                    f"{other} and {layer.name} are one tensor",
                    where=where,
                    allowed="layers whose weights are independent parameters",
                )


def _in_order(layers: Mapping[str, Layer], where: str, option: str) -> list[Layer]:
    shapes = {name: (layer.mask.shape[0], layer.mask.shape[1]) for name, layer in layers.items()}
    sizes = ", ".join(f"{n or 'weight'} {m}x{k}" for n, (m, k) in list(shapes.items())[:20])
    way = f"name the layers, first layer first: {option} a,b,c"
    try:
        block = certain_order(shapes)
    except UncertainOrderError as error:
        raise DataError(
            f"the order of its layers is not certain: {error} ({sizes[:2000]})",
            where=where,
            allowed="numbered layers (0, 2, 4; fc1, fc2), or sizes that chain in one order only",
            fix=way,
        ) from error
    for place, name in enumerate(block.names):
        # in a chain only the first layer can be an embedding: it takes indices, not outputs
        if layers[name].bias == ABSENT and (place == 0 or block.by_sizes):
            raise DataError(
                f"{layers[name].name} has no bias beside it: it may be an nn.Embedding as well as "
                "a linear layer",
                where=where,
                fix=f"{way}, if it is a linear layer without bias",
            )
    return [layers[name] for name in block.names]
