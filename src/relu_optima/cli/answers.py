"""Commands that answer about files of one's own: masks and tables of data."""

from __future__ import annotations

import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from relu_optima.cli.shared import app
from relu_optima.errors import ReluOptimaError


class Question(StrEnum):
    """Which of the three answers `check` reports by its exit code."""

    product = "product"
    function = "function"
    finite = "finite"


class Formulation(StrEnum):
    """Convex program that `solve` solves."""

    relu = "relu"
    gated = "gated"


class LamScale(StrEnum):
    """What the strength that `solve` is given means; the words of `convex.lam_scale`."""

    lambda_max = "lambda_max"
    data_norm = "data_norm"
    absolute = "absolute"
    per_sample = "per_sample"


@app.command()
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Masks, first layer first: npz, npy, json, csv, or a state dict or checkpoint."
        ),
    ],
    question: Annotated[
        Question,
        typer.Option(
            help="Answer that the exit code reports: has every finite data set an optimum; is the "
            "set of network functions, or of matrix products, closed."
        ),
    ] = Question.finite,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layers to read from a state dict or npz, first layer first: a,b,c; all else in "
            "the file is left out."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the proof of every rule that was used.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    time_limit: Annotated[
        float, typer.Option(help="Seconds until undecided questions stay unknown.", min=0.0)
    ] = 10.0,
    dataset_out: Annotated[
        Path | None, typer.Option(help="Write a finite data set without optimum to this npz file.")
    ] = None,
    repair: Annotated[
        str | None, typer.Option(help="Find few entries to `delete`, or `add`, for the answer yes.")
    ] = None,
    repair_out: Annotated[Path | None, typer.Option(help="npz file for these masks.")] = None,
) -> None:
    """Say whether training with these masks has an optimum: 0 yes, 1 no, 3 unknown, 2 bad input.

    Yes: on every finite data set (squared loss, free biases); --question asks something else.
    """
    from relu_optima.existence.check import check_files

    # an accident of ours must never read as the verdict 1
    code = 70
    try:
        names = [n.strip() for n in layers.split(",")] if layers is not None else []
        report = check_files(files, question, time_limit, dataset_out, names, repair, repair_out)
        print(report.to_json(explain=explain) if json else report.to_text(explain=explain))
        code = report.exit_code
    except ReluOptimaError:
        raise
    except BaseException:  # noqa: BLE001 - shown in full; python would exit with 1, a verdict here
        traceback.print_exc()
    sys.exit(code)


@app.command()
def solve(
    data: Annotated[Path, typer.Argument(help="CSV file with a header and numeric features.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    out: Annotated[Path, typer.Option(help="npz file for network, blocks and certificate.")],
    lam: Annotated[float, typer.Option(help="Regularisation strength, > 0.")] = 0.05,
    lam_scale: Annotated[
        LamScale, typer.Option(help="What --lam is: a share of lambda_max, say.")
    ] = LamScale.lambda_max,
    formulation: Annotated[Formulation, typer.Option(help="Program.")] = Formulation.relu,
    gates: Annotated[int, typer.Option(help="Gates to sample.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the gates.", min=0)] = 0,
    tol: Annotated[float, typer.Option(help="Certified relative gap to reach.")] = 1e-6,
    time_limit: Annotated[float | None, typer.Option(help="Seconds of wall clock.")] = None,
    task: Annotated[
        str, typer.Option(help="binary, regression, or auto: binary if the target has two values.")
    ] = "auto",
    positive: Annotated[
        str | None, typer.Option(help="Value coded +1; default the larger.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Column that is no feature; repeatable.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Separator of the fields.")] = ",",
    standardise: Annotated[
        bool, typer.Option(help="Centre and scale the features by the training rows.")
    ] = True,
    standardise_target: Annotated[
        bool, typer.Option("--standardise-target", help="The same for a regression target.")
    ] = False,
    bias: Annotated[bool, typer.Option("--bias", help="Append a column of ones.")] = False,
    test_fraction: Annotated[float, typer.Option(help="Share of rows kept for testing.")] = 0.2,
    split_seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
) -> None:
    """Solve the convex program of a shallow network on a CSV file, with a certificate.

    It is the program that `run convex` solves on a data set of loader csv with the same values.
    """
    from relu_optima.run.solve_file import solve_file

    row = solve_file(
        data,
        out,
        dataset={
            "target": target, "task": task, "positive": positive, "ignore": ignore or [],
            "delimiter": delimiter, "standardise": standardise, "bias": bias, "seed": split_seed,
            "standardise_target": standardise_target, "test_fraction": test_fraction,
        },
        convex={
            "formulation": formulation.value, "lam": lam, "lam_scale": lam_scale.value,
            "gates": {"count": gates}, "tol": tol, "time_limit": time_limit,
        },
        seed=seed,
    )  # fmt: skip
    for key, value in row.items():
        print(f"{key:<19}  {value}")
    if row["status"] != "optimal":
        raise typer.Exit(1)
