# The manuscript of the study, from the files that every other rule publishes.
rule write_paper:
    input:
        rules.all.input,
    output:
        "results/{study}/paper/paper.pdf",
        "results/{study}/paper/arxiv.tar.gz",
    log:
        "results/{study}/logs/write_paper/paper.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        plan=PLAN_FILE,
        font=os.environ.get("RELU_OPTIMA_FONT", "times"),
    shell:
        "python -m relu_optima write_paper --plan {params.plan:q}"
        " --font {params.font:q} > {log:q} 2>&1"
