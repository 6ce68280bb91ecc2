"""Files put in the place of others, edited, forged or shared: seen by every reader."""

import dataclasses
import json
import os
import random
import shutil
import time

import pandas as pd
import pytest
import yaml

from relu_optima.audit.doctor import examine, prune
from relu_optima.audit.lineage import lineage
from relu_optima.errors import ReluOptimaError, StoreError
from relu_optima.plan.make import make_plan
from relu_optima.plan.model import read_manifest, sealed, write_manifest
from relu_optima.reproduce.report import reproduce
from relu_optima.run.collect import collect_sweep
from relu_optima.run.ready import make_ready, open_plan, save_plan
from relu_optima.store.layout import batch_file, mark_file, plan_file, product_files, sweep_file
from relu_optima.store.parquet import parquet_bytes, read_table
from relu_optima.store.plans import read_plan
from relu_optima.store.records import Store
from relu_optima.store.sharing import users_of_store
from relu_optima.store.soundness import State, faults, inspect, read_sweep
from tests.fabricated import batch_bytes, forget, project, results_of

SEED = int(os.environ.get("FAULT_SEED", "0"))


@pytest.fixture
def root(tmp_path):
    yield project(tmp_path / "one")
    forget()


def states(plan, results):
    return {(f.kind, f.name): f.state for f in faults(plan, results)}


def test_what_the_plan_makes_is_sound_and_nothing_is_removed(root):
    plan = results_of(root)
    results = root / "results"
    assert len(list(inspect(plan, results))) == len(plan.batches) + len(plan.sweeps) + 2
    assert states(plan, results) == {}
    files = sorted(p for p in results.rglob("*") if p.is_file())
    assert make_ready(plan, results) == 0
    assert sorted(p for p in results.rglob("*") if p.is_file()) == files


def edited(path, **metadata):
    """Write a Parquet file anew, as a script would that knows how."""
    frame, held = read_table(path, "")
    path.write_bytes(parquet_bytes(frame, {**held, **metadata}))


def forge_batch_of_other_number(plan, results):
    names = [b.id for b in plan.batches_of("tiny")]
    first, second = (batch_file(results, "tiny", n) for n in names[:2])
    shutil.copy(first, second)
    return "batch", names[1], "belongs to another plan"


def forge_batch_with_the_right_digest(plan, results):
    first, second = plan.batches_of("tiny")[:2]
    content = batch_bytes(plan, first, digest=second.digest)
    batch_file(results, "tiny", second.id).write_bytes(content)
    return "batch", second.id, "holds other runs than planned"


def forge_batch_of_other_code(plan, results):
    batch = plan.batches_of("tiny")[0]
    runs = {k: dataclasses.replace(r, code_key="0" * 16) for k, r in plan.runs.items()}
    older = dataclasses.replace(plan, runs=runs)
    batch_file(results, "tiny", batch.id).write_bytes(batch_bytes(older, batch))
    return "batch", batch.id, "holds other runs than planned"


def forge_sweep_without_a_row(plan, results):
    path = sweep_file(results, "tiny", "tiny")
    frame, held = read_table(path, "")
    path.write_bytes(parquet_bytes(frame[1:], held))
    return "sweep", "tiny", "holds other runs than planned"


def forge_sweep_without_identity(plan, results):
    path = sweep_file(results, "tiny", "tiny")
    _, held = read_table(path, "")
    path.write_bytes(parquet_bytes(pd.DataFrame({"objective": [1.0]}), held))
    return "sweep", "tiny", "holds other runs than planned"


def forge_sweep_of_other_study(plan, results):
    other = results_of(results.parent, "convex.lam=0.9")
    shutil.copy(sweep_file(results, other.study, "tiny"), sweep_file(results, "tiny", "tiny"))
    return "sweep", "tiny", "belongs to another plan"


def forge_plain_parquet(plan, results):
    pd.DataFrame({"run_id": ["0" * 12]}).to_parquet(sweep_file(results, "tiny", "tiny"))
    return "sweep", "tiny", "damaged Parquet file"


