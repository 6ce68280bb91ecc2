# Describe all global optima: one job computes one batch of runs.
rule explore_optimal_set:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/explore_optimal_set/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("optimal_set"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        plan=PLAN_FILE,
        digest=batch_digest,
    shell:
        "python -m relu_optima explore_optimal_set --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
