"""The command line: one verb per Snakemake rule, and commands for people at the keyboard."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import traceback
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

# One BLAS thread per process, set before any numerical library loads: two single-threaded jobs
# beat one job with two threads, and results do not depend on the number of cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import typer  # noqa: E402
from rich.console import Console  # noqa: E402

from relu_optima.plan import snapshot  # noqa: E402

snapshot.install()

from relu_optima.errors import REFUSALS, ReluOptimaError  # noqa: E402
from relu_optima.run.caches import use_writable_caches  # noqa: E402
from relu_optima.share import verbs as share_verbs  # noqa: E402
from relu_optima.stage import STAGES  # noqa: E402

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Certified answers about the optima of sparse and shallow ReLU networks.",
)
share_verbs.add_to(app)

PlanOption = Annotated[Path, typer.Option("--plan", help="The study's plan.json.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="key=value in Hydra's override grammar.")
]
SetEnv = Annotated[
    str | None,
    typer.Option(help="Name of an environment variable that holds more key=value words."),
]
AcceptEnvironment = Annotated[
    bool,
    typer.Option(
        "--accept-environment",
        help="Keep what other library versions computed; figures and tables say so.",
    ),
]
Cores = Annotated[int, typer.Option(help="Jobs at a time; each uses one thread.", min=1)]


def _all_overrides(words: list[str] | None, variable: str | None) -> list[str]:
    try:
        return [*(words or []), *shlex.split(os.environ.get(variable, "") if variable else "")]
    except ValueError as error:
        raise ReluOptimaError(f"cannot be split into words: {error}", where=str(variable)) from None


def _console() -> Console:
    """Return a console as wide as the terminal; in a log file wide enough for the plan."""
    return Console(width=None if sys.stdout.isatty() else 120)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A file or folder in conf/study.")] = "default",
    overrides: Overrides = None,
    cores: Cores = 2,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    set_env: SetEnv = None,
    profile: Annotated[
        list[Path] | None,
        typer.Option(
            envvar="RELU_OPTIMA_PROFILE",
            help="Snakemake profile in place of --cores, e.g. workflow/profiles/slurm; "
            "repeatable, later ones win.",
        ),
    ] = None,
    accept_environment: AcceptEnvironment = False,
) -> None:
    """Plan, run, resume and publish a study."""
    from relu_optima.run.study import run_study

    console = _console()
    words = _all_overrides(overrides, set_env)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C
    try:
        done = run_study(
            name,
            words,
            cores=cores,
            root=Path(),
            console=console,
            report=report,
            profiles=profile or [],
            accept_environment=accept_environment,
        )
    except KeyboardInterrupt:
        console.print("stopped; finished runs are kept and the same command goes on from there")
        raise typer.Exit(130) from None
    console.print(
        f"{done.study}: {done.computed} runs computed, {done.finished} taken from the store; "
        f"see {done.report or Path('results', done.study)}",
        soft_wrap=True,
    )
    if done.incomplete:
        console.print(
            f"INCOMPLETE: {done.incomplete} runs hit their wall-clock limit; the same command "
            "computes them again",
            soft_wrap=True,
        )


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="A file or folder in conf/study.")] = "default",
    overrides: Overrides = None,
    cores: Cores = 2,
    set_env: SetEnv = None,
    accept_environment: AcceptEnvironment = False,
) -> None:
    """Say what is ahead of a study, why, and for how long; write its plan if none is running."""
    from relu_optima.errors import BusyError
    from relu_optima.plan.make import make_plan
    from relu_optima.run.ready import look_ahead, save_plan
    from relu_optima.run.study import show_plan
    from relu_optima.store.acceptance import Acceptance
    from relu_optima.store.locks import study_lock
    from relu_optima.store.records import Store

    results = Path("results")
    keep = Acceptance(Store(results / "store")) if accept_environment else None
    manifest = make_plan(name, _all_overrides(overrides, set_env), keep=keep)
    console = _console()
    show_plan(manifest, look_ahead(manifest, results), console, cores)
    try:
        with study_lock(results, patience=0.0, certain=True):
            save_plan(manifest, results)
    except BusyError as error:
        console.print(f"the plan was not written: {error.problem}", markup=False, soft_wrap=True)


@app.command()
def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    overrides: Overrides = None,
) -> None:
    """Compute one run of one stage through the store and print its row."""
    from relu_optima.plan.make import plan_single_run
    from relu_optima.run.runner import Workshop
    from relu_optima.store.locks import worker_lock
    from relu_optima.store.records import Store

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    manifest = plan_single_run(stage, overrides or [])
    entry = manifest.batches_of(stage)[-1].entries[-1]
    results = Path("results")
    shop = Workshop(manifest, Store(results / "store"))
    with worker_lock(results):
        record, cached = shop.record(entry.run)
        shop.settle()
    console = Console(soft_wrap=True)
    address = f"results/store/{record.run_id}/{record.code_key}"
    row: dict[str, Any] = {
        "status": record.status,
        **record.row,
        "cpu_seconds": round(record.seconds, 3),
        "record": f"{address} ({'was there' if cached else 'new'})",
    }
    width = max(map(len, row))
    for key, value in row.items():
        console.print(f"{key:<{width}}  {value}", markup=False, highlight=False)


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


@app.command()
def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="A table, figure, Parquet file or record, or a run id.")
    ] = None,
    verify: Annotated[bool, typer.Option(help="Re-check every certificate from scratch.")] = True,
    orphans: Annotated[bool, typer.Option("--orphans", help="List records of no plan.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Say what belongs to no plan and could be removed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: remove it.")] = False,
) -> None:
    """Examine all results, or say where one file comes from and whether it is stale."""
    from relu_optima.audit import doctor as doctors
    from relu_optima.audit.lineage import lineage

    console = Console(soft_wrap=True, markup=False, highlight=False)
    results = Path("results")
    if file is not None:
        for key, value in lineage(file, Path()):
            console.print(f"{key}: {value}")
        return
    if prune:
        _prune(results, console, remove=yes)
        return
    with console.status("examining") as status:
        findings = doctors.examine(
            results,
            verify=verify,
            progress=lambda done, total: status.update(f"examined {done} of {total} records"),
        )
    for line in findings.notes:
        console.print(f"note: {line}")
    for line in findings.problems:
        console.print(f"PROBLEM: {line}")
    if orphans:
        for address in findings.orphans:
            console.print("orphan: results/store/" + "/".join(address))
    counted = ", ".join(f"{n} {what}" for what, n in sorted(findings.counts.items()))
    console.print(f"examined {counted or 'nothing'}: {len(findings.problems)} problems")
    if findings.problems:
        raise typer.Exit(1)


def _prune(results: Path, console: Console, *, remove: bool) -> None:
    from relu_optima.audit.doctor import prune
    from relu_optima.store.locks import study_lock
    from relu_optima.store.sharing import users_of_store

    with ExitStack() as locks:
        for folder in users_of_store(results).folders:
            locks.enter_context(study_lock(folder, certain=remove))
        found = prune(results, remove=remove)
    for address in found.records:
        console.print("orphan: results/store/" + "/".join(address))
    for path in found.leftovers:
        console.print(f"half-written: {path}")
    console.print(
        f"{len(found.records)} orphan records and {len(found.leftovers)} half-written files, "
        f"{found.size / 1e6:.1f} MB, "
        + ("removed" if remove else "would be removed by --prune --yes; nothing was changed")
    )


@app.command()
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Studies; default: all with published numbers that have results."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print quantiles and reasons of every number too.")
    ] = False,
) -> None:
    """Put published numbers beside ours with verdicts: 0 all compared, 1 some were not run."""
    from relu_optima.reproduce.published import published_studies
    from relu_optima.reproduce.report import reproduce as compare_study
    from relu_optima.reproduce.report import show

    conf, results = Path("conf"), Path("results")
    wanted = names or [n for n in published_studies(conf) if (results / n).is_dir()]
    if not wanted:
        raise ReluOptimaError(
            "no study with published numbers has results",
            allowed=", ".join(published_studies(conf)) or "no study has `published`",
            fix="run one: relu-optima study NAME",
        )
    console, not_run = _console(), 0
    for name in wanted:
        done = compare_study(name, conf, results)
        show(done, console, every=every)
        console.print(f"see results/{name}/reproduce/reproduce.md", soft_wrap=True)
        not_run += done.not_run
    if not_run:
        console.print(f"INCOMPLETE: {not_run} published numbers or statements were not run")
        raise typer.Exit(1)


def _batch_verb(verb: str, stage: str) -> None:
    def command(
        plan: PlanOption,
        batch: Annotated[str, typer.Option("--batch", help="Batch id: <sweep>/<number>.")],
    ) -> None:
        from relu_optima.plan.model import read_manifest
        from relu_optima.run.batch import work
        from relu_optima.run.supervisor import supervised
        from relu_optima.store.layout import results_of
        from relu_optima.store.locks import worker_lock

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        results = results_of(plan)
        with worker_lock(results):
            watch = supervised()
            work(read_manifest(plan), batch, results, Path(), watch)

    command.__doc__ = f"Compute one batch of stage {stage!r} (called by Snakemake)."
    app.command(verb)(command)


for _stage in STAGES.values():
    _batch_verb(_stage.verb, _stage.name)


@app.command("collect_sweep")
def collect_sweep(
    plan: PlanOption, sweep: Annotated[str, typer.Option("--sweep", help="Sweep to collect.")]
) -> None:
    """Join the batches of one sweep (called by Snakemake)."""
    from relu_optima.plan.model import read_manifest
    from relu_optima.run.collect import collect_sweep as collect
    from relu_optima.store.layout import results_of
    from relu_optima.store.locks import worker_lock

    results = results_of(plan)
    with worker_lock(results):
        collect(read_manifest(plan), sweep, results)


@app.command("plot_figure")
def plot_figure(
    plan: PlanOption, figure: Annotated[str, typer.Option("--figure", help="Figure to plot.")]
) -> None:
    """Plot one figure from collected sweeps (called by Snakemake)."""
    from relu_optima.run.publish import publish

    publish(plan, "figure", figure)


@app.command("make_table")
def make_table(
    plan: PlanOption, table: Annotated[str, typer.Option("--table", help="Table to make.")]
) -> None:
    """Make one table from collected sweeps (called by Snakemake)."""
    from relu_optima.run.publish import publish

    publish(plan, "table", table)


def main() -> None:
    """Run the command line; bad input is one message and exit code 2, never a traceback."""
    use_writable_caches(os.environ, Path())
    try:
        app()
    except ReluOptimaError as error:
        print(f"relu-optima: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        fix = REFUSALS.get(error.errno or 0)
        if fix is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"relu-optima: {place}{error.strerror}\n"
            f"  fix: {fix}, then run the same command again; finished runs are kept",
            file=sys.stderr,
        )
        sys.exit(2)
