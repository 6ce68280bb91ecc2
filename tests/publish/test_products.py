"""Contract of every figure and table plug-in and preset, found by scanning."""

import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_doctree
from docutils.nodes import system_message
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.mathtext import MathTextParser

from relu_optima.config.plugins import load_plugin, plugin_names
from relu_optima.config.validate import validate_group
from relu_optima.publish.contract import FigureResult, TableResult
from relu_optima.publish.frames import bare
from relu_optima.publish.render import render_figure, render_table
from relu_optima.publish.style import SMALL, WIDTHS, publication_style
from relu_optima.publish.typeset import untypeset
from tests.publish import sweeps
from tests.studies import part, parts

ROOT = Path(__file__).resolve().parents[2]
BASE = {"title": "t", "caption": "c", "category": "Test"}
# Plug-ins are also tried on settings that no preset uses.
EXAMPLES = {
    ("figure", "confusion"): BASE
    | {
        "plot": "confusion",
        "sweeps": ["existence_patterns", "lu_training"],
        "x": "status",
        "y": "verdict_product",
        "join": ["pattern", "nonzeros"],
    },
    ("figure", "traces"): BASE
    | {
        "plot": "traces",
        "sweeps": ["lu_training"],
        "x": "series.epoch",
        "y": "series.loss",
        "hue": "training.weight_decay",
        "align": "none",
    },
    ("figure", "neurons"): BASE
    | {
        "plot": "neurons",
        "sweeps": ["lambda_path"],
        "where": {"seed": 0},
        "x": "series.neurons.lam_fraction",
        "y": ["series.neurons.coefficient", "series.neurons.rotation"],
        "line": "series.neurons.id",
        "sign": "series.neurons.coefficient",
        "ticks": "series.breakpoints.lam_fraction",
        "panel": "dataset",
        "log_x": True,
    },
    ("figure", "clouds"): BASE
    | {
        "plot": "clouds",
        "sweeps": ["lambda_path"],
        "x": "series.samples.residual",
        "y": "series.samples.influence",
        "hue": "seed",
        "panel": "dataset",
    },
    ("figure", "value_slope"): BASE
    | {
        "plot": "value_slope",
        "sweeps": ["lambda_path"],
        "where": {"seed": 0},
        "x": "series.lam",
        "value": "series.objective",
        "slope": "series.penalty",
        "secant": "series.secant",
        "panel": "dataset",
        "log_x": True,
    },
    ("figure", "path"): BASE
    | {
        "plot": "path",
        "sweeps": ["lambda_path"],
        "x": "series.lam_fraction",
        "y": ["series.degrees_of_freedom", "series.penalty"],
        "predicted": {"series.degrees_of_freedom": "degrees_of_freedom"},
        "align": "none",
        "panel": "dataset",
    },
    ("figure", "jumps"): BASE
    | {
        "plot": "jumps",
        "sweeps": ["lambda_path"],
        "where": {"seed": 0},
        "x": "series.lam_fraction",
        "y": "series.norm_squared",
        "at": "series.breakpoints.lam_fraction",
        "above": "series.breakpoints.norm_above",
        "inside": "series.breakpoints.norm",
        "jump": "series.breakpoints.jump",
        "panel": "dataset",
        "log_x": True,
    },
    ("figure", "spline_fit"): BASE
    | {
        "plot": "spline_fit",
        "sweeps": ["spline_fits"],
        "x": "series.data.x",
        "y": "series.data.y",
        "fit": "series.data.fit",
        "dual": "series.data.dual",
        "knot_x": "series.knot.x",
        "knot_fit": "series.knot.fit",
        "knot_dual": "series.knot.dual",
        "panel": "convex.lam",
    },
    ("figure", "decision_regions"): BASE
    | {
        "plot": "decision_regions",
        "sweeps": ["spline_hinge"],
        "x": "series.data.x",
        "y": "series.data.y",
        "fit": "series.data.fit",
        "knot_x": "series.knot.x",
        "knot_fit": "series.knot.fit",
        "panel": "convex.lam",
    },
    ("figure", "heatmap"): BASE
    | {
        "plot": "heatmap",
        "sweeps": ["convex_lambda"],
        "x": "convex.lam",
        "y": "convex",
        "value": ["test_accuracy"],
        "panel": "dataset",
        "format": "percent",
    },
    ("figure", "thumbnails"): BASE
    | {
        "plot": "thumbnails",
        "sweeps": ["existence_patterns"],
        "title_of": "pattern",
        "verdict": "verdict_product",
        "below": ["verdict_function", "method"],
        "panel_columns": 5,
        "width": "icml_text",
        "aspect": 0.6,
    },
    ("figure", "composed"): BASE
    | {
        "plot": "composed",
        "sweeps": ["convex_lambda", "lu_training"],
        "rows": [[2, 1], [1]],
        "parts": [
            {
                "plot": "line",
                "sweeps": ["convex_lambda"],
                "title": "values",
                "x": "convex.lam",
                "y": "objective",
                "hue": "convex",
                "panel": "dataset",
                "log_x": True,
            },
            {
                "plot": "scatter",
                "sweeps": ["convex_lambda"],
                "title": "certificates",
                "aspect": 1.2,
                "x": "kkt_residual",
                "y": "gap",
                "log_x": True,
                "log_y": True,
            },
            {
                "plot": "traces",
                "sweeps": ["lu_training"],
                "title": "training",
                "aspect": 0.3,
                "x": "series.epoch",
                "y": "series.loss",
                "hue": "training.weight_decay",
                "panel": "pattern",
            },
        ],
    },
    ("figure", "dots"): BASE
    | {
        "plot": "dots",
        "sweeps": ["convex_lambda"],
        "x": "gap",
        "y": "dataset",
        "hue": "convex",
        "log_x": True,
        "pool": ["convex.lam"],
    },
    ("figure", "scatter"): BASE
    | {
        "plot": "scatter",
        "sweeps": ["convex_lambda"],
        "x": "objective",
        "y": "dual_objective",
        "hue": "dataset",
        "diagonal": True,
    },
    ("figure", "shares"): BASE
    | {
        "plot": "shares",
        "sweeps": ["existence_random"],
        "width": "neurips_text",
        "x": "pattern.p",
        "share_of": ["verdict_product", "verdict_function", "verdict_optimum"],
    },
    ("figure", "mean_curves"): BASE
    | {
        "plot": "mean_curves",
        "sweeps": ["lu_training"],
        "where": {"pattern": "lu"},
        "panels": [
            {"x": "series.epoch", "y": "series.loss", "log_x": True, "log_y": True},
            {"x": "series.epoch", "y": "series.weight_norm"},
        ],
        "hue": "training.weight_decay",
    },
    ("table", "exceptions"): BASE
    | {
        "table": "exceptions",
        "sweeps": ["lu_training"],
        "outcome": "behaviour",
        "predictions": [{"where": {"training.weight_decay": 0.0}, "expected": "growing"}],
        "columns": [{"column": "pattern"}, {"column": "weight_norm"}, {"column": "status"}],
    },
    ("table", "certificates"): BASE
    | {
        "table": "certificates",
        "sweeps": ["convex_lambda"],
        "by": ["convex.lam"],
        "worst_of_seeds": False,
    },
    ("table", "claims"): BASE
    | {
        "table": "claims",
        "sweeps": ["convex_lambda"],
        "claims": [
            {
                "claim": "certified",
                "kind": "unchanged",
                "sweep": "convex_lambda",
                "column": "gap",
                "tolerance": 1e-6,
            },
            {
                "claim": "far from chance",
                "kind": "measured",
                "sweep": "convex_lambda",
                "column": "test_accuracy",
                "statistic": "median",
                "above": {
                    "column": "gap",
                    "statistic": "max",
                    "where": {"convex": "relu"},
                },
                "most": 1.0,
            },
        ],
    },
}


