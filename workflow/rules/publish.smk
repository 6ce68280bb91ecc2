# Collect sweeps, make tables, plot figures.
rule collect_sweep:
    input:
        sweep_batches,
    output:
        "results/{study}/sweeps/{sweep}.parquet",
    log:
        "results/{study}/logs/collect_sweep/{sweep}.log",
    wildcard_constraints:
        sweep=names(PLAN.sweeps),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        plan=PLAN_FILE,
        digest=lambda wildcards: PLAN.sweep_digest(wildcards.sweep),
    shell:
        "python -m relu_optima collect_sweep --plan {params.plan:q}"
        " --sweep {wildcards.sweep:q} > {log:q} 2>&1"


rule plot_figure:
    input:
        lambda wildcards: sweep_files(PLAN.figures[wildcards.figure]),
    output:
        report(
            "results/{study}/figures/{figure}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: PLAN.figures[wildcards.figure].config[
                "category"
            ],
            labels=figure_labels,
        ),
        "results/{study}/figures/{figure}.pdf",
        "results/{study}/figures/{figure}.csv",
    log:
        "results/{study}/logs/plot_figure/{figure}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        plan=PLAN_FILE,
        digest=lambda wildcards: PLAN.figures[wildcards.figure].digest,
        title=lambda wildcards: script_text(
            PLAN.figures[wildcards.figure].config["title"]
        ),
        caption=lambda wildcards: rst_text(
            PLAN.figures[wildcards.figure].config["caption"]
        ),
        sweeps=lambda wildcards: PLAN.figures[wildcards.figure].sweeps,
    shell:
        "python -m relu_optima plot_figure --plan {params.plan:q}"
        " --figure {wildcards.figure:q} > {log:q} 2>&1"


rule make_table:
    input:
        lambda wildcards: sweep_files(PLAN.tables[wildcards.table]),
    output:
        report(
            "results/{study}/tables/{table}.html",
            caption="../report/table.rst",
            category=lambda wildcards: PLAN.tables[wildcards.table].config["category"],
            labels=table_labels,
        ),
        "results/{study}/tables/{table}.csv",
        "results/{study}/tables/{table}.tex",
        "results/{study}/tables/{table}.macros.tex",
    log:
        "results/{study}/logs/make_table/{table}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        plan=PLAN_FILE,
        digest=lambda wildcards: PLAN.tables[wildcards.table].digest,
        title=lambda wildcards: script_text(
            PLAN.tables[wildcards.table].config["title"]
        ),
        caption=lambda wildcards: rst_text(
            PLAN.tables[wildcards.table].config["caption"]
        ),
        sweeps=lambda wildcards: PLAN.tables[wildcards.table].sweeps,
    shell:
        "python -m relu_optima make_table --plan {params.plan:q}"
        " --table {wildcards.table:q} > {log:q} 2>&1"
