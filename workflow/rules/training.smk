# Train sparse networks: one job computes one batch of runs.
rule train_network:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/train_network/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("training"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=600,
    params:
        plan=PLAN_FILE,
        digest=batch_digest,
    shell:
        "python -m relu_optima train_network --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
