"""The page of all runs: the figures' numbers, every run led back, words that run nothing."""

import json
import math
import re
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from relu_optima.audit.doctor import examine
from relu_optima.audit.lineage import lineage
from relu_optima.cli import app
from relu_optima.config.validate import validate_group
from relu_optima.publish.aggregate import describe_interval, median_interval
from relu_optima.publish.render import render_figure
from relu_optima.publish.variation import describe_seeds
from relu_optima.run.publish import publish_explorer
from relu_optima.run.report.explore.columns import DIGITS, LETTERS, coded, inert, json_text
from relu_optima.run.report.explore.page import explore_page
from relu_optima.store.soundness import State, inspect_explorer
from tests.browser import open_page
from tests.fabricated import forget, project, results_of
from tests.publish import sweeps
from tests.report import made_up

RUN = "document.body.id='ran'"
HOSTILE = f"</script><script>{RUN}</script><!--<img src=x onerror={RUN}>"
FIGURE = {
    "plot": "line", "sweeps": ["convex_lambda"], "title": "Objective", "caption": "Objective.",
    "category": "Test", "x": "convex.lam", "y": "objective", "hue": "convex", "panel": "dataset",
    "log_x": True, "where": {"convex.lam": [0.5, 0.2, 0.1]},
}  # fmt: skip
SEEN = """
<script>
function tell(name, value) {
  const node = document.createElement("pre");
  node.className = "told"; node.id = `told-${name}`; node.textContent = JSON.stringify(value);
  document.body.append(node);
}
%s
</script>
"""


@pytest.fixture(scope="module")
def frames():
    return {"convex_lambda": sweeps.convex_lambda(), "convex_gates": sweeps.convex_gates()}


def told(page: str, script: str, folder: Path, address: str = "") -> dict:
    """Open a page with one more script, without the policy against it; return what it tells."""
    path = folder / "explore.html"
    free = re.sub("<meta http-equiv=[^>]*>", "", page)
    path.write_text(free.replace("</body>", SEEN % script + "</body>"), encoding="utf-8")
    seen = open_page(path, folder / "profile", address)
    assert seen.console == []
    found = re.findall(r'id="told-(\w+)">(.*?)</pre>', seen.dom, re.DOTALL)
    return {name: json.loads(unescape(text)) for name, text in found}


def decoded(text: str) -> list:
    """Read a coded column back."""
    column = json.loads(text)
    if "d" in column:
        index = column["i"]
        return [column["d"][LETTERS.index(k) if isinstance(index, str) else k] for k in index]
    return column["v"]


@pytest.mark.parametrize("levels", [2, 30, 200, 1000])
def test_columns_are_kept_to_the_digits_that_the_page_promises(levels):
    rng = np.random.default_rng(levels)
    known = [*(10 ** rng.uniform(-12, 12, levels)), None, math.inf, 12345678, True, "a<b\\", -0.0]
    values = [known[k] for k in rng.integers(0, len(known), 1000)]
    for exact in (True, False):
        texts = [json_text(v, exact=exact) for v in values]
        found = decoded(inert(coded(texts)))
        for value, kept in zip(values, found, strict=True):
            if isinstance(value, float) and math.isfinite(value) and not exact:
                assert kept == pytest.approx(value, rel=0.5 * 10.0 ** (1 - DIGITS), abs=0)
            else:
                assert (kept, type(kept) is bool) == (value, type(value) is bool)
    assert decoded(coded(["1"] * 3 + ["2"])) == [1, 1, 1, 2]
    assert json.loads(coded([json_text(math.nan, exact=True)] * 5)) == {"c": None}


