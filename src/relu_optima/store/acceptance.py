"""What other libraries computed for a run with the same code: why it runs again, or is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relu_optima.errors import StoreError
from relu_optima.plan.code_key import RunKey
from relu_optima.plan.environment import Environment
from relu_optima.store.records import Store


@dataclass(frozen=True)
class Earlier:
    """A record of a run with the same code.

    Attributes
    ----------
    code_key : str
        Its key.
    environment : Environment
        The libraries that computed it.
    upstream : dict of str to str
        Keys of the records it was built on, by stage.
    """

    code_key: str
    environment: Environment
    upstream: dict[str, str]


def earlier(store: Store, run_id: str, code: str) -> Iterator[Earlier]:
    """Find the records of a run with the same code, the newest first."""
    keys = [(path.stat().st_mtime_ns, path.parent.name) for path in store.records_of(run_id)]
    for _, code_key in sorted(keys, reverse=True):
        try:
            origin = store.load(run_id, code_key, arrays=False).origin
            if origin.get("code") == code:
                environment = Environment.from_json(origin["environment"])
                yield Earlier(code_key, environment, origin["upstream"])
        except (StoreError, KeyError, ValueError):
            continue  # damaged, or of an older version: it is computed again


@dataclass(frozen=True)
class Acceptance:
    """Keeps what other libraries computed, as ``--accept-environment`` asks.

    Attributes
    ----------
    store : Store
        Where the records lie.
    """

    store: Store

    def __call__(self, run_id: str, key: RunKey, upstream: dict[str, str]) -> RunKey | None:
        """Find the record to keep in place of one that the present libraries would compute."""
        if self.store.has(run_id, key.code_key):
            return None
        for found in earlier(self.store, run_id, key.code):
            if found.upstream == upstream:
                return RunKey(key.code, found.environment, found.code_key)
        return None
