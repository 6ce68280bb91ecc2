# Load, split and standardise data sets: one job computes one batch of runs.
rule prepare_dataset:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/prepare_dataset/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("dataset"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        plan=PLAN_FILE,
        digest=batch_digest,
    shell:
        "python -m relu_optima prepare_dataset --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
