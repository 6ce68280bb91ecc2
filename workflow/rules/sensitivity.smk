# Follow optima along the regularisation path: one job computes one batch of runs.
rule analyse_sensitivity:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/analyse_sensitivity/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("sensitivity"),
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
        "python -m relu_optima analyse_sensitivity --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