def products(kind):
    """Yield name and values of every product whose sweeps are made up here, and the examples."""
    for key, values in parts(kind).items():
        name = key.split("/")[1]
        if set(values["sweeps"]) <= set(sweeps.MAKERS):
            yield pytest.param(name, values, id=name)
    for (group, name), values in EXAMPLES.items():
        if group == kind:
            yield pytest.param(f"example_{name}", values, id=f"example_{name}")


@pytest.fixture(scope="module")
def frames():
    return sweeps.all_sweeps()


@pytest.mark.parametrize("kind", ["figure", "table"])
def test_every_plugin_is_tried(kind):
    key = {"figure": "plot", "table": "table"}[kind]
    tried = {p.values[1][key] for p in products(kind)}
    assert tried == set(plugin_names(kind))


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [(k, n, v) for k in ("figure", "table") for n, v in parts(k).items()],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_products_are_valid_and_strict(kind, name, values):
    model = validate_group(kind, values)
    assert validate_group(kind, model.model_dump(mode="json")) == model
    caption = publish_doctree(model.caption, settings_overrides={"report_level": 5})
    assert not list(caption.findall(system_message))
    assert model.caption.endswith(".")
    assert not list(untypeset(kind, model.model_dump(mode="json")))


def test_macro_names_are_letters_and_unique():
    names = [name for table in parts("table").values() for name in table.get("macros", {})]
    assert names
    assert all(re.fullmatch("[A-Za-z]+", name) for name in names)
    assert len(set(names)) == len(names)


