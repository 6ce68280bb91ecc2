"""The report: findings first, every figure and table with its links, nothing from elsewhere."""

import base64
import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from relu_optima.config.validate import validate_group
from relu_optima.errors import StoreError
from relu_optima.plan.product_check import product_mistakes
from relu_optima.publish.aggregate import median_interval
from relu_optima.publish.formats import format_value
from relu_optima.publish.frames import is_ok
from relu_optima.run.report.findings import findings_of
from relu_optima.run.report.page import report_page
from tests.browser import open_page
from tests.report import made_up

RUN = "document.body.id='ran'"
HOSTILE = f"</h1></script><script>{RUN}</script><!--"
SORT = """
<script>
const head = Array.from(document.querySelectorAll("#table-runs_lu_training th"))
  .find((th) => /loss/.test(th.textContent));
head.click();
const cells = () => Array.from(document.querySelectorAll("#table-runs_lu_training tbody tr"),
  (row) => row.cells[head.cellIndex].dataset.value).join(" ");
document.documentElement.dataset.up = cells();
head.click();
document.documentElement.dataset.down = cells();
</script>
"""


@pytest.fixture(scope="module")
def published_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    return *made_up.publish(folder), folder


@pytest.fixture
def published(published_once, tmp_path):
    manifest, runs, folder = published_once
    return manifest, runs, Path(shutil.copytree(folder, tmp_path / "study"))


def test_findings_are_the_claims_with_number_interval_figure_and_runs(published):
    manifest, runs, folder = published
    first, second, third = findings_of(manifest, folder)
    chosen = runs
    for column, value in made_up.GROWS.items():
        chosen = chosen[chosen[column] == value]
    want = median_interval(chosen["loss"])
    median, low, high = (format_value(v, "sig3", {}) for v in (want.median, want.low, want.high))
    assert first.number == f"{median} [{low}, {high}]"
    assert f"median of {len(chosen)} runs" in first.about
    assert (first.figure, first.sweeps, first.bound) == ("losses", ("lu_training",), "< 9")
    assert first.verdict == ("holds" if want.median < 9 else "does not hold")
    assert second.verdict == "does not hold"
    good = runs[is_ok(runs)]
    assert (
        f"in 0 of {len(good)} runs; first otherwise: run {good['run_id'].iloc[0]}" in second.about
    )
    # runs of several settings are no sample of one thing: no interval
    assert third.number == format_value(float(runs["loss"].max()), "sig3", {})


def test_the_page_opens_with_the_findings_and_all_its_links_lead_somewhere(published):
    manifest, _, folder = published
    page = report_page(manifest, folder)
    assert page == report_page(manifest, folder)
    order = re.findall(r"<section id=\"([^\"]+)\"", page)
    assert order == ["findings", "section-training", "runs", "provenance"]
    picture = (folder / "figures/losses.png").read_bytes()
    assert base64.b64encode(picture).decode() in page
    assert "Loss of each run." in page
    for name in ("plan.json", "explore.html"):
        (folder / name).touch()
    (folder / "sweeps").mkdir()
    (folder / "sweeps/lu_training.parquet").touch()
    ids = set(re.findall(r'id="([^"]+)"', page))
    for link in re.findall(r'href="([^"]+)"', page):
        if link.startswith("#"):
            assert link[1:] in ids, link
        elif link != "data:,":
            assert (folder / link.partition("#")[0]).exists(), link
    assert 'href="explore.html"' in page
    assert 'href="explore.html#view=losses"' in page
    assert 'href="explore.html#sweep=lu_training"' in page


def test_a_missing_figure_is_an_error_that_says_how_to_make_it(published):
    manifest, _, folder = published
    (folder / "figures/losses.png").unlink()
    with pytest.raises(StoreError, match="run the same study again"):
        report_page(manifest, folder)


def test_a_browser_runs_no_foreign_word_and_asks_no_host(tmp_path):
    manifest, _ = made_up.publish(tmp_path, HOSTILE)
    page = tmp_path / "report.html"
    page.write_text(report_page(manifest, tmp_path), encoding="utf-8")
    seen = open_page(page, tmp_path / "profile")
    assert seen.console == []
    assert 'id="ran"' not in seen.dom
    assert HOSTILE in unescape(seen.dom)
    # the policy, not the escaping alone: a script put into the page is refused
    page.write_text(page.read_text().replace("</main>", f"<script>{RUN}</script></main>"))
    seen = open_page(page, tmp_path / "profile")
    assert 'id="ran"' not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)


def test_a_click_on_a_heading_sorts_by_all_digits(published):
    manifest, runs, folder = published
    page = folder / "report.html"
    text = re.sub("<meta http-equiv=[^>]*>", "", report_page(manifest, folder))
    page.write_text(text.replace("</body>", SORT + "</body>"), encoding="utf-8")
    dom = open_page(page, folder / "profile").dom
    for name, falling in (("up", False), ("down", True)):
        found = re.search(f'data-{name}="([^"]*)"', dom)
        assert found
        values = list(map(float, found[1].split()))
        assert values == sorted(runs["loss"], reverse=falling)


def test_a_claim_that_names_no_figure_of_the_study_is_a_mistake():
    table = validate_group("table", made_up.TABLES["findings"])
    said = list(product_mistakes("here", table, {}, {"lu_training"}, "tiny", ["loses"]))
    assert said == ["here: claims: 'losses' is no figure of study 'tiny'; did you mean 'loses'?"]
