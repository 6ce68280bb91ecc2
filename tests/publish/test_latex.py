"""Every table fits the text of its venue: by font metrics, and in LaTeX where LaTeX is present."""

import math
import re
import shutil
import subprocess

import matplotlib
import pandas as pd
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from relu_optima.config.plugins import load_plugin
from relu_optima.config.validate import validate_group
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.frames import ProductError
from relu_optima.publish.latex import FONTS, POINTS, _fields, latex_table
from relu_optima.publish.layout import Field, lay_out, printed_lines, table_width
from relu_optima.publish.metrics import SIZES, broken, longest_piece, text_width
from relu_optima.publish.render import render_figure, render_table
from relu_optima.publish.style import SMALL, WIDTHS
from relu_optima.publish.typeset import CharacterError, latex_text
from tests.publish import made_up, sweeps
from tests.publish.test_products import BASE, products
from tests.studies import parts, run_tables

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)
# The venues set in Times; Computer Modern is what the widths are computed for.
TYPEFACES = {"times": r"\usepackage[T1]{fontenc}\usepackage{times}", "computer_modern": ""}
PREAMBLE = r"""\documentclass{article}
%s
\usepackage{amssymb,booktabs,siunitx,longtable,graphicx}
\usepackage[paperwidth=10in,paperheight=11in,textwidth=%sin,textheight=9in]{geometry}
\newsavebox\tablebox
\begin{document}
"""
COLUMNS = [{"column": "bound"}]
TABULAR = re.compile(r"\\begin\{tabular\}.*?\\end\{tabular\}", re.DOTALL)


def tables():
    """List every table with sweeps made up for it, and the examples with realistic ones."""
    realistic = sweeps.all_sweeps()
    for key, values in {**parts("table"), **run_tables()}.items():
        # made-up numbers need not bear out what a caption says
        kept = {k: v for k, v in values.items() if k != "holds"}
        yield key.replace("/", "-"), kept, made_up.frames_for(kept)
    for entry in products("table"):
        name, values = entry.values
        yield f"realistic_{name}", values, realistic


@pytest.fixture(scope="module")
def all_tables():
    return list(tables())


def test_widths_of_characters_are_those_of_computer_modern():
    font = FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(1000, 72)
    # characters that the font's first encoding has elsewhere
    for code in set(range(0x21, 0x7F)) - set(map(ord, '<>"\\^_`{|}~')):
        advance = font.load_char(code, LoadFlags.NO_HINTING).linearHoriAdvance / 2**16
        assert text_width(chr(code), 10) * 100 == pytest.approx(advance, abs=2), chr(code)


def test_every_table_is_within_its_text_width_by_font_metrics(all_tables):
    seen = set()
    for name, values, frames in all_tables:
        config = validate_group("table", values)
        result = load_plugin("table", config.table).tabulate(frames, config)
        width = WIDTHS[config.width] * POINTS
        layout = lay_out(_fields(result, config), width, FONTS[config.font])
        assert SMALL <= layout.size <= FONTS[config.font]
        for panel in layout.panels:
            assert table_width(panel, layout.size, layout.gap) <= width, name
            for placed in panel:
                room = placed.width
                cells = placed.field.cells if room is not None else ()
                assert all(longest_piece(c, layout.size) <= room + 1e-6 for c in cells), name
        shown = {p.field.head for panel in layout.panels for p in panel}
        shown |= {f.head for f in (*layout.folded, *filter(None, [layout.rows_by]))}
        assert len(shown) >= len({f.head for f in _fields(result, config)}), name
        seen.add(name)
    assert {key.replace("/", "-") for key in parts("table")} <= seen
    assert any("-runs_" in name for name in seen)