def test_plugins_and_schemas_import_nothing_heavy():
    code = (
        "import sys; from relu_optima.config.plugins import plugin_names, load_plugin\n"
        "for g in ('figure', 'table'):\n"
        "    for n in plugin_names(g): load_plugin(g, n)\n"
        "import relu_optima.publish.figure_config, relu_optima.publish.table_config\n"
        "import relu_optima.publish\n"
        "heavy = {'matplotlib', 'pandas', 'torch', 'scipy', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def draw(frames, values):
    config = validate_group("figure", values)
    with publication_style():
        result = load_plugin("figure", config.plot).plot(frames, config)
        FigureCanvasAgg(result.figure).draw()
    assert isinstance(result, FigureResult)
    return config, result


@pytest.mark.parametrize(("name", "values"), list(products("figure")))
def test_figures_are_legible_and_nothing_is_cut_off(frames, name, values):
    config, result = draw(frames, values)
    figure = result.figure
    assert figure.get_figwidth() == WIDTHS[config.width]
    assert figure.get_figheight() < 9
    texts = drawn_texts(figure)
    assert texts
    for text in texts:
        assert min(type_sizes(text)) >= SMALL, text
        box = text.get_window_extent()
        assert box.x0 >= -0.5, text
        assert box.y0 >= -0.5, text
        assert box.x1 <= figure.bbox.x1 + 0.5, text
        assert box.y1 <= figure.bbox.y1 + 0.5, text
    for axis in figure.axes:
        if axis.get_visible():
            for which in (axis.xaxis, axis.yaxis):
                boxes = [t.get_window_extent() for t in drawn_ticks(which)]
                assert not any(
                    a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]
                ), which
            written = [t.get_window_extent() for t in axis.texts]
            assert not any(a.overlaps(b) for i, a in enumerate(written) for b in written[i + 1 :])
    labelled = [a for a in figure.axes if a.get_visible()]
    assert any(a.get_xlabel() for a in labelled)
    assert any(a.get_ylabel() for a in labelled)


def type_sizes(text):
    """List the size of every glyph: mathtext sets an exponent smaller than what it belongs to."""
    written, is_math = text._preprocess_math(text.get_text())
    if is_math is not True:
        return [text.get_fontsize()]
    parsed = MathTextParser("path").parse(written, 72, text.get_fontproperties())
    return [size for _, size, *_ in parsed.glyphs]


def drawn_ticks(axis):
    """List the labels inside the view; matplotlib keeps others that it does not draw."""
    low, high = sorted(axis.get_view_interval())
    index = 0 if axis.axis_name == "x" else 1
    return [
        t
        for t in axis.get_ticklabels(which="both")
        if t.get_visible() and t.get_text() and low <= t.get_position()[index] <= high
    ]


def drawn_texts(figure):
    """List every text that is on the page."""
    texts = set(figure.findobj(matplotlib.text.Text))
    for axes in figure.axes:
        if not axes.get_visible():
            texts -= set(axes.findobj(matplotlib.text.Text))
            continue
        for which in (axes.xaxis, axes.yaxis):
            texts -= set(which.findobj(matplotlib.text.Text))
            texts |= {which.label, which.get_offset_text(), *drawn_ticks(which)}
    return [t for t in texts if t.get_visible() and t.get_text().strip()]


@pytest.mark.parametrize(("name", "values"), list(products("figure")))
def test_points_are_what_is_drawn(frames, name, values):
    _, result = draw(frames, values)
    points = result.points
    assert len(points) > 0
    assert {"kind", "runs"} <= set(points.columns)
    known = {i for s in values["sweeps"] for i in frames[s]["run_id"]}
    assert {i for ids in points["runs"] for i in ids.split()} <= known
    if values["plot"] not in ("line", "traces", "scatter"):
        return
    ours = {
        (round(float(x), 9), round(float(y), 9))
        for x, y in zip(points[bare(values["x"])], points[bare(values["y"])], strict=True)
        if np.isfinite(x) and np.isfinite(y)
    }
    drawn = {
        (round(float(x), 9), round(float(y), 9))
        for axis in result.figure.axes
        for line in axis.lines
        if line.get_color() != "#6e6e6e"  # the diagonal is no data
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        if np.isfinite(x) and np.isfinite(y)
    }
    lifted = {(x, y) for x, y in ours if y <= 0 or x <= 0} if values.get("log_y") else set()
    assert ours - lifted <= drawn
    assert len(drawn - ours) <= len(lifted)


@pytest.mark.parametrize(("name", "values"), list(products("figure")))
def test_every_run_that_is_not_ok_is_mentioned(frames, name, values):
    bad = [s for n in values["sweeps"] for s in frames[n]["status"] if s not in ("ok", "optimal")]
    if not bad or "status" in (values.get("x"), values.get("share_of")):
        return
    _, result = draw(frames, values)
    below = result.figure.get_supxlabel()
    assert all(f"1 {status}" in below.replace("\n", " ") for status in bad)