def forge_edited_figure(plan, results):
    path = product_files(results, "tiny", "figure", "tiny_objective")[2]
    path.write_text(path.read_text() + " ")
    return "figure", "tiny_objective", "was changed"


def forge_figure_of_other_runs(plan, results):
    edited(sweep_file(results, "tiny", "tiny"), note="collected anew")
    return "figure", "tiny_objective", "was made from other runs"


def forge_mark_that_is_no_mark(plan, results):
    mark = mark_file(results, "tiny", "table", "tiny_certificates")
    mark.write_text(json.dumps({"digest": "", "sweeps": {}, "files": 3}))
    return "table", "tiny_certificates", "nothing says what it was made from"


FORGERIES = [value for name, value in sorted(globals().items()) if name.startswith("forge_")]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda f: f.__name__[6:])
def test_every_reader_says_the_same_of_a_forgery(root, forge):
    plan = results_of(root)
    results = root / "results"
    kind, name, why = forge(plan, results)
    found = {(f.kind, f.name): f for f in faults(plan, results)}[kind, name]
    assert found.state is State.WRONG
    assert why in found.why
    assert any(why in line for line in examine(results, verify=False).problems)
    assert why in dict(lineage(found.files[0], root))["stale"]
    if kind == "batch":
        with pytest.raises(StoreError, match=why):
            collect_sweep(plan, "tiny", results)
    if kind == "sweep":
        with pytest.raises(StoreError, match=why):
            read_sweep(plan, "tiny", results)
    make_ready(plan, results)
    assert not any(path.exists() for path in found.files)


def test_what_is_built_on_runs_at_their_limit_is_made_again_and_is_no_problem(root):
    plan = results_of(root)
    results = root / "results"
    batch = plan.batches_of("tiny")[0]
    batch_file(results, "tiny", batch.id).write_bytes(batch_bytes(plan, batch, incomplete=2))
    assert set(states(plan, results).values()) == {State.UNFINISHED}
    findings = examine(results, verify=False)
    assert findings.problems == []
    assert any("2 runs hit their time limit" in note for note in findings.notes)
    make_ready(plan, results)
    gone = {key for key, state in states(plan, results).items() if state is State.MISSING}
    assert gone == {
        ("batch", batch.id), ("sweep", "tiny"), ("figure", "tiny_objective"),
        ("table", "tiny_certificates"),
    }  # fmt: skip


# the plan


def test_every_changed_byte_of_a_plan_is_told_and_never_acted_upon(root):
    results_of(root)
    results = root / "results"
    path = plan_file(results, "tiny")
    good = path.read_bytes()
    records = Store(results / "store").addresses()
    choose = random.Random(SEED)
    for _ in range(200):
        bad = bytearray(good)
        bad[choose.randrange(len(bad))] ^= 1 << choose.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(StoreError, match="damaged plan"):
            read_manifest(path)
    with pytest.raises(StoreError, match="nothing can be removed"):
        prune(results, remove=True)
    with pytest.raises(StoreError, match="damaged plan"):
        open_plan("tiny", plan=False, root=root)
    findings = examine(results, verify=False)
    assert any("damaged plan" in line for line in findings.problems)
    assert findings.orphans == []
    run = dict(lineage(results / "store" / records[0][0], root))
    assert "damaged plan" in run["plan that cannot be read"]
    assert run["stale"].startswith("unknown")
    assert Store(results / "store").addresses() == records


def test_a_flipped_run_id_with_a_valid_name_does_not_cost_the_good_record(root):
    results_of(root)
    results = root / "results"
    path = plan_file(results, "tiny")
    run = next(iter(read_manifest(path).runs))
    path.write_text(path.read_text().replace(run, "0" * 12))
    with pytest.raises(StoreError, match="does not match its checksum"):
        prune(results, remove=True)


@pytest.mark.parametrize("text", ["", "{", "{}", "[" * 5000, '{"format": 2}', "null"])
def test_what_is_no_plan_is_damaged(root, text):
    path = plan_file(root / "results", "tiny")
    path.parent.mkdir(parents=True)
    for content in (text, sealed(text or " ")):
        path.write_text(content)
        with pytest.raises(StoreError, match="damaged plan"):
            read_manifest(path)


