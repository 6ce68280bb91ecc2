"""Tables of the runs on file: every cell beside its peers, the targets, growth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.convex.figures import draw, draw_growth
from benchmarks.convex.growth import BASE
from benchmarks.convex.journal import Journal

CELL = ["problem", "formulation", "ratio"]
RIVALS = {
    "gated": ("celer", "adelie", "skglm", "scnn", "clarabel", "ecos"),
    "relu": ("adelie", "scnn", "clarabel", "ecos"),
}


def write(folder: Path) -> None:
    """Write every table and figure that the runs on file allow.

    Parameters
    ----------
    folder : Path
        Has the runs in ``runs`` and ``growth``, receives the rest.
    """
    lines = Journal(folder / "runs").frame()
    if len(lines):
        lines.to_csv(folder / "lines.csv", index=False, float_format="%.6g")
        (folder / "table.md").write_text(cells(lines))
        (folder / "targets.md").write_text(targets(lines))
        draw(lines, folder)
    if (folder / "growth").exists():
        growth = Journal(folder / "growth").frame()
        growth.to_csv(folder / "growth.csv", index=False, float_format="%.6g")
        (folder / "growth.md").write_text(growing(growth))
        draw_growth(growth, BASE, folder)


def own_runs(cell: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of our solver at the gap that is asked of all, 1e-6.

    Parameters
    ----------
    cell : DataFrame
        Runs of one cell.

    Returns
    -------
    DataFrame
        Those runs.
    """
    return cell[(cell["solver"] == "ours") & (cell["setting"] == 1e-6)]


def own_seconds(cell: pd.DataFrame) -> tuple[float, float]:
    """Return the CPU times of our fastest solve and of our fastest path.

    Parameters
    ----------
    cell : DataFrame
        Runs of one cell.

    Returns
    -------
    tuple of float
        Both times in seconds.
    """
    path = cell[cell["solver"] == "path"]
    return float(own_runs(cell)["cpu_s"].min()), float(path["cpu_s"].min())


def to_reach(cell: pd.DataFrame, solver: str, goal: float) -> tuple[float, bool]:
    """Return the CPU time in which a solver reached a gap.

    Parameters
    ----------
    cell : DataFrame
        Runs of one cell.
    solver : str
        Solver.
    goal : float
        Gap.

    Returns
    -------
    seconds : float
        Of its fastest run that did; if none did, the time at which a run was stopped, or infinity
        if every setting ended short of the gap by itself.
    reached : bool
        Whether the time is one of reaching it.
    """
    runs = cell[cell["solver"] == solver]
    good = runs[runs["gap"] <= goal * (1 + 1e-9)]
    if len(good):
        return float(good["cpu_s"].min()), True
    cut = runs[runs["ended"] == "time"]
    return (float(cut["cpu_s"].max()) if len(cut) else np.inf), False


def beside(cell: pd.DataFrame, goal: float, peers: tuple[str, ...]) -> tuple[str, float, bool]:
    """Return the best peer at a gap, and how many times our CPU time it needs.

    Parameters
    ----------
    cell : DataFrame
        Runs of one cell.
    goal : float
        Gap.
    peers : tuple of str
        Peers that count.

    Returns
    -------
    words : str
        Name and seconds of the best peer, or how long those that were cut ran in vain.
    ratio : float
        Its time over ours; a lower bound where no peer reached the gap. NaN if none ran.
    reached : bool
        Whether a peer reached the gap.
    """
    own = own_seconds(cell)[0]
    there = set(cell["solver"])
    times = {s: to_reach(cell, s, goal) for s in peers if s in there}
    if not times:
        return "–", np.nan, False
    best = min(times, key=lambda s: times[s][0])
    seconds, reached = times[best]
    if reached:
        return f"{best} {seconds:.3g}", seconds / own, True
    if np.isinf(seconds):
        return "none can", np.inf, False
    return f"none in {seconds:.3g}", seconds / own, False