@pytest.mark.parametrize(("name", "values"), list(products("table")))
def test_tables_keep_every_run_and_its_status(frames, name, values, tmp_path):
    config = validate_group("table", values)
    result = load_plugin("table", config.table).tabulate(frames, config)
    assert isinstance(result, TableResult)
    assert set(result.columns) <= set(result.frame.columns)
    assert len(result.frame) > 0
    runs = sum(len(frames[s]) for s in values["sweeps"])
    if values["table"] == "runs" and not values.get("where"):
        assert len(result.frame) == runs
        assert "status" in result.columns
    if "n_runs" in result.columns and not values.get("where"):
        assert result.frame["n_runs"].sum() == runs
    bad = [s for n in values["sweeps"] for s in frames[n]["status"] if s not in ("ok", "optimal")]
    render_table(frames, config, tmp_path / name)
    for status in bad:
        assert status in (tmp_path / f"{name}.html").read_text(encoding="utf-8")
    back = pd.read_csv(tmp_path / f"{name}.csv")
    assert list(back.columns) == list(result.frame.columns)
    assert len(back) == len(result.frame)


SCRIPT = """
import sys
from pathlib import Path
import yaml
from relu_optima.config.validate import validate_group
from relu_optima.publish.render import render_figure, render_table
from tests.publish import sweeps
from tests.studies import part, parts
from tests.publish.test_products import products
frames = sweeps.all_sweeps()
out = Path(sys.argv[1])
for kind, render in (("figure", render_figure), ("table", render_table)):
    for entry in products(kind):
        name, values = entry.values
        if sys.argv[2] == "all" or name in sys.argv[2].split(","):
            render(frames, validate_group(kind, values), out / f"{kind}_{name}")
"""


def render_elsewhere(folder, hash_seed, which):
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), which],
        check=True,
        cwd=ROOT,
        timeout=250,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "MPLCONFIGDIR": str(folder.parent / "mpl"),
            "TZ": "UTC" if hash_seed == "1" else "Pacific/Auckland",
        },
    )
    return {p.name: p.read_bytes() for p in folder.iterdir()}


FEW = "lambda_objective,example_composed,example_confusion"


@pytest.mark.parametrize(
    "which",
    [FEW + ",lambda_optima", pytest.param("all", marks=pytest.mark.slow)],
)
def test_files_are_the_same_bytes_in_another_process(tmp_path, which):
    first = render_elsewhere(tmp_path / "a", "1", which)
    second = render_elsewhere(tmp_path / "b", "2", which)
    assert first.keys() == second.keys()
    assert len(first) >= 12
    assert [n for n in first if first[n] != second[n]] == []


def test_files_are_the_same_bytes_twice_and_fonts_are_embedded(frames, tmp_path):
    config = validate_group("figure", part("figure", "lambda_objective"))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "pdf.fonttype": 3}):
            # the user's own settings must not matter
            if folder == "b":
                matplotlib.rcParams["lines.linewidth"] = 9
            render_figure(frames, config, tmp_path / folder / "f")
    for ending in ("pdf", "png", "csv"):
        assert (tmp_path / f"a/f.{ending}").read_bytes() == (
            tmp_path / f"b/f.{ending}"
        ).read_bytes()
    pdf = (tmp_path / "a/f.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    width = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+)", pdf)
    assert width is not None
    assert float(width[1]) == pytest.approx(72 * WIDTHS["neurips_text"])


def test_kernels_add_up_to_the_output_and_decisions_change_at_its_zeros(frames):
    values = {**EXAMPLES[("figure", "decision_regions")]}
    points = draw(frames, values)[1].points
    assert set(points["series"]) == {"label", "fit", "boundary", "line", "kernel 0"}
    for _, panel in points.groupby("convex.lam"):
        lines = {s: part.set_index("data.x")["value"] for s, part in panel.groupby("series")}
        assert np.allclose(lines["line"] + lines["kernel 0"], lines["fit"])
        assert np.allclose(sorted(lines["boundary"].index), [-0.4, 0.6])


@pytest.mark.parametrize("sign", [1, -1])
def test_dots_with_zero_in_the_axis_hide_no_value(frames, sign):
    values = {**EXAMPLES[("figure", "dots")], "log_x": False, "zero": True, "hue": None}
    values["pool"] = ["convex.lam", "convex", "convex.formulation"]
    runs = frames["convex_lambda"].assign(gap=lambda f: sign * f["gap"])
    figure = draw({"convex_lambda": runs}, values)[1].figure
    low, high = figure.axes[0].get_xlim()
    assert low <= min(0, runs["gap"].min()) <= max(0, runs["gap"].max()) <= high
