"""`decide` for what people have: masks, sparse matrices and operators, or a torch module.

torch is not imported for it: who passes a module has imported torch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from relu_optima.errors import DataError
from relu_optima.existence.decision import decide_layers
from relu_optima.existence.verdict import Verdict
from relu_optima.patterns.layers import Layer, check_layers
from relu_optima.patterns.masks import MAX_SIDE
from relu_optima.patterns.sparse import MAX_CELLS, MAX_ONES, as_list
from relu_optima.patterns.state_dict import linear_layer, refuse_tied

if TYPE_CHECKING:
    from scipy import sparse
    from torch import Tensor, nn

    from relu_optima.patterns.sparse import Mask

Network = Sequence[Any] | np.ndarray
SEQUENTIAL = "nn.Sequential of nn.Linear and nn.ReLU (and Dropout, Identity, Flatten)"
BLOCK = 4_000_000  # entries of an operator that are computed at a time
ROUNDING = 1e-12  # of the largest entry of an operator; smaller ones may be noise


def decide(masks: Network | nn.Module, time_limit: float = 10.0, z3_rlimit: int = 0) -> Verdict:
    """Decide closedness of the product set and the function set, and existence on finite data.

    Parameters
    ----------
    masks : sequence of matrices (n_out, n_in), or torch.nn.Module
        First layer first: arrays of 0 and 1, scipy sparse matrices and lazylinop factors (their
        nonzero entries); or a Sequential of Linear and ReLU (its masks, else its nonzero
        weights). Masks stand for networks with free biases; where a module lacks some, answers
        that need them are ``unknown``.
    time_limit : float, optional
        Wall-clock seconds after which the search ends. It decides nothing: an answer is what any
        longer limit gives, or ``unknown`` with the reason ``time limit`` (`Verdict.timed_out`).
    z3_rlimit : int, optional
        Ask z3 about the product set of two layers that no rule decides, with this deterministic
        resource limit. Its answer has no certificate: `Certificate.verify` is False then, and
        `Certificate.unsupported` names the answers that rest on it. 0: do not ask.

    Returns
    -------
    Verdict
        Three answers, never a guess, and one certificate for all of them.

    Raises
    ------
    DataError
        If the masks are not 0/1 matrices that chain, or the module is no such network.
    SolveInputError
        If the time limit is not positive or the resource limit negative.
    """
    return decide_layers(network_layers(masks), time_limit, z3_rlimit)


def network_layers(network: Network | nn.Module, where: str = "masks") -> list[Layer]:
    """Read the layers of a network that is in memory."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(network, torch.nn.Module):
        return check_layers(_module_layers(network, where), where)
    if (isinstance(network, np.ndarray) and network.ndim == 2) or hasattr(network, "toarray"):
        raise DataError(
            "one matrix was given, not a list of layers",
            where=where,
            allowed="a sequence of 0/1 arrays (n_out, n_in), first layer first",
            fix="wrap the mask in a list",
        )
    if not isinstance(network, Sequence | np.ndarray):
        raise DataError(
            f"{type(network).__name__} was given",
            where=where,
            allowed=f"a sequence of matrices, first layer first, or an {SEQUENTIAL}",
        )
    layers: list[Layer] = []
    for k, item in enumerate(network):
        if isinstance(item, Layer):
            layers.append(item)
            continue
        place = f"{where}: layer {k + 1}"
        if hasattr(item, "toarray"):
            _check_sides(getattr(item, "shape", None), place)
            layers.append(Layer(f"layer {k + 1}", _nonzeros(item, place), "nonzero entries"))
        else:
            layers.append(Layer(f"layer {k + 1}", _array(item, place)))
    return check_layers(layers, where)


def _array(item: object, where: str) -> np.ndarray:
    try:
        return np.asarray(item)
    except ValueError as error:
        raise DataError("its rows have different lengths", where=where) from error
    except (TypeError, RuntimeError) as error:
        # a tensor that needs a gradient, or lies on another device
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"it is no array: {text}", where=where, allowed="0/1 arrays") from error


def _check_sides(shape: object, where: str) -> None:
    if not (isinstance(shape, tuple) and len(shape) == 2):
        raise DataError(f"its shape is {shape}", where=where, allowed="(n_out, n_in)")
    rows, columns = int(shape[0]), int(shape[1])
    if not 1 <= min(rows, columns) <= max(rows, columns) <= MAX_SIDE:
        raise DataError(
            f"its shape is ({rows}, {columns})", where=where, allowed=f"sides from 1 to {MAX_SIDE}"
        )


