"""`relu-optima reproduce` from files on disk: what it writes, prints and returns."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from relu_optima.reproduce.compare import NOT_RUN, VERDICTS
from relu_optima.reproduce.published import load_published
from relu_optima.reproduce.report import reproduce
from tests.reproduce import made_up

CONF = Path(__file__).resolve().parents[2] / "conf"


def write(root, frames, study="icml2023"):
    folder = root / "results" / study / "sweeps"
    folder.mkdir(parents=True)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet")
    return root


@pytest.fixture
def project(tmp_path, monkeypatch):
    made_up.believe(monkeypatch.setattr)
    shutil.copytree(CONF, tmp_path / "conf")
    return tmp_path


# the command line, which believes made-up sweeps
COMMAND = f"""
import sys
sys.path.insert(0, {str(CONF.parent)!r})
from relu_optima.cli import main
from tests.reproduce import made_up
made_up.believe(setattr)
main()
"""


def command(root, *arguments):
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "reproduce", *arguments],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_complete_study_exits_with_0_and_writes_every_number(project):
    write(project, made_up.sweeps())
    done = command(project, "icml2023", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 data sets [exact]" in done.stdout  # brackets are text, not markup
    folder = project / "results/icml2023/reproduce"
    numbers = pd.read_csv(folder / "numbers.csv")
    published = load_published(CONF, "icml2023")
    cells = [c for item in published.items.values() for c in item.cells]
    assert len(numbers) == 3 * sum(len(c) - 1 for c in cells)
    assert set(numbers["verdict"]) <= set(VERDICTS) - {NOT_RUN}
    page = (folder / "reproduce.md").read_text()
    for part in ("Table 1", "Table 2", "Figures 2, 4 and 5", "dc6d9d3104bf", "dominates"):
        assert part in page
    claims = pd.read_csv(folder / "claims.csv")
    assert set(claims["verdict"]) == {"pass", "fail"}


def test_a_missing_sweep_is_reported_and_exits_with_1(project):
    frames = made_up.sweeps()
    del frames["icml_tune_exact"]
    write(project, frames)
    done = command(project)
    assert done.returncode == 1
    assert "icml_tune_exact has not been run" in done.stdout
    numbers = pd.read_csv(project / "results/icml2023/reproduce/numbers.csv")
    exact = numbers[numbers["variant"] == "exact"]
    assert set(exact["verdict"]) == {NOT_RUN}
    assert NOT_RUN not in set(numbers[numbers["variant"] != "exact"]["verdict"])
    assert f"{len(exact) + 1} published" in done.stdout  # and one statement


def test_bad_requests_are_one_clear_error(project):
    for arguments in ([], ["icml2023"], ["nothing"]):
        done = command(project, *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("relu-optima: ")
        assert "Traceback" not in done.stderr


def claims_of(project, frames):
    write(project, frames)
    done = reproduce("icml2023", project / "conf", project / "results")
    return {(c["claim"], c.get("detail")): c for c in done.claims}


def test_statements_pass_and_fail_with_their_numbers(project):
    found = claims_of(project, made_up.sweeps())
    verdicts = {key[0]: c["verdict"] for key, c in found.items()}
    tuned = {k: c for k, c in found.items() if k[0].startswith("Tuning")}
    assert [c["holds_in"] for c in tuned.values()] == [10, 10, 0]  # exact: no spread was made up
    assert [c["verdict"] for c in tuned.values()] == ["pass", "pass", "fail"]
    assert verdicts["Exact prunes leave the training fit unchanged"] == "pass"
    against = {k[1]: c for k, c in found.items() if "dominates" in k[0] and "published" in k[0]}
    assert len(against) == 3
    for k, c in enumerate(against.values(), start=1):
        assert (c["holds_in"], c["of"], c["verdict"]) == (10, 10, "pass")
        assert c["extreme"] == pytest.approx(0.02 * k)


def test_one_better_baseline_on_one_data_set_fails_the_statement(project):
    frames = made_up.sweeps()
    runs = frames["icml_prune_paths"]
    hit = (
        (runs["dataset"] == "blood_uci")
        & (runs["pruning"] == "random")
        & (runs["pruning.mode"] == "exact")
    )
    runs.loc[hit, "test_accuracy_area"] += 0.07
    found = claims_of(project, frames)
    lost = [c for k, c in found.items() if "dominates" in k[0] and c["verdict"] == "fail"]
    (only,) = lost
    assert (only["holds_in"], only["of"]) == (9, 10)
    assert only["extreme"] == pytest.approx(-0.01)
    assert "random" in only["detail"].lower()
    assert "blood" in only["at"].lower()


def test_a_changed_fit_or_a_lost_group_fails(project):
    frames = made_up.sweeps()
    runs = frames["icml_prune_paths"]
    exact = runs["pruning"].eq("optimal_ls") & runs["pruning.mode"].eq("exact")
    index = runs.index[exact][7]
    runs.at[index, "series.fit_change"] = [0.0, 1e-3, 0.4]
    tuned = frames["icml_tune_published"]
    lost = tuned["dataset"].eq("pima_uci") & tuned["optimal_set.interior_tol"].eq(1e-4)
    tuned.loc[lost, "status"] = "refused"
    found = claims_of(project, frames)
    fit = next(c for k, c in found.items() if "fit" in k[0])
    assert (fit["verdict"], fit["holds_in"], fit["of"]) == ("fail", 49, 50)
    assert fit["extreme"] == 1e-3
    loose = next(c for k, c in found.items() if "1e-4" in k[0])
    assert (loose["verdict"], loose["holds_in"], loose["of"]) == ("fail", 9, 10)
    assert "pima" not in loose["at"].lower()


def test_statements_of_another_kind_and_no_numbers(project):
    runs = made_up._frame("s", [{"seed": i, "loss": 0.1 * i} for i in range(4)])
    base = {"title": "t", "caption": "c.", "category": "Test"}
    measured = [
        {"kind": "measured", "claim": "small", "column": "loss", "statistic": "max", "below": 0.5},
        {"kind": "measured", "claim": "tiny", "column": "loss", "statistic": "max", "below": 0.2},
        {
            "kind": "measured",
            "claim": "lost",
            "column": "loss",
            "statistic": "max",
            "below": 0.2,
            "sweep": "gone",
        },
    ]
    table = base | {"table": "claims", "sweeps": ["s", "gone"], "claims": measured}
    figure = {"what": "Figure 9", "why": "No numbers."}
    published = {"paper": "p", "claims": ["words"], "unrecorded": [figure]}
    study = {"title": "t", "tables": {"words": table}, "published": published}
    (project / "conf/study/other.yaml").write_text(yaml.safe_dump(study))
    write(project, {"s": runs}, study="other-1a2b3c4d")
    done = command(project, "other-1a2b3c4d")
    assert done.returncode == 1, done.stderr
    assert "Figure 9" in done.stdout
    assert "1 published numbers or statements were not run" in done.stdout
    folder = project / "results/other-1a2b3c4d/reproduce"
    claims = pd.read_csv(folder / "claims.csv").set_index("claim")["verdict"]
    assert dict(claims) == {"small": "pass", "tiny": "fail", "lost": NOT_RUN}
    assert not (folder / "numbers.csv").exists()


def test_a_table_that_checks_nothing_is_refused(project):
    published = {"paper": "p", "claims": ["optimal_sets"]}
    study = {"title": "t", "share": {"default": {"tables": ["optimal_sets"]}}}
    (project / "conf/study/other.yaml").write_text(yaml.safe_dump(study | {"published": published}))
    write(project, made_up.sweeps(), study="other")
    done = command(project, "other")
    assert done.returncode == 2
    assert "optimal_sets" in done.stderr
