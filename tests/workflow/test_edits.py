"""An edit at any moment of a job: no row under a key of code, files or libraries it is not of.

The moment is the k-th import of any module or opening of a source file, counted by an audit hook,
or the import of the edited module itself, so that it never depends on the clock.
"""

import json
import os
import random
import subprocess
import sys

import pytest

from tests.studies import put
from tests.workflow.conftest import Project, copy_of

DRIVER = """
import os, runpy, sys
moment, file, log = sys.argv[1:4]
source, count, busy = os.path.abspath("src"), 0, False

def edit():
    with open(file) as stream:
        text = stream.read()
    with open(file, "w") as stream:
        stream.write(text.replace("= 0", "= 1"))

def hook(event, arguments):
    global count, busy
    if busy or not (event == "import" or event == "open" and str(arguments[0]).startswith(source)):
        return
    busy = True
    count += 1
    if moment in (str(count), arguments[0]):
        edit()
    with open(log, "w") as stream:
        stream.write(str(count))
    busy = False

sys.addaudithook(hook)
sys.argv = ["relu_optima", *sys.argv[4:]]
runpy.run_module("relu_optima", run_name="__main__", alter_sys=True)
"""
# every outcome says which text of two modules it was computed with: one imported early, one late
STAGE = """
from relu_optima.early_{stage} import EARLY
_plain = {function}


def {function}(work):
    from relu_optima.late_{stage} import LATE

    done = _plain(work)
    for outcome in done if isinstance(done, list) else [done]:
        outcome.row.update(early=EARLY, late=LATE)
    return done
"""
JOBS = {
    "pruning": ("prune_network", ("dataset", "convex", "pruning")),
    "optimal_set": ("explore_optimal_set", ("dataset", "convex", "optimal_set")),
    "sensitivity": ("analyse_sensitivity", ("dataset", "convex", "sensitivity")),
    "training": ("train_network", ("dataset", "training")),
    "existence": ("decide_existence", ("existence",)),
}
PACKAGES = {"dataset": "datasets"}
NETS = "pattern: lu, pattern.n: 2, training: lu_small, training.epochs: 3"
SWEEPS = {
    "training": f"stage: training\nfixed: {{dataset: staircase, {NETS}}}\ngrid: {{seed: '0,1'}}\n",
    "existence": "stage: existence\nfixed: {pattern: lu, pattern.n: 2}\n",
}


class Plain(Project):
    """A project whose kernels run as plain Python: compiling them takes longer than these runs."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "RELU_OPTIMA_NO_JIT": "1"}


@pytest.fixture(scope="module")
def marked_root(bare_root, tmp_path_factory):
    """Return a project whose stages write their markers, with a plan and nothing computed."""
    project = Plain(copy_of(bare_root, tmp_path_factory.mktemp("marked") / "project").root)
    package = project.root / "src/relu_optima"
    for stage in {s for _, stages in JOBS.values() for s in stages}:
        for when in ("early", "late"):
            (package / f"{when}_{stage}.py").write_text(f'"""A marker."""\n{when.upper()} = 0\n')
        function = "run_batch" if stage == "training" else "run"
        with (package / PACKAGES.get(stage, stage) / "stage.py").open("a") as stream:
            stream.write(STAGE.format(stage=stage, function=function))
    for stage in JOBS:
        text = SWEEPS.get(stage, f"stage: {stage}\non: [tiny]\nwhere: {{tiny.seed: 0}}\n")
        put(project.root, f"sweep/one_{stage}", f"why: Edited.\n{text}", "edited")
    put(project.root, "study/edited", "title: Edited\nshare: {tiny: {sweeps: [tiny]}}\n")
    (project.root / "driver.py").write_text(DRIVER)
    project.run("plan", "edited")
    return project.root


def edited(project: Project, moment: int | str, file: str, *arguments: str) -> tuple[int, str, int]:
    """Run a job while `file` is edited at a moment; return its exit code, words and moments."""
    log = project.root / "moments.txt"
    done = subprocess.run(
        [sys.executable, "driver.py", str(moment), file, str(log), *arguments],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, int(log.read_text())


def job(stage: str) -> list[str]:
    plan = "results/edited/plan.json"
    return [JOBS[stage][0], "--plan", plan, "--batch", f"one_{stage}/00000"]


@pytest.fixture(scope="module")
def moments(marked_root, tmp_path_factory):
    """Return a function that counts the moments of a stage's job."""
    known = {}

    def count(stage):
        if stage not in known:
            project = Plain(copy_of(marked_root, tmp_path_factory.mktemp("count") / "project").root)
            code, text, known[stage] = edited(project, -1, "none", *job(stage))
            assert code == 0, text
        return known[stage]

    return count


