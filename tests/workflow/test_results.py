"""What results say: not where they were made, and nothing of code that changed meanwhile."""

import os
import sys

from tests.workflow.conftest import Project


def test_source_that_changed_after_planning_stops_the_worker(finished: Project):
    finished.edit("conf/study/tiny.yaml", "range(0,2)", "range(0,3)")
    finished.run("plan", "tiny")
    finished.append("src/relu_optima/convex/stage.py", "\n_EDITED = True\n")
    text = finished.run(
        "solve_convex", "--plan", "results/tiny/plan.json", "--batch", "tiny/00000", code=2
    )
    assert "changed since planning" in text


def test_no_name_of_machine_user_or_folder_in_results(finished: Project):
    words = {str(finished.root), sys.prefix}
    # short ones turn up in compressed bytes by chance
    words |= {w for w in (os.environ.get("USER"), os.uname().nodename) if w and len(w) > 4}
    parquet = list((finished.root / "results/tiny").rglob("*.parquet"))
    records = list((finished.root / "results/store").rglob("record.json"))
    published = list((finished.root / "results/tiny").glob("tables/*"))
    assert parquet
    assert records
    for path in [*parquet, *records, *published, finished.root / "results/tiny/plan.json"]:
        content = path.read_bytes()
        assert not [w for w in words if w.encode() in content], path