def test_a_plan_of_another_study_or_a_lost_one_keeps_all_records(root):
    results_of(root)
    other = results_of(root, "convex.lam=0.9").study
    results = root / "results"
    good = plan_file(results, other).read_bytes()
    records = Store(results / "store").addresses()
    shutil.copy(plan_file(results, "tiny"), plan_file(results, other))
    for lose in (lambda: None, plan_file(results, other).unlink):
        lose()
        with pytest.raises(StoreError):
            read_plan(results, other)
        with pytest.raises(StoreError, match=f"{other}/plan.json"):
            prune(results, remove=True)
    assert Store(results / "store").addresses() == records
    plan_file(results, other).write_bytes(good)
    assert prune(results, remove=True).records == []


# a shared store


@pytest.fixture
def shared(root, tmp_path):
    """Return two projects; the store of the second is a link to that of the first."""
    results_of(root)
    second = project(tmp_path / "two")
    (second / "results").mkdir()
    (second / "results/store").symlink_to(root / "results/store")
    results_of(second, "convex.lam=0.9")
    return root, second


def test_records_of_another_project_survive_whoever_prunes(shared):
    records = Store(shared[0] / "results/store").addresses()
    for one in shared:
        assert prune(one / "results", remove=True).records == []
        assert examine(one / "results", verify=False).orphans == []
    assert Store(shared[0] / "results/store").addresses() == records
    shutil.rmtree(shared[1] / f"results/{make_plan('tiny', ['convex.lam=0.9'], shared[1]).study}")
    assert len(prune(shared[0] / "results", remove=True).records) == 2


def test_nothing_is_pruned_for_a_project_that_cannot_be_seen_or_read(shared):
    first, second = (one / "results" for one in shared)
    plan = next(second.glob("*/plan.json"))
    good = plan.read_bytes()
    plan.write_text("{")
    with pytest.raises(StoreError, match="two/results"):
        prune(first, remove=True)
    plan.write_bytes(good)
    second.rename(second.with_name("moved"))
    with pytest.raises(StoreError, match="cannot be seen") as caught:
        prune(first, remove=True)
    entry = next((first / "store/.users").iterdir())
    assert str(entry) in caught.value.fix
    assert any("cannot be seen" in note for note in examine(first, verify=False).notes)


def test_a_project_that_uses_another_store_now_is_a_note(shared):
    first, second = (one / "results" for one in shared)
    (second / "store").unlink()
    (second / "store").mkdir()
    assert len(users_of_store(first).stale) == 1
    assert any("uses another store now" in note for note in examine(first, verify=False).notes)
    assert len(prune(first, remove=True).records) == 2


# taken from other studies


def test_everything_that_another_study_made_is_taken(root):
    plan = results_of(root)
    results = root / "results"
    other = make_plan("tiny", ["tiny:seed=0,1"], root)
    assert other.study != plan.study
    save_plan(other, results)
    assert make_ready(other, results) == len(list(inspect(plan, results)))
    assert states(other, results) == {}
    times = {p.stat().st_mtime for f in inspect(other, results) for p in f.files}
    assert len(times) == 1, "nothing is newer than what was made from it"
    assert states(plan, results) == {}
    first = batch_file(results, other.study, next(iter(other.batches)))
    assert first.stat().st_nlink == 1, "an accident there would be one here"
    assert make_ready(other, results) == 0


def test_only_what_is_the_same_is_taken(root):
    results_of(root)
    results = root / "results"
    other = make_plan("tiny", ["convex.lam=0.5,0.3"], root)
    save_plan(other, results)
    make_ready(other, results)
    left = states(other, results)
    assert set(left.values()) == {State.MISSING}
    assert sorted(left) == [
        ("batch", "tiny/00001"), ("figure", "tiny_objective"), ("sweep", "tiny"),
        ("table", "tiny_certificates"),
    ]  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda f: f.__name__[6:])
