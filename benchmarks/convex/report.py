"""One table and one figure of gap against CPU time."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from benchmarks.convex.problems import TITLES


def first_below(lines: pd.DataFrame, goal: float) -> float:
    """Return the least CPU time of a run that reached a gap.

    Parameters
    ----------
    lines : DataFrame
        Runs of one solver on one problem.
    goal : float
        Gap.

    Returns
    -------
    float
        Seconds; NaN if none did.
    """
    good = lines[lines["gap"] <= goal * (1 + 1e-9)]
    return float(good["cpu_s"].min()) if len(good) else float("nan")


def summarise(lines: pd.DataFrame) -> str:
    """Write the table in Markdown.

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
        "| problem | program | lam / lam_max | ours [s] | own gap | independent gap | MB |"
        " 20-lam path / cold | best peer at 1e-6 [s] | ratio | best peer at 1e-3 [s] | ratio |"
        " scnn [s], gap |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, program, ratio), cell in lines.groupby(["problem", "formulation", "ratio"]):
        ours = cell[cell["solver"] == "ours"]
        own = float(ours["cpu_s"].median())
        path = cell[cell["solver"] == "path"]["cpu_s"]
        peers = cell[~cell["solver"].isin(["ours", "path"])]
        parts = []
        for goal in (1e-6, 1e-3):
            times = {s: first_below(part, goal) for s, part in peers.groupby("solver")}
            times = {s: t for s, t in times.items() if np.isfinite(t)}
            best = min(times, key=lambda s: times[s]) if times else None
            parts.append(
                f"{best} {times[best]:.3g} | {times[best] / own:.1f}" if best else "none | –"
            )
        scnn = peers[peers["solver"] == "scnn"].dropna(subset=["gap"]).sort_values("gap")
        beside = f"{scnn['cpu_s'].iloc[0]:.3g}, {scnn['gap'].iloc[0]:.1e}" if len(scnn) else "–"
        part = f"{path.iloc[0] / own:.1f}" if len(path) else "–"
        out.append(
            f"| {name} | {program} | {ratio:g} | {own:.3f} | {ours['gap'].max():.1e} |"
            f" {ours['independent_gap'].max():.1e} | {ours['memory_mb'].max():.0f} | {part} |"
            f" {parts[0]} | {parts[1]} | {beside} |"
        )
    return "\n".join(out) + "\n"


def draw(lines: pd.DataFrame, folder: Path) -> None:
    """Draw certified gap against CPU time, one panel for each problem and program.

    Parameters
    ----------
    lines : DataFrame
        All runs.
    folder : Path
        Where figure.pdf and figure.png go.
    """
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    ratio = sorted(lines["ratio"].unique())[len(lines["ratio"].unique()) // 2]
    chosen = lines[(lines["ratio"] == ratio) & (lines["solver"] != "path")]
    names, programs = sorted(chosen["problem"].unique()), sorted(chosen["formulation"].unique())
    from matplotlib.ticker import NullFormatter

    figure, axes = plt.subplots(
        len(programs), len(names), figsize=(2.6 * len(names), 2.4 * len(programs)), squeeze=False
    )
    solvers = sorted(chosen["solver"].unique(), key=lambda s: (s != "ours", s))
    for row, program in enumerate(programs):
        for column, name in enumerate(names):
            axis = axes[row][column]
            cell = chosen[(chosen["problem"] == name) & (chosen["formulation"] == program)]
            for index, solver in enumerate(solvers):
                part = cell[cell["solver"] == solver].dropna(subset=["gap"]).sort_values("cpu_s")
                if len(part):
                    axis.loglog(
                        part["cpu_s"],
                        part["gap"].clip(lower=1e-12),
                        marker="*" if solver == "ours" else "o",
                        markersize=9 if solver == "ours" else 4,
                        color=f"C{index}",
                        label=solver,
                    )
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.axhline(1e-6, color="0.7", linewidth=0.8)
            axis.set_title(f"({name}) {program}", fontsize=9)
            axis.tick_params(labelsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("CPU time [s]", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("relative gap", fontsize=8)
    handles = {
        label: handle
        for axis in axes.ravel()
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncol=len(handles))
    titles = "; ".join(f"({n}) {TITLES[n]}" for n in names)
    figure.suptitle(f"lambda = {ratio:g} lambda_max(gated).  {titles}", fontsize=7)
    figure.tight_layout(rect=(0, 0.07, 1, 0.98))
    for kind in ("pdf", "png"):
        figure.savefig(folder / f"figure.{kind}", dpi=200)
