"""Check what figures and tables say about their runs: the same claims, shown or enforced."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from relu_optima.publish.aggregate import CONFIDENCE, MedianInterval, median_interval
from relu_optima.publish.claim_config import (
    AnyClaim,
    Dominates,
    Measured,
    Moves,
    Ordered,
    Quantity,
    Unchanged,
    Within,
)
from relu_optima.publish.config import ProductConfig, Value
from relu_optima.publish.figures._points import numeric
from relu_optima.publish.frames import (
    ProductError,
    gather,
    is_ok,
    is_setting,
    pooled_settings,
    refuse_hidden_pooling,
    require,
    same_value,
    select,
    series_of,
)
from relu_optima.publish.labels import value_label
from relu_optima.publish.proportions import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

NAMED = 5  # violations that an error spells out


def enforce(frames: Mapping[str, pd.DataFrame], options: ProductConfig) -> None:
    """Refuse a figure or table whose caption says what its runs contradict."""
    for index, claim in enumerate(options.holds):
        for row in judge(frames, claim, options):
            if row["verdict"] == "pass" or row["of"] == 0:  # nothing to contradict it
                continue
            broken = row.get("broken") or [f"{row['at']}: {row['extreme']}"]
            shown = "; ".join(broken[:NAMED]) + ("; ..." if len(broken) > NAMED else "")
            raise ProductError(
                f"{claim.claim!r} does not hold in {row['of'] - row['holds_in']} of {row['of']} "
                f"{row['detail']}: {shown}",
                where=f"holds.{index}",
                fix="find out why these runs contradict it, or correct caption and claim",
            )


def runs_of(
    frames: Mapping[str, pd.DataFrame], options: ProductConfig, claim: AnyClaim
) -> pd.DataFrame:
    """Return the runs that a claim is about."""
    if claim.sweep is not None and claim.sweep not in options.sweeps:
        raise ProductError(
            f"{claim.sweep!r} is not one of the sweeps shown",
            where=claim.claim,
            allowed=", ".join(options.sweeps),
        )
    sweeps = [claim.sweep] if claim.sweep else options.sweeps
    runs = gather(frames, options.model_copy(update={"sweeps": sweeps}), claim.columns())
    return select(runs, claim.where, ", ".join(sweeps))


def judge(
    frames: Mapping[str, pd.DataFrame], claim: AnyClaim, options: ProductConfig
) -> Iterator[dict[str, Any]]:
    """Check one claim."""
    runs = runs_of(frames, options, claim)
    if isinstance(claim, Measured):
        return _measured(frames, claim, options)
    if isinstance(claim, Dominates):
        return _dominates(runs, claim, options)
    if isinstance(claim, Unchanged):
        return _unchanged(runs, claim, options)
    if isinstance(claim, Moves):
        return _moves(runs, claim, options)
    if isinstance(claim, Within):
        return _within(runs, claim)
    return _ordered(runs, claim)


def _measured(
    frames: Mapping[str, pd.DataFrame], claim: Measured, options: ProductConfig
) -> Iterator[dict[str, Any]]:
    """Compare a number of the runs with its bounds."""
    value, runs = _measure(frames, options, claim)
    interval = _interval(runs, claim)
    numbers, words, holds = [value], [], True
    for bound, sign, test in (
        (claim.above, ">", operator.gt),
        (claim.least, "≥", operator.ge),
        (claim.below, "<", operator.lt),
        (claim.most, "≤", operator.le),
    ):
        if bound is None:
            continue
        limit = _measure(frames, options, bound)[0] if isinstance(bound, Quantity) else bound
        numbers.append(limit)
        words.append(f"{sign} {limit:.4g}")
        holds &= test(value, limit)
    known = all(map(math.isfinite, numbers))
    yield {
        "detail": _about(claim, runs, interval),
        "holds_in": int(holds and known),
        "of": 1,
        "extreme": value,
        "low": interval.low,
        "high": interval.high,
        "coverage": interval.coverage,
        "at": "",
        "bound": ", ".join(words),
        "verdict": ("pass" if holds else "fail") if known else "not measured",
    }


def _measure(
    frames: Mapping[str, pd.DataFrame], options: ProductConfig, what: Measured | Quantity
) -> tuple[float, pd.DataFrame]:
    """Return a number of some runs, and these runs; a run without it leaves none."""
    update = {
        "sweeps": [what.sweep] if what.sweep else options.sweeps,
        "where": {**options.where, **what.where},
    }
    runs = gather(frames, options.model_copy(update=update), [what.column])
    if runs[what.column].isna().any():
        return math.nan, runs
    if what.statistic == "share":
        return float((runs[what.column] == what.equals).mean()), runs
    values = numeric(runs, what.column)
    return (float(values.agg(what.statistic)) if values.notna().all() else math.nan), runs


def _interval(runs: pd.DataFrame, claim: Measured) -> MedianInterval:
    """Return the interval of a median or share over seeds; runs of several settings have none."""
    none = MedianInterval(0, math.nan, math.nan, math.nan, math.nan)
    if pooled_settings(runs) or runs[claim.column].isna().any() or len(runs) < 2:
        return none
    if claim.statistic == "median":
        return median_interval(numeric(runs, claim.column))
    if claim.statistic == "share":
        hits = int((runs[claim.column] == claim.equals).sum())
        ends = wilson_interval(hits, len(runs), CONFIDENCE)
        return MedianInterval(len(runs), hits / len(runs), *ends, CONFIDENCE)
    return none


def _about(claim: Measured, runs: pd.DataFrame, interval: MedianInterval) -> str:
    """Say what was taken of how many runs, and what the interval around it is."""
    said = f"{claim.statistic} of {len(runs)} run{'s' if len(runs) > 1 else ''}"
    if math.isnan(interval.coverage):
        return said
    if interval.coverage < CONFIDENCE:
        return f"{said}, range (covers {100 * interval.coverage:.3g} %)"
    return f"{said}, {100 * CONFIDENCE:.0f} % interval"


def _within(runs: pd.DataFrame, claim: Within) -> Iterator[dict[str, Any]]:
    """Compare each good run with the bounds; a value that is missing is not within them."""
    good = runs[is_ok(runs)]
    broken = []
    for _, run in good.iterrows():
        value = run[claim.value]
        if claim.among:
            holds = any(same_value(value, allowed) for allowed in claim.among)
            bounds = ""
        else:
            least, most = (
                b if b is None else float(run[b] if isinstance(b, str) else b)
                for b in (claim.least, claim.most)
            )
            number = math.nan if value is None else float(value)
            holds = (least is None or number >= least - claim.rounding * abs(least)) and (
                most is None or number <= most + claim.rounding * abs(most)
            )
            bounds = "".join(
                f", {word} {bound!r}"
                for word, bound in (("at least", least), ("at most", most))
                if bound is not None
            )
        if not holds:
            broken.append(f"run {run['run_id']} ({claim.value} = {value}{bounds})")
    yield _verdict("runs", len(good), broken)


def _ordered(runs: pd.DataFrame, claim: Ordered) -> Iterator[dict[str, Any]]:
    """Compare each two good runs that agree in everything but one setting."""
    good = runs[is_ok(runs)]
    # a preset is a name of its values: where one of them differs, so does the name, and where the
    # names differ, so may the values that a name decides
    besides = {claim.along, claim.along.rsplit(".", 1)[0]}
    levels = good.astype({claim.along: str}).groupby(claim.along, sort=False)
    for column in good.columns:
        if column.startswith(f"{claim.along}."):
            decided = levels[column].agg(lambda values: values.map(repr).nunique()).max() == 1
            besides |= {column} if decided else set()
    keys = [c for c in good.columns if is_setting(c) and c not in besides]
    alike: dict[tuple[str, ...], list[int]] = {}
    for position, values in enumerate(good[keys].itertuples(index=False, name=None)):
        alike.setdefault(tuple(map(repr, values)), []).append(position)
    checked, broken = 0, []
    for positions in alike.values():
        for small, large in itertools.combinations(_ladder(good.iloc[positions], claim), 2):
            for (_, a), (_, b) in itertools.product(small.iterrows(), large.iterrows()):
                checked += 1
                wrong = _contradiction(a, b, claim)
                if wrong:
                    runs_named = [
                        f"run {run['run_id']} ({claim.along} = {run[claim.along]})"
                        for run in (a, b)
                    ]
                    broken.append(f"{' and '.join(runs_named)}: {wrong}")
    yield _verdict("pairs of runs", checked, broken)


def _contradiction(small: Any, large: Any, claim: Ordered) -> str:
    """Say what two runs contradict, if the first must not have the larger result."""
    for column in claim.same:
        a, b = float(small[column]), float(large[column])
        if not math.isclose(a, b, rel_tol=claim.rounding, abs_tol=0.0):
            return f"not comparable, {column} is {a!r} and {b!r}"
    name = claim.lower or claim.value
    a, b = float(small[name]), float(large[claim.value])
    if a <= b + claim.rounding * abs(b):
        return ""
    return f"{name} {a!r} is above {claim.value} {b!r}"


def _ladder(group: pd.DataFrame, claim: Ordered) -> list[pd.DataFrame]:
    """Runs by setting, the setting with the smallest result first."""
    if isinstance(claim.order, list):
        order: list[Value] = claim.order
    else:
        order = sorted(set(group[claim.along]), reverse=claim.order == "decreasing")
    return [group[[same_value(v, level) for v in group[claim.along]]] for level in order]


def _verdict(detail: str, checked: int, broken: list[str]) -> dict[str, Any]:
    """Write the row of a claim about single runs or pairs of them."""
    return {
        "detail": detail,
        "holds_in": checked - len(broken),
        "of": checked,
        "extreme": None,
        "at": broken[0] if broken else "",
        "bound": "",
        "verdict": ("fail" if broken else "pass") if checked else "not measured",
        "broken": broken,
    }


def _dominates(
    runs: pd.DataFrame, claim: Dominates, options: ProductConfig
) -> Iterator[dict[str, Any]]:
    """Median of paired differences, by group, against each other method."""
    require(runs, [claim.score, claim.method, *claim.by, *claim.pair], _place(claim))
    keys = [*claim.by, *claim.pair]
    twice = runs.duplicated([claim.method, *keys])
    if twice.any():
        raise ProductError(
            f"several runs share {', '.join([claim.method, *keys])}",
            where=f"sweep {_place(claim)}",
            fix="select with `where` or name more columns in `by`",
        )
    scores = runs.assign(**{claim.score: runs[claim.score].where(is_ok(runs))})
    table = scores.set_index([*keys, claim.method])[claim.score].astype(float).unstack(claim.method)
    for other in claim.others:
        for name in (claim.best, other):
            if name not in table:
                raise ProductError(
                    f"no run has {claim.method} = {name!r}", where=f"sweep {_place(claim)}"
                )
        difference = (table[claim.best] - table[other]).groupby(level=claim.by, sort=False).median()
        holds = int((difference >= -claim.margin).sum())
        about = f"against {value_label(other, options.values)}"
        yield _row(about, holds, difference, 0.0 - claim.margin, options, worst="min")


def _unchanged(
    runs: pd.DataFrame, claim: Unchanged, options: ProductConfig
) -> Iterator[dict[str, Any]]:
    """Largest value in any good run."""
    import pandas as pd

    require(runs, [claim.column, *([claim.during] if claim.during else [])], _place(claim))
    good = runs[is_ok(runs)]
    if good.empty:
        raise ProductError("no run is good", where=f"sweep {_place(claim)}")
    largest = []
    for _, run in good.iterrows():
        if not claim.column.startswith("series."):
            largest.append(float(run[claim.column]))
            continue
        values = series_of(run, claim.column.removeprefix("series."))
        if claim.during:
            counts = series_of(run, claim.during.removeprefix("series."))
            values = [v for v, c in zip(values, counts, strict=True) if c]
        largest.append(max((abs(v) for v in values), default=float("nan")))
    named = good["dataset"] if "dataset" in good else good["run_id"]
    peaks = pd.Series(largest, index=pd.Index(named))
    holds = int((peaks <= claim.tolerance).sum())
    yield _row("runs", holds, peaks, claim.tolerance, options, worst="max")


def _moves(runs: pd.DataFrame, claim: Moves, options: ProductConfig) -> Iterator[dict[str, Any]]:
    """Largest minus smallest median between the choices, by group."""
    import pandas as pd

    wide = bool(claim.scores)
    by = claim.by if wide else [*claim.by, str(claim.over)]
    columns = claim.scores if wide else [str(claim.score)]
    require(runs, [*by, *columns], _place(claim))
    refuse_hidden_pooling(runs, by, claim.pool, claim.claim)
    numbers = runs.assign(
        **{c: pd.to_numeric(runs[c], errors="coerce").where(is_ok(runs)) for c in columns}
    )
    medians = numbers.groupby(by, sort=False)[columns].median()
    if not wide:
        medians = medians[columns[0]].unstack(str(claim.over))
    # a choice without a good run leaves the movement unknown, not small
    movement = (medians.max(axis=1) - medians.min(axis=1)).where(medians.notna().all(axis=1))
    # accuracies are fractions: a movement of 3/60 must not fail by its rounding
    holds = int((movement >= claim.threshold - 1e-12).sum())
    row = _row("groups", holds, movement, claim.threshold, options, worst="min")
    row["verdict"] = "pass" if holds >= claim.needs else "fail"
    row["detail"] = f"median moves by at least {claim.threshold:g} in {claim.needs}"
    yield row


def _row(
    about: str, holds: int, numbers: pd.Series, limit: float, options: ProductConfig, *, worst: str
) -> dict[str, Any]:
    """Write one row: every group must hold, and a group without a number does not."""
    known = numbers.dropna()
    place: Any = None
    if not known.empty:
        position = int(known.to_numpy().argmin() if worst == "min" else known.to_numpy().argmax())
        place = known.index[position]
    names = place if isinstance(place, tuple) else (place,)
    return {
        "detail": about,
        "holds_in": holds,
        "of": len(numbers),
        "extreme": float(known.iloc[position]) if not known.empty else None,
        "at": ", ".join(value_label(n, options.values) for n in names if n is not None),
        "bound": f"{'≥' if worst == 'min' else '≤'} {limit:.3g}",
        "verdict": "pass" if holds == len(numbers) else "fail",
    }


def _place(claim: AnyClaim) -> str:
    return claim.sweep or "(any)"
