"""In which order named layers are applied, where names and sizes leave no doubt.

A state dict does not say it: torch keeps the order in which the layers were *made*, safetensors
sorts the names. Certain are only

* numbers: ``0``, ``2`` of a Sequential, or ``fc1``, ``fc2``: layers whose names differ in one
  number only. A number that counts *groups* of layers may count blocks or the members of an
  ensemble: it is trusted only if numbers in between are left out, as activations do;
* sizes: outputs of one are inputs of the next in exactly one order of all layers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Token = str | int
Shape = tuple[int, int]
MAX_BLOCKS = 30  # groups that sizes may order
MAX_STEPS = 10_000  # of the search for a second order
MAX_DEPTH = 100  # parts of a name


class UncertainOrderError(ValueError):
    """Names and sizes allow no order, or more than one."""


@dataclass(frozen=True)
class Block:
    """Layers that are applied one after another.

    Attributes
    ----------
    names : tuple of str
        First layer first.
    n_in, n_out : int
        Inputs of the first and outputs of the last layer.
    by_sizes : bool
        Whether the sizes were needed to order them.
    """

    names: tuple[str, ...]
    n_in: int
    n_out: int
    by_sizes: bool = False


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts ``layer2`` before ``layer10``."""
    parts = re.split(r"([0-9]{1,18})", name)
    return [(int(t), "") if k % 2 else (-1, t) for k, t in enumerate(parts)]


def certain_order(shapes: Mapping[str, Shape]) -> Block:
    """Order layers."""
    tree: dict[Token, object] = {}
    for name in sorted(shapes, key=natural_key):
        tokens = list(_tokens(name))
        if len(tokens) > MAX_DEPTH:
            raise UncertainOrderError(f"the name {name[:40]!r}... has too many parts")
        node = tree
        for token in tokens:
            below = node.setdefault(token, {})
            assert isinstance(below, dict)
            node = below
        if "" in node:
            raise UncertainOrderError(f"two layers are called {name!r}, but for leading zeros")
        node[""] = name
    return _ordered(tree, shapes)


def _tokens(name: str) -> Iterator[Token]:
    """Split a name into words and numbers; no word is empty."""
    for part in name.split("."):
        match = re.fullmatch(r"(.*?)([0-9]{1,18})", part, re.DOTALL)
        yield f".{match[1] if match else part}"
        if match:
            yield int(match[2])


def _ordered(node: dict[Token, object], shapes: Mapping[str, Shape]) -> Block:
    blocks: list[tuple[Token, Block]] = []
    for token, below in node.items():
        if isinstance(below, dict):
            blocks.append((token, _ordered(below, shapes)))
        else:
            name = str(below)
            n_out, n_in = shapes[name]
            blocks.append((token, Block((name,), n_in, n_out)))
    if len(blocks) == 1:
        return blocks[0][1]
    numbers = [token for token, _ in blocks if isinstance(token, int)]
    if len(numbers) == len(blocks):
        blocks.sort(key=lambda pair: int(pair[0]))
        numbers.sort()
        single = all(len(block.names) == 1 for _, block in blocks)
        gaps = all(b - a > 1 for a, b in itertools.pairwise(numbers))
        if single or gaps:
            return _chained([block for _, block in blocks])
    return _by_sizes([block for _, block in blocks])


def _chained(blocks: list[Block]) -> Block:
    for below, above in itertools.pairwise(blocks):
        if below.n_out != above.n_in:
            raise UncertainOrderError(
                f"{below.names[-1]} has {below.n_out} outputs but {above.names[0]}, the next by "
                f"number, has {above.n_in} inputs"
            )
    names = tuple(name for block in blocks for name in block.names)
    by_sizes = any(block.by_sizes for block in blocks)
    return Block(names, blocks[0].n_in, blocks[-1].n_out, by_sizes)


def _by_sizes(blocks: list[Block]) -> Block:
    """Find the only order in which the blocks chain."""
    if len(blocks) > MAX_BLOCKS:
        raise UncertainOrderError(f"their names do not order them, and {len(blocks)} are too many")
    found: list[list[Block]] = []
    steps = 0

    def extend(chain: list[Block], rest: list[Block]) -> None:
        nonlocal steps
        steps += 1
        if not rest:
            found.append(chain)
        for k, block in enumerate(rest):
            if len(found) > 1 or steps > MAX_STEPS:
                return
            if not chain or chain[-1].n_out == block.n_in:
                extend([*chain, block], rest[:k] + rest[k + 1 :])

    extend([], blocks)
    if steps > MAX_STEPS or len(found) > 1:
        raise UncertainOrderError("neither their names nor their sizes tell in which order")
    if not found:
        raise UncertainOrderError(
            "their names do not order them, and in no order are the outputs of each the inputs of "
            "the next"
        )
    chain = _chained(found[0])
    return Block(chain.names, chain.n_in, chain.n_out, by_sizes=True)
