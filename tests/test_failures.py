"""What `study` shows of failed jobs: the true cause, whoever knows it."""

from relu_optima.run.failures import failures

START = """\
[Fri Nov 27 08:28:00 2026]
localrule solve_convex:
    output: results/x/batches/a/00000.parquet
    log: {log}
    jobid: 1
    resources: tmpdir=/tmp
"""
FAILED = """\
/usr/bin/bash: line 1: 11247 Killed                  python -m relu_optima > {log} 2>&1
RuleException:
CalledProcessError in file "workflow/rules/convex.smk", line 20:
Command 'set -euo pipefail;  python -m relu_optima solve_convex > {log} 2>&1' returned non-zero \
exit status {status}.
[Fri Nov 27 08:28:00 2026]
Error in rule solve_convex:
    message: {message}
    jobid: 1
    output: {output}
    log: {log} (check log file(s) for error details)
    shell:
        python -m relu_optima solve_convex > {log} 2>&1
        (command exited with non-zero exit code)
"""
END = """\
Exiting because a job execution failed. Look above for error messages
Complete log(s): .snakemake/log/2026.snakemake.log
Elapsed time: 0:00:01.302593
WorkflowError:
At least one job did not complete successfully.
"""
SUBMISSION = """SLURM sbatch failed. The error message was 'sbatch: error: invalid partition'.
    sbatch call:
        sbatch --parsable --partition=nowhere
"""


def failed(number, status=1, message="None", filler=0):
    names = {
        "log": f"results/x/logs/solve_convex/a-{number:05d}.log",
        "output": f"results/x/batches/a/{number:05d}.parquet",
    }
    filler = "    resources: tmpdir=/tmp\n" * filler
    return (START + FAILED).format(status=status, message=message, **names) + filler


def write(root, number, text):
    path = root / f"results/x/logs/solve_convex/a-{number:05d}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def shown(root, *parts, since=0.0):
    return failures("".join([*parts, END]).encode(), since, root)


def test_the_error_of_the_job_s_own_log(tmp_path):
    write(tmp_path, 0, "a\nTraceback (most recent call last)\n  x\nrelu-optima: bad\n  fix: y\n")
    text = shown(tmp_path, failed(0, status=2))
    assert text == "\n[results/x/logs/solve_convex/a-00000.log]\nrelu-optima: bad\n  fix: y"


def test_a_killed_supervisor_is_named_beside_other_failures(tmp_path):
    write(tmp_path, 0, "relu-optima: bad\n")
    write(tmp_path, 1, "computing 3f\n")
    text = shown(tmp_path, failed(0), failed(1, status=137, filler=40))
    assert "relu-optima: bad" in text
    assert (
        "computing 3f\nthe job's process was ended from outside (SIGKILL; out of memory?)" in text
    )


def test_an_odd_end_is_told_by_its_status(tmp_path):
    assert "ended with exit status 3" in shown(tmp_path, failed(0, status=3))
    assert "ended from outside (signal 120)" in shown(tmp_path, failed(0, status=248))


def test_a_submission_error_is_shown_and_an_older_log_is_not(tmp_path):
    path = write(tmp_path, 0, "relu-optima: of last week\n")
    text = shown(tmp_path, failed(0, message=SUBMISSION), since=path.stat().st_mtime + 1)
    assert "invalid partition" in text
    assert "sbatch --parsable" in text
    assert "last week" not in text


def test_what_the_cluster_says_is_shown_beside_the_log(tmp_path):
    write(tmp_path, 0, "computing\n")
    status = "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'."
    assert f"computing\n{status}" in shown(tmp_path, failed(0, message=status))


def test_a_job_that_succeeded_when_tried_again_is_not_shown(tmp_path):
    write(tmp_path, 0, "relu-optima: first try\n")
    done = tmp_path / "results/x/batches/a/00000.parquet"
    done.parent.mkdir(parents=True)
    done.touch()
    text = shown(tmp_path, failed(0), failed(1, status=137), failed(1, status=2))
    assert "first try" not in text
    assert text.count("[results/") == 1


def test_an_error_before_any_job_is_quoted_from_its_beginning(tmp_path):
    said = "Building DAG of jobs...\nWorkflowError:\nthe executor plugin 'slurm' has no sbatch\n"
    assert shown(tmp_path, said).startswith("\nWorkflowError:\nthe executor plugin")


def test_many_failures_are_counted(tmp_path):
    text = shown(tmp_path, *(failed(i, status=2) for i in range(7)))
    assert "and 4 more failed jobs" in text