def check(marked_root, tmp_path, moments, stage: str, seed: int) -> None:
    generator = random.Random(f"{stage} {seed}")
    moment = generator.randint(1, moments(stage))
    module = f"{generator.choice(('early', 'late'))}_{generator.choice(JOBS[stage][1])}"
    check_edit(marked_root, tmp_path, stage, module, moment)


def check_edit(marked_root, tmp_path, stage: str, module: str, moment: int | str) -> None:
    project = Plain(copy_of(marked_root, tmp_path / "project").root)
    file = project.root / f"src/relu_optima/{module}.py"
    code, text, _ = edited(project, moment, str(file), *job(stage))
    case = f"{file.name} at moment {moment}: {text}"
    assert file.read_text().endswith("= 1\n"), case
    assert code == 0 or "changed since planning" in text, case
    for path in project.store_files("record.json"):
        row = json.loads(path.read_text())["payload"]["row"]
        assert (row["early"], row["late"]) == (0, 0), case  # the plan's keys are those of 0


@pytest.mark.parametrize(
    ("stage", "module"),
    [("training", "early_training"), ("training", "late_training"), ("pruning", "late_convex")],
)
def test_no_wrong_row_if_a_module_is_edited_as_it_is_imported(marked_root, tmp_path, stage, module):
    check_edit(marked_root, tmp_path, stage, module, f"relu_optima.{module}")


@pytest.mark.parametrize("stage", ["existence", "training"])
def test_no_wrong_row_whenever_a_module_is_edited(marked_root, tmp_path, moments, stage):
    check(marked_root, tmp_path, moments, stage, 0)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("stage", JOBS)
def test_no_wrong_row_in_twenty_edits_of_every_stage(marked_root, tmp_path, moments, stage):
    for seed in range(20):
        check(marked_root, tmp_path / str(seed), moments, stage, seed)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_no_wrong_table(finished: Project, seed):
    (finished.root / "driver.py").write_text(DRIVER)
    table = finished.root / "results/tiny/tables/tiny_certificates.csv"
    before = table.read_bytes()
    table.unlink()
    file = finished.root / "src/relu_optima/publish/tables/certificates.py"
    with file.open("a") as stream:
        stream.write("\nMARK = 0\n_plain = tabulate\n\n\ndef tabulate(frames, options):\n"
                     "    done = _plain(frames, options)\n    if MARK:\n"
                     "        done.frame['mark'] = MARK\n    return done\n")  # fmt: skip
    finished.run("plan", "tiny")
    make = ["make_table", "--plan", "results/tiny/plan.json", "--table", "tiny_certificates"]
    code, text, count = edited(finished, -1, "none", *make)
    assert (code, table.read_bytes()) == (0, before), text
    table.unlink()
    moment = random.Random(seed).randint(1, count)
    code, text, _ = edited(finished, moment, str(file), *make)
    assert code == 0 or "changed since planning" in text
    assert not table.exists() or table.read_bytes() == before


def test_no_row_of_data_that_change_while_they_are_read(bare_root, tmp_path):
    """The loader reads the file at another moment than the key does."""
    fresh = copy_of(bare_root, tmp_path / "project")
    (fresh.root / "data.csv").write_text("a,b,y\n" + "1,2,0\n2,1,1\n3,5,0\n4,4,1\n" * 4)
    (fresh.root / "conf/dataset/own.yaml").write_text(
        "loader: csv\npath: data.csv\ntarget: y\ntask: regression\n"
    )
    with (fresh.root / "src/relu_optima/datasets/loaders/csv.py").open("a") as stream:
        stream.write(
            "\n_plain = load\n\n\ndef load(config):\n    text = Path(config.path).read_text()\n"
            "    Path(config.path).write_text(text.replace('5', '6'))\n"
            "    done = _plain(config)\n    Path(config.path).write_text(text)\n    return done\n"
        )
    text = fresh.run("run", "dataset", "dataset=own", code=2)
    assert "was changed while it was read" in text
    assert not fresh.store_files("record.json")
    assert os.path.getsize(fresh.root / "data.csv") > 0