def cells(lines: pd.DataFrame) -> str:
    """Write the main table in Markdown.

    Parameters
    ----------
    lines : DataFrame
        All runs.

    Returns
    -------
    str
        One row for each problem, program and strength.
    """
    out = [
        "| problem | program | λ / λ_max | ours [s] | adjoint products | active | own gap |"
        " independent gap | MB | 20-λ path / cold | best peer at 1e-6 [s] | ratio |"
        " best peer at 1e-3 [s] | ratio | scnn at 1e-6 (relu: 1e-3) / ours |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, program, ratio), cell in lines.groupby(CELL):
        ours = own_runs(cell)
        own, path = own_seconds(cell)
        parts = []
        for goal in (1e-6, 1e-3):
            words, times, reached = beside(cell, goal, RIVALS[program])
            parts.append(f"{words} | {_ratio(times, reached)}")
        scnn = beside(cell, 1e-6 if program == "gated" else 1e-3, ("scnn",))
        out.append(
            f"| {name} | {program} | {ratio:g} | {own:.3f} |"
            f" {own / float(ours['adjoint_s'].min()):.0f} |"
            f" {ours['active'].median():.0f} | {ours['gap'].max():.1e} |"
            f" {ours['independent_gap'].max():.1e} | {ours['memory_mb'].max():.0f} |"
            f" {path / own:.1f} | {parts[0]} | {parts[1]} | {_ratio(*scnn[1:])} |"
        )
    return "\n".join(out) + "\n"


def targets(lines: pd.DataFrame) -> str:
    """Write what was asked beside what was measured.

    Parameters
    ----------
    lines : DataFrame
        All runs.

    Returns
    -------
    str
        One row for each target and cell.
    """
    out = ["| target | cell | asked | measured | |", "|---|---|---|---|---|"]

    def add(target: str, cell: str, asked: str, measured: str, *, met: bool) -> None:
        out.append(f"| {target} | {cell} | {asked} | {measured} | {'met' if met else 'missed'} |")

    quick = {"celer": "times the speed of celer", "any": "times the speed of the best peer, 1e-6"}
    slow = "times the speed of adelie at its best, {:.0e}"
    beside_scnn = []
    for (name, program, ratio), cell in lines.groupby(CELL):
        where = f"{name} {program} {ratio:g}"
        asks: list[tuple[str, float, float, tuple[str, ...]]] = []
        if program == "gated":
            asks.append(
                (quick["celer"], 1.0, 1e-6, ("celer",))
                if name == "a"
                else (quick["any"], 5.0, 1e-6, RIVALS["gated"])
            )
            if name != "a":
                beside_scnn.append(beside(cell, 1e-6, ("scnn",))[1])
        elif name == "a":
            if ratio >= 0.01:
                least = 20.0 if ratio >= 0.1 else 7.0
                asks.append((quick["any"], least, 1e-6, ("clarabel", "ecos", "adelie")))
            asks.append(("times the speed of scnn at 1e-3", 200.0, 1e-3, ("scnn",)))
        elif name == "d" and ratio >= 0.1:
            goal = float(cell[cell["solver"] == "adelie"]["gap"].min())
            asks.append((slow.format(goal), 30.0, goal, ("adelie",)))
        elif name != "d":
            asks.append(("times the speed of any peer at 1e-3", 20.0, 1e-3, RIVALS["relu"]))
        for target, least, goal, peers in asks:
            words, times, reached = beside(cell, goal, peers)
            if not np.isnan(times):
                shown = f"{_ratio(times, reached)} ({words} s)"
                add(target, where, f"{least:g}", shown, met=times >= least)
        own = own_runs(cell)
        seconds, path = own_seconds(cell)
        share = path / seconds
        add("20-λ path over one cold solve", where, "≤ 3", f"{share:.2f}", met=share <= 3)
        if name == "c":
            memory = float(own["memory_mb"].max())
            add("MB above imports", where, "< 150", f"{memory:.0f}", met=memory < 150)
            if program == "relu" and ratio >= 0.1:
                units = seconds / float(own["adjoint_s"].min())
                add("masked adjoint products", where, "≤ 230", f"{units:.0f}", met=units <= 230)
        gap = float(own["independent_gap"].max())
        add("gap by independent code", where, "≤ 1e-6", f"{gap:.1e}", met=gap <= 1e-6)
    beside_scnn = [r for r in beside_scnn if np.isfinite(r)]
    if beside_scnn:
        mean = float(np.exp(np.mean(np.log(beside_scnn))))
        what = f"gated b-e, {len(beside_scnn)} cells"
        add("times the speed of scnn, geometric mean", what, "25", f"{mean:.0f}", met=mean >= 25)
    return "\n".join(out) + "\n"


def growing(lines: pd.DataFrame) -> str:
    """Write the growth table in Markdown.

    Parameters
    ----------
    lines : DataFrame
        Runs of the growth study.

    Returns
    -------
    str
        One row for each size and program.
    """
    out = [
        "| n | d | P | program | one solve [s] | Newton steps | projections | MB |"
        " 20-λ path / cold |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (n, d, count, program), runs in lines.groupby([*BASE, "formulation"]):
        one = runs[runs["solver"] == "ours"].iloc[0]
        path = runs[runs["solver"] == "path"]["cpu_s"]
        share = f"{path.iloc[0] / one['cpu_s']:.1f}" if len(path) else "–"
        out.append(
            f"| {n} | {d} | {count} | {program} | {one['cpu_s']:.3f} | {one['newton']:.0f} |"
            f" {one['projections']:.0f} | {one['memory_mb']:.0f} | {share} |"
        )
    return "\n".join(out) + "\n"


def _ratio(times: float, reached: bool) -> str:
    if np.isnan(times):
        return "–"
    if np.isinf(times):
        return "∞"
    return f"{times:.1f}" if reached else f"> {times:.0f}"