def test_nothing_unsound_is_taken(root, forge):
    plan = results_of(root)
    results = root / "results"
    kind, name, _ = forge(plan, results)
    other = make_plan("tiny", ["tiny:seed=0,1"], root)
    save_plan(other, results)
    make_ready(other, results)
    left = states(other, results)
    assert set(left.values()) <= {State.MISSING}
    assert (kind, name) in left


def test_a_sweep_is_taken_only_with_the_batches_it_was_made_from(root):
    results_of(root)
    results = root / "results"
    other = make_plan("tiny", ["tiny:seed=0,1"], root)
    save_plan(other, results)
    batch = other.batches_of("tiny")[0]
    mine = batch_file(results, other.study, batch.id)
    mine.parent.mkdir(parents=True)
    mine.write_bytes(batch_bytes(other, batch, written="computed here"))
    content = mine.read_bytes()
    make_ready(other, results)
    assert mine.read_bytes() == content
    assert ("sweep", "tiny") in states(other, results)
    assert ("sweep", "datasets") not in states(other, results)


# reproduce


def published(root, study="tiny"):
    base = {"title": "t", "caption": "c.", "category": "Test", "sweeps": ["tiny"]}
    claim = {"claim": "large", "column": "objective", "statistic": "max", "above": 0.0}
    words = base | {"table": "criteria", "criteria": [claim]}
    path = root / f"conf/study/{study}.yaml"
    content = yaml.safe_load(path.read_text())
    content["tables"]["words"] = words
    content["published"] = {"paper": "p", "claims": ["words"]}
    path.write_text(yaml.safe_dump(content))


def verdicts(root, study="tiny"):
    done = reproduce(study, root / "conf", root / "results")
    return [c["verdict"] for c in done.claims]


def test_reproduce_judges_what_the_plan_makes_now_and_nothing_else(root):
    results_of(root)
    published(root)
    assert verdicts(root) == ["pass"]
    sweep = root / "conf/study/tiny.yaml"
    good = sweep.read_text()
    sweep.write_text(good.replace("0.5,0.2", "0.5,0.3"))
    with pytest.raises(ReluOptimaError, match="belongs to another plan"):
        verdicts(root)
    sweep.write_text(good)
    assert verdicts(root) == ["pass"]
    study = results_of(root, "convex.lam=0.9").study
    assert verdicts(root, study) == ["pass"]
    for forge in FORGERIES:
        plan = results_of(root)
        kind, *_, why = forge(plan, root / "results")
        if kind == "sweep":
            with pytest.raises(StoreError, match=why):
                verdicts(root)
        else:
            assert verdicts(root) == ["pass"]


def test_plan_now_refuses_what_is_no_study(root):
    for wrong in (42, None, 1.5, ["a"], float("nan"), True, "", "a b"):
        with pytest.raises(ReluOptimaError, match="is no name of a study"):
            open_plan(wrong, plan=True, root=root)
    with pytest.raises(StoreError, match="no such plan"):
        open_plan("tiny-00000000", plan=True, root=root)
    plan = results_of(root, "convex.lam=0.9")
    path = plan_file(root / "results", "tiny-00000000")
    write_manifest(dataclasses.replace(plan, study="tiny-00000000"), path)
    with pytest.raises(StoreError, match="is not made of"):
        open_plan("tiny-00000000", plan=True, root=root)


def test_files_from_the_future_get_the_present_time(root):
    plan = results_of(root)
    path = batch_file(root / "results", "tiny", next(iter(plan.batches)))
    os.utime(path, (time.time() + 9e6,) * 2)
    make_ready(plan, root / "results")
    assert path.stat().st_mtime <= time.time()


@pytest.mark.parametrize(
    ("column", "value", "why"), [("status", "", "has no status"), ("sweep", "b", "another sweep")]
)
def test_a_row_that_says_too_little_is_not_collected(root, column, value, why):
    plan = results_of(root)
    batch = plan.batches_of("tiny")[0]
    path = batch_file(root / "results", "tiny", batch.id)
    frame, held = read_table(path, "")
    frame.loc[0, column] = value
    path.write_bytes(parquet_bytes(frame, held))
    with pytest.raises(StoreError, match=why):
        collect_sweep(plan, "tiny", root / "results")