@pytest.fixture(scope="module")
def rendered(all_tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for name, values, frames in all_tables:
        render_table(frames, validate_group("table", values), folder / name)
    return folder


def compiled(folder, name, text):
    (folder / f"{name}.tex").write_text(text + "\n\\end{document}\n", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@needs_latex
@pytest.mark.parametrize(
    ("venue", "typeface"),
    [
        ("neurips_text", "computer_modern"),
        pytest.param("icml_text", "times", marks=pytest.mark.slow),
        pytest.param("neurips_text", "times", marks=pytest.mark.slow),
        pytest.param("icml_text", "computer_modern", marks=pytest.mark.slow),
    ],
)
def test_every_table_compiles_within_its_text_width(rendered, all_tables, venue, typeface):
    body, names = [], []
    for name, values, _ in all_tables:
        if values.get("width", "neurips_text") != venue:
            continue
        names.append(name)
        table = (rendered / f"{name}.tex").read_text(encoding="utf-8")
        font = "\n".join(line for line in table.splitlines() if line.startswith(r"\fontsize"))
        numbers = next(line for line in table.splitlines() if line.startswith(r"\sisetup"))
        for alone in TABULAR.findall(table) if typeface == "computer_modern" else []:
            box = rf"\sbox\tablebox{{{font}" + f"\n{numbers}\n{alone}}}"
            body.append(rf"{box}\typeout{{WIDTH {name} \the\wd\tablebox}}")
        if typeface == "times":
            body.append(rf"\clearpage\input{{{name}}}\clearpage")
        if name in ("lambda_optima", "icml_table_2"):
            body.append(rf"See \ref{{tab:{name}}}.")
    head = PREAMBLE % (TYPEFACES[typeface], WIDTHS[venue])
    log = compiled(rendered, f"{venue}_{typeface}", head + "\n\n".join(body))
    over = [float(v) for v in re.findall(r"Overfull \\hbox \(([0-9.]+)pt too wide", log)]
    assert max(over, default=0.0) <= 1.0
    assert "Float too large" not in log
    widths = re.findall(r"WIDTH (\S+) ([0-9.]+)pt", log)
    assert len(widths) > len(names) / 2 or typeface == "times"
    limit = WIDTHS[venue] * POINTS + 1
    assert {n: w for n, w in widths if float(w) > limit} == {}


@needs_latex
def test_macros_and_figures_compile(rendered, all_tables):
    body = []
    for name, values, _ in all_tables:
        if not name.startswith("realistic_"):
            body.append(rf"\input{{{name}.macros}}")
            body += [rf"\{macro}" for macro in values.get("macros", {})]
    _, values = next(iter(products("figure"))).values
    config = validate_group("figure", values)
    render_figure(sweeps.all_sweeps(), config, rendered / "figure")
    body.append(r"\includegraphics{figure}")
    head = PREAMBLE % (TYPEFACES["times"], 6.75)
    compiled(rendered, "paper", head + "\n\n".join(body))
    assert (rendered / "paper.pdf").stat().st_size > 10_000


@needs_latex
def test_every_accepted_character_compiles(tmp_path):
    texts = []
    for code in range(0x20, 0x10000):
        try:
            texts.append(latex_text("x" + chr(code)))
        except CharacterError:
            continue
    assert len(texts) > 500
    body = "\n\n".join(texts)
    log = compiled(tmp_path, "characters", PREAMBLE % (TYPEFACES["times"], 6.75) + body)
    assert "Missing character" not in log


def field(head, cells, **options):
    return Field(head, options.pop("group", ""), tuple(cells), **options)


def test_a_table_that_fits_is_left_as_it_is():
    layout = lay_out(
        [field("a", ["x", "y"], key=True), field("b", ["1", "2"], numeric=True)], 400, 9
    )
    assert (layout.size, layout.rows_by, layout.folded) == (9, None, [])
    assert [[p.field.head for p in panel] for panel in layout.panels] == [["a", "b"]]


def test_a_wide_table_groups_rows_then_wraps_then_splits():
    names = ["a data set with a long name"] * 3 + ["another data set"] * 3
    keys = [field("data set", names, key=True), field("λ", list("123456"), key=True, numeric=True)]
    number = field("relative gap", ["1.2e-10"] * 6, numeric=True)
    grouped = lay_out([*keys, *[number] * 4], 220, 9)
    assert grouped.rows_by == keys[0]
    assert len(grouped.panels) == 1
    words = field("why", ["one reason or another that takes many words"] * 5 + ["none"])
    wrapped = lay_out([*keys, number, words], 160, 9)
    assert wrapped.panels[0][-1].width is not None
    split = lay_out([*keys, *[number] * 20], 220, 9)
    assert len(split.panels) > 1
    assert split.size == SIZES[-1]
    assert all(panel[0].field == keys[1] for panel in split.panels)
    assert sum(len(panel) - 1 for panel in split.panels) == 20
    assert printed_lines(split) > printed_lines(grouped)


def test_constant_columns_go_to_the_note_only_where_room_is_short():
    fields = [
        field("run", [f"{i:012x}" for i in range(4)], key=True, typewriter=True),
        field("how it was decided", ["by one rule and no other"] * 4),
        field("gap", ["1e-9"] * 4, numeric=True),
    ]
    assert lay_out(fields, 400, 9).folded == []
    assert lay_out(fields, 100, 9).folded == [fields[1]]


def test_a_word_that_never_fits_is_a_clear_error():
    with pytest.raises(ProductError, match="does not fit beside"):
        lay_out([field("a", ["x" * 200], key=True), field("b", ["1"], numeric=True)], 300, 9)


def test_lines_end_at_spaces_and_hyphens_only():
    assert broken("leave-one-out by λ / λₘₐₓ", 42, 10) == [
        "leave-",
        "one-out",
        "by",
        "λ / λₘₐₓ",
    ]
    assert broken("largest − smallest", 60, 10) == ["largest −", "smallest"]
    assert broken("1e-07 and 2-3", 1, 10) == ["1e-07", "and", "2-3"]


def test_numbers_inside_a_text_have_a_minus():
    frame = pd.DataFrame({"bound": ["≥ -0.7, ≤ 1.994e-08", "monks-1 at 2-3"]})
    config = validate_group("table", BASE | {"table": "runs", "sweeps": ["s"], "columns": COLUMNS})
    text = latex_table(TableResult(frame, {"bound": Column("bound")}), config, "t")
    assert r"\ensuremath{\geq} \num{-0.7}, \ensuremath{\leq} \num{1.994e-08} \\" in text
    assert "monks-1 at 2-3" in text


def test_percent_signs_units_and_intervals(tmp_path):
    values = next(p.values[1] for p in products("table") if p.values[0] == "lambda_optima")
    config = validate_group("table", values)
    result = load_plugin("table", config.table).tabulate(sweeps.all_sweeps(), config)
    text = latex_table(result, config, "lambda_optima")
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    assert r"\%" not in body
    assert r"(\%)" in text[: text.index(r"\midrule")]
    assert r"\label{tab:lambda_optima}" in text
    assert r"\caption[{" in text
    assert re.search(r"S\[table-format=2\.\d\]", text)
    # 4 digits of the preset may claim more than the interval beside them knows
    found = re.findall(r"([\d.]+) & \{\[\}\\num\{([\d.]+)\}, \\num\{([\d.]+)\}", body)
    assert len(found) > 5
    for middle, low, high in found:
        known = 1 - math.floor(math.log10(0.98 * (float(high) - float(low)))) if high != low else 4
        two = 1 - math.floor(math.log10(float(middle))) if float(middle) else 0
        assert len(middle.partition(".")[2]) <= max(known, two, 0), (middle, low, high)
