# Decide whether sparsity patterns admit optima: one job computes one batch of runs.
rule decide_existence:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/decide_existence/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("existence"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        plan=PLAN_FILE,
        digest=batch_digest,
    shell:
        "python -m relu_optima decide_existence --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