def test_a_browser_computes_the_medians_and_words_of_the_figure(frames, tmp_path):
    config = validate_group("figure", FIGURE)
    render_figure(frames, config, tmp_path / "figure")
    drawn = pd.read_csv(tmp_path / "figure.csv")
    drawn = drawn[drawn["kind"] == "median"]
    rng = np.random.default_rng(0)
    sizes = [*range(1, 40), 1100]
    samples = [[float(f"{v:.6g}") for v in rng.standard_normal(n)] for n in sizes]
    script = f"""
    tell("medians", summarised(rowsChosen()).medians.map((m) => [column("dataset").at(m.rows[0]),
      column("convex").at(m.rows[0]), m.x, m.n, m.median, m.low, m.high, m.coverage]));
    tell("note", $("note").textContent);
    tell("rules", {json.dumps(samples)}.map((s) => Object.values(medianInterval(s, 0.95))));
    tell("least", medianInterval([NaN, Infinity], 0.95).n);"""
    page = explore_page(made_up.plan_of(frames, {"objective": FIGURE}), frames)
    seen = told(page, script, tmp_path, "#view=objective")
    for sample, found in zip(samples, seen["rules"], strict=True):
        want = median_interval(sample)
        assert found == pytest.approx([want.n, want.median, want.low, want.high, want.coverage])
    assert seen["least"] == 0
    key = ["dataset", "convex", "convex.lam"]
    parts = ["n", "objective", "low", "high", "coverage"]
    want = {tuple(row[key]): list(row[parts]) for _, row in drawn.iterrows()}
    assert len(seen["medians"]) == len(want) == 12
    for *place, n, median, low, high, coverage in seen["medians"]:
        found = [n, median, low, high, coverage]
        assert found == pytest.approx(want[tuple(place)], rel=10.0 ** (1 - DIGITS))
    runs = frames["convex_lambda"]
    runs = runs[runs["convex.lam"].isin([0.5, 0.2, 0.1])]
    words = describe_interval(drawn["coverage"], seeds=describe_seeds(runs, key))
    assert seen["note"] == f"{words[0].upper()}{words[1:]}."


def test_runs_that_differ_in_more_than_seeds_are_not_summarised(frames, tmp_path):
    page = explore_page(made_up.plan_of(frames, {}), frames)
    script = """
    const note = () => [summarised(rowsChosen()).medians.length, $("note").textContent];
    tell("apart", note());
    $("panel").value = "";
    $("panel").dispatchEvent(new Event("change"));
    tell("pooled", note());
    const boxes = [...document.querySelectorAll("#facets label")];
    boxes.find((label) => label.textContent.includes("gated")).firstChild.click();
    tell("filtered", note());"""
    script += 'tell("lost", $("lost").textContent);'
    address = "#sweep=convex_lambda&x=convex.lam&y=nothing&hue=dataset&panel=convex"
    seen = told(page, script, tmp_path, address)
    assert seen["lost"] == "The address asks for y nothing, which is not here."
    assert seen["apart"][0] == seen["filtered"][0] * 2 == 24
    assert seen["pooled"][0] == 0
    assert "runs that differ in convex, convex.formulation, not in seeds alone" in seen["pooled"][1]
    assert "not ok (1 of 120)" in seen["apart"][1]
    assert "not ok (1 of 60)" in seen["filtered"][1]


def test_a_point_leads_to_its_run_with_mouse_and_keyboard(frames, tmp_path):
    plan = made_up.plan_of(frames, {"objective": FIGURE})
    script = """
    const text = (id) => $(id).textContent;
    const key = (name) => document.querySelector("#chart svg").dispatchEvent(
      new KeyboardEvent("keydown", { key: name }));
    key("ArrowRight");
    tell("first", text("tip"));
    while (!text("tip").startsWith("run")) { key("ArrowRight"); }
    tell("tip", text("tip"));
    key("Enter");
    tell("run", [chosen.run, text("h-run"), text("again"), location.hash, text("run")]);
    tell("links", Array.from(document.querySelectorAll("#run a"), (a) => a.getAttribute("href")));
    const marks = document.querySelector("#chart .marks");
    const box = marks.ownerSVGElement.getBoundingClientRect();
    const [x, y] = marks.getAttribute("d").match(/[0-9.]+/g).map(Number);
    marks.ownerSVGElement.dispatchEvent(
      new MouseEvent("click", { clientX: box.left + x + 4, clientY: box.top + y }));
    tell("group", [text("chosen"), document.querySelectorAll("#table tbody tr").length]);
    $("release").click();
    const press = (name) => {
      const heads = Array.from(document.querySelectorAll("#table th button"));
      heads.find((head) => head.textContent === "relative duality gap").click();
      const head = document.querySelector("#table th[aria-sort]");
      const gaps = sorted(rowsChosen()).map((row) => column("gap").at(row));
      tell(name, [head.getAttribute("aria-sort"), gaps]);
    };
    press("up");
    press("down");"""
    seen = told(explore_page(plan, frames), script, tmp_path, "#view=objective")
    run, heading, command, address, shown = seen["run"]
    runs = frames["convex_lambda"]
    row = runs.set_index("run_id").loc[run]
    assert seen["tip"].startswith(f"run {run} (")
    assert heading == f"Run {run}"
    assert f"run={run}" in address
    assert f"{float(row['objective']):.6g}" in shown
    assert f"convex_lambda: {plan.sweeps['convex_lambda'].why}" in shown
    assert f"../store/{run}/0123456789abcdef/record.json" in seen["links"]
    words = command.split()
    assert words == ["relu-optima", "recompute", "made_up", run]
    found = typer.main.get_command(app).commands
    found[words[1]].make_context(words[1], words[2:])
    assert seen["group"] == ["The 5 runs behind one median.", 5]
    runs = runs[runs["convex.lam"].isin(FIGURE["where"]["convex.lam"])]
    gaps = sorted(float(f"{v:.6g}") for v in runs["gap"])
    assert seen["up"] == ["ascending", gaps]
    assert seen["down"] == ["descending", gaps[::-1]]


