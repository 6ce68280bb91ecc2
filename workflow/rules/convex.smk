# Solve convex reformulations to a certificate: one job computes one batch of runs.
rule solve_convex:
    input:
        batch_inputs,
    output:
        "results/{study}/batches/{sweep}/{index}.parquet",
    log:
        "results/{study}/logs/solve_convex/{sweep}-{index}.log",
    wildcard_constraints:
        sweep=sweeps_of("convex"),
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
        "python -m relu_optima solve_convex --plan {params.plan:q}"
        " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
