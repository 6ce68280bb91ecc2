"""Several studies: the index over all of them, two side by side, which need data from elsewhere."""

import math

import pytest

from relu_optima.plan.make import plan_single_run
from relu_optima.plan.model import write_manifest
from relu_optima.run.everything import needs_data
from relu_optima.run.report import compare
from relu_optima.run.report.index import index_page
from tests.publish import sweeps
from tests.report import made_up


def test_the_index_leads_to_each_report_and_paper(tmp_path):
    folder = tmp_path / "made_up"
    manifest, _ = made_up.publish(folder, "Made <up>")
    write_manifest(manifest, folder / "plan.json")
    assert "made_up" not in index_page(tmp_path)
    (folder / "report.html").touch()
    page = index_page(tmp_path)
    assert "Made &lt;up&gt;" in page
    assert 'href="made_up/report.html"' in page
    assert "paper.pdf" not in page
    assert "explore.html" not in page
    (folder / "explore.html").touch()
    assert 'href="made_up/explore.html"' in index_page(tmp_path)
    (folder / "paper").mkdir()
    (folder / "paper/paper.pdf").touch()
    assert 'href="made_up/paper/paper.pdf"' in index_page(tmp_path)


def test_studies_are_compared_cell_by_cell(monkeypatch, tmp_path):
    manifest, runs = made_up.publish(tmp_path / "made_up")
    other = runs.drop(index=0).copy()
    other.loc[5, "loss"] *= 1.25
    other.loc[7, "behaviour"] = "otherwise"
    other["run_id"] = [f"b{i}" for i in range(len(other))]
    frames = iter([runs, other])
    monkeypatch.setattr(compare, "read_sweep", lambda *_: (next(frames), {}))
    found = compare._compare("lu_training", [manifest, manifest], tmp_path)
    assert (found.matched, found.only_first, found.only_second) == (len(runs) - 1, 1, 0)
    assert set(found.changed) == {"loss", "behaviour"}
    count, largest = found.changed["loss"]
    assert (count, largest) == (1, pytest.approx(0.2))
    assert found.changed["behaviour"][0] == 1
    assert math.isnan(found.changed["behaviour"][1])


def test_series_are_compared_point_by_point():
    runs = sweeps.lu_training()
    series = runs["series.loss"].iloc[0]
    assert compare.difference(series, series.copy()) == 0
    assert compare.difference(series, 2 * series) == pytest.approx(0.5)
    assert math.isnan(compare.difference(series, series[:-1]))


def test_what_needs_data_from_elsewhere_is_known_from_the_plan():
    assert needs_data(plan_single_run("dataset", ["dataset=mnist_1v7"]))
    assert not needs_data(plan_single_run("dataset", ["dataset=digits_2v6"]))
