"""Composed figures: parts of any kind at their share of the width, checked as if alone."""

from __future__ import annotations

import copy

import pandas as pd
import pytest
import yaml

from relu_optima.config.plugins import plugin_index
from relu_optima.config.validate import InvalidGroup, plugin_modules, validate_group
from relu_optima.plan.model import Product
from relu_optima.publish.canvas import Place, placed
from relu_optima.publish.figures import path, thumbnails
from relu_optima.publish.frames import ProductError
from relu_optima.publish.render import render_figure
from relu_optima.publish.style import WIDTHS, publication_style
from relu_optima.run.report.explore.page import views_of
from tests.publish import sweeps
from tests.publish.test_products import EXAMPLES, draw
from tests.studies import CONF, part, parts

VALUES = EXAMPLES[("figure", "composed")]
FOLDER = CONF / "study/default"
SHARED = [
    f"{study}/{name}"
    for path in FOLDER.glob("*.yaml")
    for study, taken in yaml.safe_load(path.read_text()).get("share", {}).items()
    for name in taken.get("figures", [])
]
TITLES = {k: v for k, v in parts("figure").items() if k.startswith("default/") or k in SHARED}


@pytest.fixture(scope="module")
def frames():
    return sweeps.all_sweeps()


def changed(index, **values):
    """Return the example with one part changed."""
    whole = copy.deepcopy(VALUES)
    whole["parts"][index] |= values
    return whole


def test_the_points_are_those_of_the_parts_drawn_alone(frames):
    _, result = draw(frames, VALUES)
    for letter, values in zip("abc", VALUES["parts"], strict=True):
        alone = draw(frames, {**values, "caption": "c", "category": "Test"})[1].points
        mine = result.points[result.points["part"] == letter].drop(columns="part")
        shown = mine.dropna(axis="columns", how="all").reset_index(drop=True)
        pd.testing.assert_frame_equal(
            shown[sorted(shown)],
            alone.dropna(axis="columns", how="all")[sorted(shown)],
            check_dtype=False,
        )


def test_parts_have_letters_shares_of_the_width_and_one_line_of_notes_for_all(frames):
    _, result = draw(frames, VALUES)
    figure = result.figure
    assert figure.get_figwidth() == WIDTHS["neurips_text"]
    cells = [cell for strip in figure.subfigs for cell in strip.subfigs]
    headings = [cell.legends[0].get_title().get_text() for cell in cells]
    assert headings == ["(a)  values", "(b)  certificates", "(c)  training"]
    wide, narrow, below = (cell.bbox.width for cell in cells)
    assert wide == pytest.approx(2 * narrow, rel=0.05)
    assert below == pytest.approx(wide + narrow, rel=0.05)
    note = figure.get_supxlabel().replace("\n", " ")
    assert note.count("× marks runs that are not ok (1 inaccurate of 120)") == 1
    assert "a, b: " in note
    assert "c: " in note
    assert not any(cell.get_supxlabel() for cell in cells)


def test_a_place_is_for_the_parts_alone(frames):
    with placed(Place(2.0)), publication_style():
        small = load("line")
        figure = small.plot(frames, validate_group("figure", part("figure", "lambda_objective")))
    assert figure.figure.get_figwidth() == 2.0
    _, result = draw(frames, part("figure", "lambda_objective"))
    assert result.figure.get_figwidth() == WIDTHS["neurips_text"]


def load(name):
    from relu_optima.config.plugins import load_plugin

    return load_plugin("figure", name)


def test_mistakes_in_parts_are_named_with_their_place():
    for values, words in (
        (changed(1, y=3, z=1), ["parts.1.y", "parts.1.z: unknown key"]),
        (changed(0, plot="lines"), ["parts.0.plot", "did you mean 'line'"]),
        ({**VALUES, "sweeps": ["convex_lambda"]}, ["the parts show convex_lambda, lu_training"]),
        ({**VALUES, "rows": [[1, 1]]}, ["2 places, 3 parts"]),
        ({**VALUES, "rows": [[1, 0], [1]]}, ["widths are positive"]),
        ({**VALUES, "parts": VALUES["parts"][:1]}, ["parts"]),
    ):
        with pytest.raises(InvalidGroup) as caught:
            validate_group("figure", values)
        assert all(word in str(caught.value) for word in words), caught.value


