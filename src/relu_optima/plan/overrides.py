"""What the command line sets, and what it leaves of the conditions of sweeps and products.

A condition (``where``) on a value that the command line replaced may hold of no run any more. It
then takes the one value that is there; where several are there, nobody can know which was meant,
and the sweep or product is left out. Either way a notice says so; it stays in the plan.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from relu_optima.plan.model import Product

COMMAND_LINE = "command line"
_SEEDS = ("seed", "dataset.seed", "dataset.validation_seed")  # what may follow the run's seed
Columns = Mapping[str, Any]


@dataclass
class Override:
    """A ``[sweep:]key=value`` from the command line; `used` says that some sweep reads it."""

    key: str
    values: list[Any]
    sweep: str | None = None
    used: bool = False
    text: str = ""

    def unread(self, study: str) -> str:
        """Say that no sweep of the study reads the key."""
        if self.key == "seed" and self.sweep is None:
            return (
                f"{COMMAND_LINE}: seed: no sweep of study {study!r} states a seed, draws from it "
                "and builds on no other sweep; name the sweep that is meant: SWEEP:seed=..."
            )
        return f"{COMMAND_LINE}: {self.key}: no sweep of study {study!r} reads this key"


class CommandLine:
    """The overrides, which sweeps read them, and what had to give way.

    Attributes
    ----------
    overrides : list of Override
        The same.
    notices : list of str
        What was narrowed or left out, one line each.
    left_out : dict of str to str
        Stage of each sweep that no run is left of.
    """

    def __init__(self, overrides: list[Override]) -> None:
        self.overrides = overrides
        self.notices: list[str] = []
        self.left_out: dict[str, str] = {}
        self._on: dict[str, list[str]] = {}
        self._read: dict[str, list[Override]] = {}
        self._changed: dict[str, list[Override]] = {}

    def builds_on(self, sweep: str, on: list[str]) -> None:
        """Note the sweeps that a sweep builds on."""
        self._on[sweep] = on

    def reads(self, sweep: str, override: Override, *, changes: bool = True) -> None:
        """Note that a sweep takes a value from an override."""
        self._read.setdefault(sweep, []).append(override)
        if changes:
            self._changed.setdefault(sweep, []).append(override)

    def has_read(self, sweep: str, override: Override) -> bool:
        """Tell whether a sweep takes a value from an override."""
        return override in self._read.get(sweep, [])

    def texts(self, sweep: str) -> list[str]:
        """List the overrides that change a sweep or one it builds on, as they were typed."""
        own = [o.text for o in self._changed.get(sweep, [])]
        return list(
            dict.fromkeys([*own, *(t for u in self._on.get(sweep, ()) for t in self.texts(u))])
        )

    def sets(self, sweep: str, column: str) -> bool:
        """Tell whether the command line decided what a column of a sweep shows."""
        for override in self._read.get(sweep, ()):
            if column == override.key or column.startswith(f"{override.key}."):
                return True
            if override.key == "seed" and column in _SEEDS:
                return True
        for name in self._on.get(sweep, ()):
            inner = column.removeprefix(f"{name}.")
            shared = column in _SEEDS or column.split(".")[0] == "dataset"
            if (inner != column or shared) and self.sets(name, inner):
                return True
        return False

    def leave_out(self, sweep: str, stage: str, why: str) -> None:
        """Note that no run of a sweep is left."""
        self.left_out[sweep] = stage
        self.notices.append(f"sweep {sweep} is left out: {why}")

    def narrow(
        self,
        where: Mapping[str, Any],
        rows: Sequence[Columns],
        is_set: Callable[[str], bool],
        what: str,
    ) -> tuple[dict[str, Any], str]:
        """Fit conditions to what the command line set."""
        fitted = dict(where)
        for column, wanted in where.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            have = list(dict.fromkeys(r[column] for r in rows if column in r))
            if not have or any(v in values for v in have) or not is_set(column):
                continue
            asked = f"{column} = {' or '.join(map(str, values))}"
            if len(have) > 1:
                shown = ", ".join(map(str, have[:6])) + (", ..." if len(have) > 6 else "")
                return fitted, f"it selects {asked}, and the command line set {shown}"
            fitted[column] = have[0]
            self.notices.append(f"{what} selects {column} = {have[0]} in place of {asked}")
        return fitted, ""

    def fit(
        self, kind: str, product: Product, rows: Callable[[str], Sequence[Columns]]
    ) -> Product | None:
        """Fit a figure or table to what the command line set."""
        name = f"{kind} {product.name}"
        lost = [s for s in product.sweeps if s in self.left_out]
        if lost:
            self.notices.append(f"{name} is left out: it shows sweep {lost[0]}")
            return None
        texts = list(dict.fromkeys(t for s in product.sweeps for t in self.texts(s)))
        if not texts:
            return product
        config = copy.deepcopy(product.config)
        why = next(filter(None, self._fit(config, product.sweeps, rows, name)), "")
        if why:
            self.notices.append(f"{name} is left out: {why}")
            return None
        config["caption"] = f"{config['caption'].rstrip()} Command line: {', '.join(texts)}."
        return replace(product, config=config)

    def _fit(
        self, node: Any, sweeps: Sequence[str], rows: Callable[[str], Sequence[Columns]], what: str
    ) -> Iterable[str]:
        """Fit every ``where`` inside a product, in place; yield why one chooses nothing."""
        if isinstance(node, list):
            for item in node:
                yield from self._fit(item, sweeps, rows, what)
        if not isinstance(node, dict):
            return
        sweeps = node.get("sweeps", sweeps)  # a part of a figure has its own
        sweeps = [node["sweep"]] if isinstance(node.get("sweep"), str) else sweeps
        for sweep in sweeps if isinstance(node.get("where"), dict) else ():
            names = {c: self._named(sweep, c) for c in node["where"]}
            conditions = {names[c]: v for c, v in node["where"].items()}
            found, why = self.narrow(conditions, rows(sweep), partial(self.sets, sweep), what)
            node["where"] = {c: found[names[c]] for c in node["where"]}
            yield why
        for key, item in node.items():
            if key != "where":
                yield from self._fit(item, sweeps, rows, what)

    def _named(self, sweep: str, column: str) -> str:
        """Spell out ``*.name``, the column of whatever sweep a sweep builds on."""
        on = self._on.get(sweep, [])
        return f"{on[0]}{column[1:]}" if column.startswith("*.") and len(on) == 1 else column
