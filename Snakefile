# Entry: reads the plan, includes the rules, asks for the study's products.
# `relu-optima study NAME` calls it; `snakemake --cores 2 --config study=NAME` works too.
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from snakemake.exceptions import WorkflowError

from relu_optima.config import snapshot

STUDY = config.get("study", "default")
# Only the main process plans, and only if `relu-optima study` has not just done so.
MUST_PLAN = workflow.is_main_process and os.environ.get("RELU_OPTIMA_PLANNED") != STUDY
# workflow.dryrun is not known yet while this file is read
WRITE = MUST_PLAN and not {"-n", "-np", "--dry-run", "--dryrun"} & set(sys.argv)
if MUST_PLAN:
    snapshot.install()

from relu_optima.errors import ReluOptimaError
from relu_optima.store.locks import study_lock
from relu_optima.run.ready import open_plan

try:
    if WRITE:
        # for as long as this process lives; `relu-optima study` holds it otherwise
        LOCKS = ExitStack()
        LOCKS.enter_context(study_lock(Path("results")))
    PLAN = open_plan(STUDY, plan=MUST_PLAN, write=WRITE)
except ReluOptimaError as error:
    raise WorkflowError(str(error)) from None


include: "workflow/rules/common.smk"


wildcard_constraints:
    study=STUDY,
    index=r"\d{5}",
    figure=names(PLAN.figures),
    table=names(PLAN.tables),


rule all:
    default_target: True
    input:
        [f"results/{STUDY}/sweeps/{name}.parquet" for name in PLAN.sweeps],
        [
            f"results/{STUDY}/figures/{name}.{suffix}"
            for name in PLAN.figures
            for suffix in ("png", "pdf", "csv")
        ],
        [
            f"results/{STUDY}/tables/{name}.{suffix}"
            for name in PLAN.tables
            for suffix in ("html", "csv", "tex", "macros.tex")
        ],


localrules:
    all,


include: "workflow/rules/compute.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/paper.smk"


report: "workflow/report/workflow.rst"