def test_a_part_may_hold_and_is_checked(frames, tmp_path):
    claim = {"claim": "c", "kind": "measured", "column": "gap", "statistic": "max", "most": 1e-6}
    frames = {**frames, "convex_lambda": frames["convex_lambda"].assign(gap=1e-7)}
    render_figure(frames, validate_group("figure", changed(1, holds=[claim])), tmp_path / "good")
    broken = changed(1, holds=[{**claim, "most": 1e-8}])
    with pytest.raises(ProductError, match="does not hold"):
        render_figure(frames, validate_group("figure", broken), tmp_path / "bad")


def test_the_plan_knows_the_columns_and_the_code_of_every_part():
    config = validate_group("figure", VALUES)
    read = {(r.key, r.column) for r in config.reads()}
    assert {("parts.0.y", "objective"), ("parts.2.x", "series.epoch")} <= read
    index = plugin_index("figure")
    modules = plugin_modules("figure", config.model_dump(mode="json"))
    assert modules == [index[n] for n in ("composed", "line", "scatter", "traces")]


def test_the_explorer_shows_the_parts_it_can():
    config = validate_group("figure", VALUES).model_dump(mode="json")
    product = Product("whole", config, list(config["sweeps"]), "")
    assert [v.name for v in views_of(product)] == ["whole-a", "whole-b"]
    alone = validate_group("figure", part("figure", "lambda_objective")).model_dump(mode="json")
    assert [v.name for v in views_of(Product("f", alone, ["convex_lambda"], ""))] == ["f"]


def test_masks_are_drawn_entry_by_entry(frames):
    values = EXAMPLES[("figure", "thumbnails")]
    _, result = draw(frames, values)
    runs = frames["existence_patterns"]
    assert list(result.points["masks"]) == list(runs["masks"])
    for axis, text in zip(result.figure.axes, runs["masks"], strict=True):
        empty, kept = (len(c.get_paths()) for c in axis.collections)
        assert (empty, kept) == (text.count("0"), text.count("1"))
    missing = runs.assign(masks=None)
    with pytest.raises(ProductError, match="20 runs have no written masks"):
        thumbnails.plot({"existence_patterns": missing}, validate_group("figure", values))


def test_a_predicted_slope_is_drawn_with_its_exponent():
    x = [1.0, 10.0, 100.0, 1000.0]
    run = {
        "run_id": "a" * 12,
        "status": "ok",
        "seed": 0,
        "series.t": x,
        "series.v": [3 / v**0.5 for v in x],
    }
    values = {
        "plot": "path", "sweeps": ["s"], "title": "t", "caption": "c", "category": "Test",
        "x": "series.t", "y": ["series.v"], "log_x": True, "log_y": ["series.v"],
        "slopes": {"series.v": -0.5},
    }  # fmt: skip
    with publication_style():
        result = path.plot({"s": pd.DataFrame([run])}, validate_group("figure", values))
    drawn = result.figure.axes[0].lines[-1]
    (x0, x1), (y0, y1) = drawn.get_xdata(), drawn.get_ydata()
    assert (x0, x1) == (10.0, 1000.0)
    assert y1 / y0 == pytest.approx(100**-0.5)
    assert y1 == pytest.approx(3 / 1000**0.5 * (1000**0.5) ** 0.1)
    assert [t.get_text() for t in result.figure.legends[0].get_texts()] == ["slope −1/2"]


@pytest.mark.parametrize("name", TITLES)
def test_every_figure_of_the_default_study_says_in_its_title_what_is_checked(name):
    title, claims = TITLES[name]["title"], TITLES[name]["holds"]
    assert any(" ".join(claim["claim"].split()) in title for claim in claims)


def test_the_default_study_has_seven_composed_figures_and_one_of_each_other_program():
    kinds = [TITLES[name]["plot"] for name in sorted(TITLES)]
    assert kinds.count("composed") == 7
    assert len(SHARED) == 5
