"""What a second call computes: exactly what changed, counted in runs."""

import resource
import shutil
import subprocess

import pytest

from relu_optima.store.locks import study_lock
from tests.workflow.conftest import RUNS, Project, copy_of


def cpu_seconds() -> float:
    """Return the CPU time of all finished child processes: no neighbour's load counts."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_second_call_has_nothing_to_do(finished: Project):
    before, plan = finished.products(), (finished.root / "results/tiny/plan.json").stat().st_mtime
    log = finished.root / "results/tiny/timings/snakemake.log"
    said = log.read_text()
    start = cpu_seconds()
    assert finished.study() == 0
    assert cpu_seconds() - start < 10
    assert finished.products() == before
    assert (finished.root / "results/tiny/plan.json").stat().st_mtime == plan
    assert log.read_text() == said, "no job was needed, so Snakemake was not started"
    assert "Nothing to be done" in finished.snakemake("-n", "study=tiny")


def test_comment_and_docstring_edits_compute_nothing(finished: Project):
    finished.edit("src/relu_optima/convex/stage.py", '"""', '"""Edited. ')
    finished.append("src/relu_optima/convex/stage.py", "\n# a comment\n")
    assert finished.study() == 0
    assert "Nothing to be done" in finished.snakemake("-n", "study=tiny")


def test_code_edit_computes_its_stage_and_no_other(finished: Project):
    finished.append("src/relu_optima/convex/stage.py", "\n_EDITED = True\n")
    before = set(finished.records())
    assert finished.study() == RUNS
    new = set(finished.records()) - before
    runs = finished.plan()["runs"]
    assert {runs[name.split("/")[0]]["stage"] for name in new} == {"convex"}
    # the numbers did not change, so no table or figure did
    assert finished.study() == 0


def test_code_of_another_stage_computes_nothing(finished: Project):
    finished.append("src/relu_optima/pruning/stage.py", "\n_EDITED = True\n")
    assert finished.study() == 0


def test_an_edited_study_computes_only_what_is_new(finished: Project):
    """A seed more, one value in place of another, and a sweep more: 1 + 3 + 3 runs, no code."""
    before = finished.records()
    finished.edit("conf/study/tiny.yaml", "range(0,2)", "range(0,3)")
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    finished.edit(
        "conf/study/tiny.yaml",
        "sweeps:\n",
        "sweeps:\n  extra:\n    why: Three values.\n    stage: convex\n"
        "    fixed: {dataset: tiny, convex: gated, convex.gates.count: 6}\n"
        "    grid: {convex.lam: '0.9,0.8,0.7', convex.lam_scale: lambda_max}\n",
    )
    assert finished.study() == 7
    after = finished.records()
    assert {k: after[k] for k in before} == before


def test_changed_preset_default_that_the_sweep_overrides_computes_nothing(finished: Project):
    finished.edit("conf/config.yaml", "seed: 0", "seed: 7")
    assert finished.study() == 0


def test_overrides_make_a_study_of_their_own(finished: Project):
    before = finished.products()
    assert finished.study("convex.lam=0.25") == 2
    names = {p.name for p in (finished.root / "results").glob("tiny*")}
    assert len(names) == 2
    assert finished.products() == before
    other = (names - {"tiny"}).pop()
    assert other.startswith("tiny-")
    assert finished.study("convex.lam=0.25") == 0
    # bare snakemake finds the overrides in the plan
    finished.run("doctor", f"results/{other}/plan.json")


@pytest.mark.slow
def test_two_folders_give_the_same_bytes(fresh: Project, finished: Project):
    assert fresh.study() == RUNS + 1
    assert fresh.products() == finished.products()


@pytest.mark.slow
def test_lost_store_costs_time_only(finished: Project):
    before = finished.products()
    shutil.rmtree(finished.root / "results/store")
    assert finished.study() == 0  # nothing asks for the records
    finished.edit("conf/study/tiny.yaml", "range(0,2)", "range(0,3)")
    assert finished.study() == 6
    finished.edit("conf/study/tiny.yaml", "range(0,3)", "range(0,2)")
    assert finished.study() == 0
    assert finished.products() == before


def test_copied_results_are_not_computed_again(finished_root, tmp_path):
    project = copy_of(finished_root, tmp_path / "elsewhere")
    assert project.study() == 0


def test_overrides_that_change_nothing_start_no_job(finished: Project):
    """All is taken from the other study, and Snakemake agrees, whatever it remembers."""
    text = finished.run("study", "tiny", "tiny:seed=0,1", "--no-report")
    assert "0 runs computed, 0 taken from the store" in text
    other = next(p for p in (finished.root / "results").glob("tiny-*"))
    assert not (other / "logs").exists()
    assert finished.products(other.name) == finished.products()
    assert text.rstrip().endswith(f"see results/{other.name}"), "there is no report"
    for snakemake_forgot in (False, True):
        if snakemake_forgot:
            shutil.rmtree(finished.root / ".snakemake")
        assert "Nothing to be done" in finished.snakemake("-n", f"study={other.name}")
    assert "0 problems" in finished.run("doctor", "--no-verify")
    # after a change that the first study has computed, jobs of the second are remembered by none,
    # and what Snakemake lost makes no table stale
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    assert finished.study() == 2
    finished.run("study", "tiny", "tiny:seed=0,1", "--no-report")
    assert not (other / "logs").exists()


def test_a_running_study_keeps_its_plan(finished: Project):
    path = finished.root / "results/tiny/plan.json"
    before = path.read_bytes()
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    with study_lock(finished.root / "results"):
        text = finished.run("plan", "tiny")
        assert "2 to compute" in text
        assert "the plan was not written: another study is at work" in text
        assert "another study is at work" in finished.snakemake("--cores=1", "study=tiny", code=1)
    assert path.read_bytes() == before
    finished.snakemake("-n", "study=tiny")
    assert path.read_bytes() == before, "a dry run writes nothing"
    assert "not written" not in finished.run("plan", "tiny")
    assert path.read_bytes() != before


def test_names_of_no_study_are_one_clear_error(finished: Project):
    for value in ("42", "[a]"):
        text = finished.snakemake("-n", f"study={value}", code=1)
        assert "is no name of a study" in text
        assert "Traceback" not in text


def test_a_home_that_cannot_be_written_stops_nothing(finished: Project):
    finished.edit("conf/study/tiny.yaml", "0.5,0.2", "0.5,0.3")
    environment = {k: v for k, v in finished.environment().items() if k != "XDG_CACHE_HOME"}
    done = subprocess.run(
        finished.command("study", "tiny", "--no-report"),
        cwd=finished.root, env={**environment, "HOME": "/dev/null"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 runs computed" in done.stdout, done.stdout + done.stderr
