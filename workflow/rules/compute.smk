# One rule for each stage, named after its verb: one job computes one batch of runs.
from relu_optima.stage import STAGES

MINUTES = {"dataset": 60, "existence": 120, "training": 600}


for stage in STAGES.values():

    rule:
        name:
            stage.verb
        input:
            batch_inputs,
        output:
            "results/{study}/batches/{sweep}/{index}.parquet",
        log:
            f"results/{{study}}/logs/{stage.verb}/{{sweep}}-{{index}}.log",
        wildcard_constraints:
            sweep=sweeps_of(stage.name),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=4000,
            runtime=MINUTES.get(stage.name, 240),
        params:
            plan=PLAN_FILE,
            digest=batch_digest,
            verb=stage.verb,
        shell:
            "python -m relu_optima {params.verb:q} --plan {params.plan:q}"
            " --batch {wildcards.sweep:q}/{wildcards.index:q} > {log:q} 2>&1"
