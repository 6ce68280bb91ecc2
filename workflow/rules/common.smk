# Shared by all of workflow: where the plan is, and functions that look things up in it.
from relu_optima.config.places import workflow_file
from relu_optima.publish.report import rst_text, script_text

PLAN_FILE = f"results/{STUDY}/plan.json"
ENVIRONMENT = str(workflow_file(Path.cwd(), "environment.yml"))


def names(items):
    """Constrain a wildcard to some names; to nothing if there are none."""
    return "|".join(sorted(items)) or "(?!)"


def sweeps_of(stage):
    return names(name for name, info in PLAN.sweeps.items() if info.stage == stage)


def batch(wildcards):
    return PLAN.batches[f"{wildcards.sweep}/{wildcards.index}"]


def batch_inputs(wildcards):
    return [f"results/{STUDY}/batches/{i}.parquet" for i in batch(wildcards).inputs]


def batch_digest(wildcards):
    return batch(wildcards).digest


def sweep_batches(wildcards):
    return [
        f"results/{STUDY}/batches/{b.id}.parquet"
        for b in PLAN.batches_of(wildcards.sweep)
    ]


def sweep_files(product):
    return [f"results/{STUDY}/sweeps/{name}.parquet" for name in product.sweeps]


def labels(kind, product):
    # one label only: where two labels split a category in halves, the report's page takes the
    # second for a switch and fails on entries that exist in one half alone
    return {"result": f"{kind}: {script_text(product.config['title'])}"}


def figure_labels(wildcards):
    return labels("Figure", PLAN.figures[wildcards.figure])


def table_labels(wildcards):
    return labels("Table", PLAN.tables[wildcards.table])
