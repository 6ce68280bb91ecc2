"""Figures: gap against CPU time beside the peers, and growth with n, d and P."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from benchmarks.convex.problems import TITLES


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
    from matplotlib.ticker import NullFormatter

    ratio = sorted(lines["ratio"].unique())[len(lines["ratio"].unique()) // 2]
    chosen = lines[(lines["ratio"] == ratio) & (lines["solver"] != "path")]
    chosen = chosen[chosen["gap"].notna() & (chosen["gap"] < 10)]
    names, programs = sorted(chosen["problem"].unique()), sorted(chosen["formulation"].unique())
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
                part = part.drop_duplicates("setting")  # the fastest run of each
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


def draw_growth(lines: pd.DataFrame, base: dict[str, int], folder: Path) -> None:
    """Draw CPU time of one solve and of a path against n, d and P, one panel each.

    Parameters
    ----------
    lines : DataFrame
        Runs of the growth study.
    base : dict of str to int
        The size that the others change in one number.
    folder : Path
        Where growth.pdf and growth.png go.
    """
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(base), figsize=(2.8 * len(base), 2.6), sharey=True)
    for axis, key in zip(axes, base, strict=True):
        others = [k for k in base if k != key]
        part = lines[(lines[others] == pd.Series(base)[others]).all(axis=1)].sort_values(key)
        for index, ((program, solver), runs) in enumerate(part.groupby(["formulation", "solver"])):
            label = f"{program}, {'20-point path' if solver == 'path' else 'one solve'}"
            axis.loglog(runs[key], runs["cpu_s"], "o-", color=f"C{index}", label=label, base=2)
        axis.set_xlabel(key)
    axes[0].set_ylabel("CPU time [s]")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncol=2, fontsize=8)
    figure.tight_layout(rect=(0, 0.16, 1, 1))
    for kind in ("pdf", "png"):
        figure.savefig(folder / f"growth.{kind}", dpi=200)