def test_no_word_runs_and_no_host_is_asked(frames, tmp_path):
    runs = frames["convex_lambda"].assign(message=HOSTILE, convex=HOSTILE)
    hostile = {"convex_lambda": runs}
    title = HOSTILE[:90]
    figure = FIGURE | {"title": title, "labels": {"objective": HOSTILE}}
    page = explore_page(made_up.plan_of(hostile, {"objective": figure}, title), hostile)
    assert page == explore_page(made_up.plan_of(hostile, {"objective": figure}, title), hostile)
    assert re.findall(r"(?:src|href)=\"(?!report|plan|data:,)[^\"]*", page) == []
    path = tmp_path / "explore.html"
    path.write_text(page, encoding="utf-8")
    seen = open_page(path, tmp_path / "profile", f"#run={runs['run_id'].iloc[0]}")
    assert seen.console == []
    assert 'id="ran"' not in seen.dom
    assert HOSTILE in unescape(seen.dom)
    assert "connect-src" not in page
    assert "default-src 'none'" in page


@pytest.mark.slow
def test_ten_thousand_runs_fit_and_are_all_drawn(tmp_path):
    many, on = made_up.many(10_000)
    page = explore_page(made_up.plan_of(many, {}, on=on), many)
    assert len(page.encode()) < 8e6
    script = """
    const dots = () => Array.from(document.querySelectorAll("#chart .dots"),
      (path) => path.getAttribute("d").split("M").length - 1).reduce((a, b) => a + b);
    tell("first", [dots(), summarised(rowsChosen()).medians.length, $("note").textContent]);
    chooseSweep("second"); showAll();
    tell("second", [dots(), columnOf(sweepNow(), "first.result_7").at(4999)]);"""
    seen = told(page, script, tmp_path, "#sweep=first")
    assert seen["first"] == [5000, 50, seen["first"][2]]
    assert "over 100 seeds" in seen["first"][2]
    want = float(f"{many['first']['result_7'].iloc[4999]:.6g}")
    assert seen["second"] == [5000, want]


@pytest.fixture
def root(tmp_path):
    yield project(tmp_path / "one")
    forget()


def test_the_page_is_written_once_and_known_to_the_doctor(root):
    plan = results_of(root)
    results = root / "results"
    path = results / "tiny/explore.html"
    assert inspect_explorer(plan, results).state is State.MISSING
    publish_explorer(plan, results)
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    assert inspect_explorer(plan, results).state is State.SOUND
    publish_explorer(plan, results)
    assert path.stat().st_mtime_ns == written
    assert dict(lineage(path, root))["stale"] == "no"
    path.write_bytes(content + b" ")
    assert "explore.html was changed" in dict(lineage(path, root))["stale"]
    said = examine(results, verify=False)
    assert [p for p in said.problems if "explore.html was changed" in p]
    assert said.counts["pages"] == 1
    publish_explorer(plan, results)
    assert path.read_bytes() == content
    mark = results / "tiny/timings/page_explore.json"
    mark.write_text(mark.read_text().replace('"digest": "', '"digest": "0'))
    said = examine(results, verify=False)
    assert said.problems == []
    assert any("page explore: its configuration or code changed" in note for note in said.notes)
