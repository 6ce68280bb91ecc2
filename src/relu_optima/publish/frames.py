"""Select runs from collected sweeps; say what is missing, pooled or not as it should be."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relu_optima.config.reads import GROUPS, upstream_columns
from relu_optima.errors import ReluOptimaError
from relu_optima.publish.config import ProductConfig, Where

if TYPE_CHECKING:
    import pandas as pd

# What stages call a run that did what it should.
GOOD_STATUSES = frozenset({"ok", "optimal"})
_CONFIG_COLUMN = re.compile(rf"(?:^|\.)(?:{'|'.join(GROUPS)})(?:\.[a-z_0-9.]+)?$")


class ProductError(ReluOptimaError):
    """A figure or table that asks for what its sweeps do not have."""

    def named(self, product: str) -> ProductError:
        """Return the same error with the product's name in front."""
        where = f"{product}: {self.where}" if self.where else product
        return type(self)(self.problem, allowed=self.allowed, where=where, fix=self.fix)


class ColumnError(ProductError):
    """A column that a sweep does not have; names the nearest one."""


def gather(
    frames: Mapping[str, pd.DataFrame], options: ProductConfig, columns: Iterable[str | None] = ()
) -> pd.DataFrame:
    """Put the sweeps of a product together and keep the runs it selects."""
    import pandas as pd

    needed = [c for c in columns if c is not None]
    parts = []
    for name in options.sweeps:
        read = [*needed, *options.where, *itertools.chain(*options.excess.values())]
        frame = with_upstream(sweep_of(frames, name), read, name)
        for column, (value, base) in options.excess.items():
            require(frame, [value, base], name)
            frame = frame.assign(**{column: frame[value] / frame[base] - 1})
        require(frame, needed, name)
        parts.append(select(frame, options.where, name))
    whole = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    if whole.empty:
        raise ProductError(
            "no run is selected", where=f"sweeps {', '.join(options.sweeps)}", fix="relax `where`"
        )
    return whole.reset_index(drop=True)


def sweep_of(frames: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return one collected sweep."""
    if name not in frames:
        raise ProductError(
            f"there is no sweep {name!r}",
            where="sweeps",
            allowed=", ".join(sorted(frames)) or "none is given",
        )
    return frames[name]


def with_upstream(frame: pd.DataFrame, columns: Iterable[str], sweep: str) -> pd.DataFrame:
    """Add the columns ``*.name``: those of the upstream sweep, whatever its name is."""
    found = {}
    for column in columns:
        if not column.startswith("*."):
            continue
        matching = upstream_columns(map(str, frame.columns), column)
        if len(matching) != 1:
            raise ColumnError(
                f"{len(matching)} upstream sweeps have a column {column[2:]!r}",
                where=f"sweep {sweep}",
                allowed=", ".join(matching) or "one upstream sweep with it",
                fix=f"write {column[2:]}: no sweep stands before it"
                if column[2:] in frame.columns
                else "",
            )
        found[column] = frame[matching[0]]
    return frame.assign(**found)


def require(frame: pd.DataFrame, columns: Iterable[str], sweep: str) -> None:
    """Refuse a sweep that lacks a column."""
    have = [str(c) for c in frame.columns]
    for column in columns:
        if column not in have:
            last = column.rsplit(".", 1)[-1]
            near = difflib.get_close_matches(column, have, n=1, cutoff=0.6) or [
                c for c in have if c.rsplit(".", 1)[-1] == last
            ]
            raise ColumnError(
                f"there is no column {column!r}",
                where=f"sweep {sweep}",
                allowed=", ".join(have),
                fix=f"did you mean {near[0]!r}?" if near else "",
            )


def select(frame: pd.DataFrame, where: Where, sweep: str) -> pd.DataFrame:
    """Keep the runs that have exactly the given values."""
    require(frame, where, sweep)
    keep = [True] * len(frame)
    for column, wanted in where.items():
        allowed = {_key(v) for v in (wanted if isinstance(wanted, list) else [wanted])}
        keep = [k and _key(v) in allowed for k, v in zip(keep, frame[column], strict=True)]
    return frame[keep]


def same_value(value: Any, other: Any) -> bool:
    """Tell whether two values of a column are the same."""
    return _key(value) == _key(other)


def is_setting(column: str) -> bool:
    """Tell whether a column holds a config value, a preset name or a seed."""
    return column.rsplit(".", 1)[-1] == "seed" or bool(_CONFIG_COLUMN.search(column))


def _key(value: Any) -> tuple[bool, Any]:
    """Make True differ from 1 and NumPy scalars equal to Python's."""
    plain = value.item() if hasattr(value, "item") else value
    return isinstance(plain, bool), plain if plain is None or plain == plain else None


def is_ok(frame: pd.DataFrame) -> pd.Series:
    """Mark the runs whose status is good."""
    return frame["status"].isin(GOOD_STATUSES)


def status_counts(frame: pd.DataFrame) -> str:
    """List the statuses that are not good, with counts."""
    bad = frame.loc[~is_ok(frame), "status"].astype(str)
    return ", ".join(f"{count} {name}" for name, count in sorted(bad.value_counts().items()))


def run_ids(frame: pd.DataFrame) -> str:
    """Join run ids with spaces, for the column that leads from a number to its runs."""
    return " ".join(frame["run_id"].astype(str))


def levels(values: Iterable[Any]) -> list[Any]:
    """List the distinct values of a column: numbers ascending, text in order of appearance."""
    seen = list(dict.fromkeys(v.item() if hasattr(v, "item") else v for v in values))
    known = [v for v in seen if v is not None and v == v]
    numeric = all(isinstance(v, int | float) for v in known)
    return sorted(known) if numeric else known


def refuse_hidden_pooling(
    frame: pd.DataFrame, by: Sequence[str], pool: Sequence[str], what: str
) -> None:
    """Refuse to summarise runs that differ in more than their seeds."""
    have = [str(c) for c in frame.columns]
    pooled = {*pool, *(c for p in pool if p.startswith("*.") for c in upstream_columns(have, p))}
    groups = frame.groupby(list(by), sort=False, dropna=False) if by else [((), frame)]
    for _, group in groups:
        mixed = [c for c in pooled_settings(group) if c not in by and c not in pooled]
        if mixed:
            raise ProductError(
                f"one summary would pool runs that differ in {', '.join(mixed)}",
                where=what,
                fix="group by them, select with `where`, or name them in `pool`",
            )


def pooled_settings(frame: pd.DataFrame) -> list[str]:
    """List the settings other than seeds in which runs differ."""
    return [
        c
        for c in map(str, frame.columns)
        if _CONFIG_COLUMN.search(c)
        and not c.endswith((".seed", "_seed", ".sha256"))
        and frame[c].map(repr).nunique() > 1
    ]


def bare(series: str) -> str:
    """Return the name of a series as its stage gives it."""
    return series.removeprefix("series.")


def series_of(run: Any, name: str) -> list[float]:
    """Return one series of one run as floats."""
    values = run[f"series.{name}"]
    if values is None or isinstance(values, float):
        return []
    return [float("nan") if v is None else float(v) for v in values]
