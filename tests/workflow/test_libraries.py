"""Other versions of the libraries: nothing reused in silence, nothing labelled with wrong ones."""

from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from relu_optima.store.parquet import read_metadata
from tests.workflow.conftest import RUNS, Project

SCIPY = f"libraries: scipy {version('scipy')} → 9.9.9"


@dataclass(frozen=True)
class Elsewhere(Project):
    """The same project where other distributions come first on the path."""

    fakes: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        here = super().environment()
        path = f"{self.root / 'fakes'}:{here['PYTHONPATH']}"
        for name in self.fakes:
            info = self.root / f"fakes/{name}-9.9.9.dist-info"
            info.mkdir(parents=True, exist_ok=True)
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9.9\n"
            (info / "METADATA").write_text(text)
        return {**here, "PYTHONPATH": path if self.fakes else here["PYTHONPATH"], **self.variables}


def scipys(project: Project) -> list[str]:
    """Return the versions of scipy that the batch and the collected sweep name."""
    folder = project.root / "results/tiny"
    found = []
    for file in ("batches/tiny/00000.parquet", "sweeps/tiny.parquet"):
        metadata = read_metadata(folder / file)
        assert metadata is not None
        found += [o["environment"]["libraries"]["scipy"] for o in metadata["origins"]]
    return found


def test_another_scipy(finished: Project):
    here, other = finished, Elsewhere(finished.root, ("scipy",))
    text = other.run("doctor", "--no-verify")
    assert f"{RUNS} records were computed in another environment than the present one" in text
    assert SCIPY in text
    table = "results/tiny/tables/tiny_certificates.csv"
    said = other.run("doctor", table)
    assert f"{RUNS} in another environment ({SCIPY})" in said.partition("\nstale: ")[2]
    run = next(r for r, v in here.plan()["runs"].items() if v["stage"] == "convex")
    assert f"stale: yes: computed in another environment ({SCIPY})" in other.run("doctor", run)
    # kept only where asked, and then everything says so
    records = here.records()
    assert other.study("--accept-environment") == 0
    assert here.records() == records
    note = f"accepted ({SCIPY})"
    folder = here.root / "results/tiny"
    for file in ("tables/tiny_certificates.csv", "tables/tiny_certificates.html",
                 "tables/tiny_certificates.macros.tex", "figures/tiny_objective.csv"):  # fmt: skip
        assert note in (folder / file).read_text(), file
    assert "computed in another environment and accepted" in (
        folder / "tables/tiny_certificates.tex"
    ).read_text().replace("\n", " ")
    assert scipys(here) == [version("scipy")] * 2
    # not asked: computed again, beside what was there
    text = other.run("plan", "tiny")
    assert f"{RUNS} runs to compute again: {SCIPY}" in text
    assert other.study() == RUNS
    assert scipys(here) == ["9.9.9"] * 2
    assert "accepted" not in (folder / "tables/tiny_certificates.csv").read_text()
    assert records.items() <= here.records().items()
    assert here.study() == 0
    assert scipys(here) == [version("scipy")] * 2


def test_another_matplotlib_draws_figures_and_solves_nothing(finished: Project):
    other = Elsewhere(finished.root, ("matplotlib", "torch"))
    figure = finished.root / "results/tiny/figures/tiny_objective.png"
    drawn, records = figure.stat().st_mtime_ns, finished.records()
    assert other.study() == 0
    assert finished.records() == records
    assert figure.stat().st_mtime_ns > drawn


def test_compiler_settings_are_an_environment_and_a_job_checks_its_own(finished: Project):
    off = Elsewhere(finished.root, variables={"RELU_OPTIMA_NO_JIT": "1"})
    assert "settings: RELU_OPTIMA_NO_JIT unset → 1" in off.run("plan", "tiny")
    finished.run("plan", "tiny")
    for path in (finished.root / "results/store").iterdir():
        for record in path.glob("*/record.json"):
            record.unlink()
    job = ["solve_convex", "--plan", "results/tiny/plan.json", "--batch", "tiny/00000"]
    text = off.run(*job, code=2)
    assert "settings: RELU_OPTIMA_NO_JIT unset → 1: not as planned" in text
    names = {Path(p).parent.parent.name for p in finished.store_files("record.json")}
    runs = finished.plan()["runs"]
    assert {runs[name]["stage"] for name in names} <= {"dataset"}