def _nonzeros(item: Any, where: str) -> Mask:
    """Return the support of a sparse matrix or of an operator, as lists of its ones."""
    from scipy import sparse

    if sparse.issparse(item):
        stored = item.tocsr()
        _check_numbers(stored.data, where)
        zeros = int(np.count_nonzero(stored.data == 0))
        if zeros:
            raise DataError(
                f"{zeros} of its stored entries are zero: kept weights, or none?",
                where=where,
                fix="call eliminate_zeros(), or store ones",
            )
        return as_list(stored.astype(bool))
    rows, columns = (int(side) for side in item.shape)
    blocks: list[sparse.csc_array] = []
    ones = 0
    smallest, largest = np.inf, 0.0
    # floats in blocks: the toarray of a lazylinop multiplies small integers, which overflow
    operator = hasattr(item, "matmat")
    if not operator and rows * columns > MAX_CELLS:
        raise DataError(f"it has {rows * columns} cells", where=where, allowed=f"{MAX_CELLS}")
    step = max(1, BLOCK // rows) if operator else columns
    for start in range(0, columns, step):
        stop = min(start + step, columns)
        block = np.asarray(
            item @ np.eye(columns, stop - start, -start) if operator else item.toarray()
        )
        _check_numbers(block, where)
        if block.shape != (rows, stop - start):
            raise DataError(f"it becomes an array of shape {block.shape}", where=where)
        size = np.abs(block)
        blocks.append(sparse.csc_array(block != 0))
        ones += blocks[-1].nnz
        if ones > MAX_ONES:
            raise DataError(f"it has more than {MAX_ONES} nonzero entries", where=where)
        smallest = min(smallest, float(size[size > 0].min(initial=np.inf)))
        largest = max(largest, float(size.max(initial=0.0)))
    if smallest < ROUNDING * largest:
        raise DataError(
            f"it has entries of {smallest:.1e} beside {largest:.1e}: weights, or rounding?",
            where=where,
            fix="pass the 0/1 mask",
        )
    return as_list(sparse.hstack(blocks))


def _check_numbers(values: np.ndarray, where: str) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(f"its entries are of type {values.dtype}", where=where, allowed="numbers")
    if not np.isfinite(values).all():
        raise DataError("it contains NaN or infinity", where=where)


def _module_layers(model: nn.Module, where: str) -> list[Layer]:
    """Walk through a Sequential; everything but Linear, ReLU and no-ops is refused by name."""
    import torch

    layers: list[Layer] = []
    groups: list[dict[str, Tensor]] = []
    activated = True  # whether a ReLU stands between the last layer and here
    for name, module in _flat(model, "", where):
        place = f"{where}: module {name!r}" if name else where
        _refuse_hooks(module, place)
        if _is(module, torch.nn.ReLU):
            if not layers:
                raise DataError("a ReLU stands before the first layer", where=place)
            activated = True
        elif _is(module, torch.nn.Linear):
            if not activated:
                raise DataError(f"no ReLU stands between {layers[-1].name} and it", where=place)
            groups.append(_linear_parts(module, place))
            layers.append(linear_layer(name, groups[-1], place))
            activated = False
        elif not any(_is(module, kind) for kind in _no_ops()):
            raise DataError(
                f"it is {type(module).__name__}", where=place, allowed=SEQUENTIAL,
                fix="pass the masks of a plain ReLU network, first layer first",
            )  # fmt: skip
    if not layers:
        raise DataError("it has no linear layer", where=where, allowed=SEQUENTIAL)
    if activated:
        raise DataError("a ReLU stands after the last layer", where=where, allowed=SEQUENTIAL)
    refuse_tied(groups, layers, where)
    return layers


def _flat(module: nn.Module, name: str, where: str) -> Iterator[tuple[str, nn.Module]]:
    """List the modules of nested Sequentials in the order in which they are applied."""
    import torch

    if not _is(module, torch.nn.Sequential):
        yield name, module
        return
    _refuse_hooks(module, f"{where}: module {name!r}" if name else where)
    # named_children leaves out a module that is used twice, such as one ReLU for all layers
    for key, child in module._modules.items():
        if child is not None:
            yield from _flat(child, f"{name}.{key}" if name else key, where)


def _is(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Say whether a module is of a kind and does what that kind does."""
    return (
        isinstance(module, kind)
        and type(module).forward is kind.forward
        and "forward" not in vars(module)
    )


def _no_ops() -> tuple[type[nn.Module], ...]:
    from torch import nn

    return nn.Dropout, nn.Identity, nn.Flatten


def _refuse_hooks(module: nn.Module, where: str) -> None:
    from torch.nn.utils.prune import BasePruningMethod

    hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
    for hook in hooks:
        if not isinstance(hook, BasePruningMethod):
            raise DataError(
                f"it has a hook, {getattr(hook, '__name__', type(hook).__name__)}",
                where=where,
                allowed="hooks of torch.nn.utils.prune",
                fix="remove the hook (and call remove_weight_norm or remove_spectral_norm)",
            )


def _linear_parts(module: nn.Module, where: str) -> dict[str, Tensor]:
    """Return parameters and masks of a Linear; FakeSparsity keeps its mask out of state dicts."""
    for kind, steps in getattr(module, "parametrizations", {}).items():
        names = [type(step).__name__ for step in steps]
        if names != ["FakeSparsity"]:
            raise DataError(
                f"its {kind} is parametrised by {', '.join(names)}",
                where=where,
                fix=f"torch.nn.utils.parametrize.remove_parametrizations(layer, {kind!r})",
            )
    parts = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {key: p.detach() if p.is_meta else p.detach().cpu() for key, p in parts.items()}
