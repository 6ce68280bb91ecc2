"""YAML that is small when read may be huge when built: limits, checked before anything is built."""

from __future__ import annotations

import yaml

MAX_BYTES = 1_000_000
MAX_NODES = 100_000  # with every alias written out
MAX_DEPTH = 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def excess(text: bytes) -> str:
    """Say which limit a YAML text breaks."""
    if len(text) > MAX_BYTES:
        return f"it has {len(text)} bytes; at most {MAX_BYTES}"
    sizes: dict[str, int] = {}  # nodes below each anchor, aliases written out
    open_nodes: list[tuple[str | None, int]] = []  # anchor and total when it opened
    total = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            total += 1
            open_nodes.append((event.anchor, total))
            if len(open_nodes) > MAX_DEPTH:
                return f"it is nested deeper than {MAX_DEPTH}"
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = total - before + 1
        if total > MAX_NODES:
            return f"it has more than {MAX_NODES} values"
    return ""
