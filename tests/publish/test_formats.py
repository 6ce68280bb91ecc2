"""Numbers and hostile text in LaTeX and HTML."""

import html.parser
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_optima.config.validate import validate_group
from relu_optima.publish import labels
from relu_optima.publish.contract import Column, TableResult
from relu_optima.publish.formats import (
    format_value,
    html_text,
    shortened,
    telling_decimals,
)
from relu_optima.publish.frames import ProductError
from relu_optima.publish.latex import latex_table, macro_file
from relu_optima.publish.render import render_table
from relu_optima.publish.typeset import CharacterError, latex_text, untypeset
from relu_optima.publish.writers import csv_table, html_table

TABLE = validate_group(
    "table",
    {
        "table": "runs",
        "sweeps": ["s"],
        "title": "a <b> & c",
        "caption": "x < y",
        "category": "Runs",
        "columns": [{"column": "a"}],
    },
)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (3, "auto", "3"),
        (True, "auto", "yes"),
        (None, "auto", "–"),
        (float("nan"), "sci", "–"),
        (float("inf"), "auto", "∞"),
        (0.12345678, "auto", "0.1235"),
        (0.05, "auto", "0.05"),
        (1.0, "auto", "1"),
        (12345.678, "sig4", "12346"),
        (1.5e-7, "sig3", "1.50e-07"),
        (3.4e-9, "sci", "3.4e-09"),
        (0.0, "sci", "0"),
        (0.956, "percent", "95.6 %"),
        (2.0, "integer", "2"),
        (2.5, "integer", "2.5"),
        (-1e-9, "fixed2", "0.00"),
        (-0.126, "fixed2", "-0.13"),
        ("not_closed", "auto", "not closed"),
        ("lu", "text", "LU"),
    ],
)
def test_values_are_written_as_readers_expect(value, form, text):
    assert format_value(value, form, {}) == text


@given(st.floats(-1e12, 1e12, allow_nan=False).filter(lambda v: abs(v) > 1e-12))
def test_significant_digits_keep_the_value(value):
    assert float(format_value(value, "sig4", {})) == pytest.approx(value, rel=6e-4)
    assert float(format_value(value, "sci", {})) == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("1.2e-07", r"$1.2\times10^{-7}$"),
        ("-3", "$-3$"),
        ("[3pt]*", "{[}3pt]{*}"),
        ("a_b & 50 %", r"a\_b \& 50 \%"),
        ("λ / λₘₐₓ", r"\ensuremath{\lambda} / \ensuremath{\ensuremath{\lambda}_{\mathrm{max}}}"),
        ("{$#^~\\}", r"\{\$\#{\textasciicircum}{\textasciitilde}{\textbackslash}\}"),
        ("‖x‖₂", r"\ensuremath{\Vert}x\ensuremath{\ensuremath{\Vert}_{2}}"),
        ("10⁻³", r"10\ensuremath{^{-3}}"),
        ("a--b", "a-{}-b"),
        ("é – ŷ", r"\'e {\textendash} \^{y}"),
    ],
)
def test_latex_escapes(text, latex):
    assert latex_text(text) == latex


@given(st.text(max_size=60))
def test_any_text_is_safe_in_latex_or_refused(text):
    try:
        out = latex_text(text)
    except CharacterError:
        return
    assert out.isascii()
    # outside commands and groups made on purpose, no special character is left bare
    bare = re.sub(r"\\([a-zA-Z]+|.)", "", out)
    assert not set(bare) & set("\\$&%#")
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(?<!\{)[_^]", bare.replace("\\ensuremath", ""))


def test_every_common_name_can_be_set():
    for text in (*labels.COLUMNS.values(), *labels.VALUES.values()):
        assert latex_text(text)


@pytest.mark.parametrize("character", ["☃", "中", "\x07", "\u0301", "𝔸"])
def test_an_unknown_character_is_an_error_that_names_it(character, tmp_path):
    with pytest.raises(CharacterError, match=f"U\\+{ord(character):04X}"):
        latex_text(f"snow {character}")
    frame = {"s": pd.DataFrame({"run_id": ["1"], "a": [f"snow {character}"], "status": ["ok"]})}
    with pytest.raises(ProductError, match=r"table some_name: .*U\+"):
        render_table(frame, TABLE, tmp_path / "some_name")
    assert not list(tmp_path.iterdir())


def test_texts_of_a_preset_are_checked_under_their_keys():
    content = {"title": "☃", "labels": {"a": "λ"}, "columns": [{"label": "中"}]}
    assert [m.split(" has")[0] for m in untypeset("table", content)] == [
        "title: LaTeX",
        "columns.0.label: LaTeX",
    ]
    # a figure's title is not drawn; its font has ☃ but no 中
    (mistake,) = untypeset("figure", content)
    assert mistake.startswith("columns.0.label: the figures' font has no sign for '中' (U+4E2D")


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0.41, 0.55, 2), (129.8, 131.0, 1), (1.0, 1.0, None), (float("nan"), 1.0, None), (0, 900, 0)],
)
def test_an_interval_says_how_many_decimals_mean_something(low, high, decimals):
    assert telling_decimals(low, high) == decimals


def test_a_shortened_number_keeps_two_digits():
    assert shortened(0.0359, "0.0359", 0) == "0.036"
    assert shortened(-240.123, "-240.123", 0) == "-240"
    assert shortened(89.61, "89.61", 1) == "89.6"
    assert shortened(20, "20", 1) == "20"


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert all(name in ("class", "scope", "lang", "charset") for name, _ in attrs)

    def handle_data(self, data):
        self.text.append(data)


@given(st.text(max_size=40))
def test_any_text_is_only_text_in_html(text):
    frame = pd.DataFrame({"a": [text], "status": [text]})
    page = html_table(
        TableResult(frame, {"a": Column(text, text), "status": Column("status")}, {}, text), TABLE
    )
    reader = _Reader()
    reader.feed(page)
    assert set(reader.tags) <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "p",
        "div",
        "table",
        "thead",
        "tr",
        "th",
        "tbody",
        "td",
        "span",
        "sup",
        "sub",
    }


def test_hostile_html_is_shown_as_text():
    out = html_text('<script>alert("x")</script>&\'')
    assert "<" not in out
    assert '"' not in out
    assert "&lt;script&gt;" in out


def test_csv_keeps_every_bit():
    frame = pd.DataFrame({"a": [0.1 + 0.2, 1e-300, 1 / 3]})
    lines = csv_table(frame).splitlines()
    assert [float(v) for v in lines[1:]] == frame["a"].tolist()


def test_long_latex_tables_break_across_pages():
    def table(rows):
        result = TableResult(pd.DataFrame({"a": range(rows)}), {"a": Column("a")}, {}, "note")
        return latex_table(result, TABLE, "t")

    assert r"\begin{tabular}{@{}S[table-format=2]@{}}" in table(40)
    assert r"\begin{longtable}{@{}S[table-format=2]@{}}" in table(60)
    assert table(60).index(r"\caption") > table(60).index(r"\begin{longtable}")
    assert table(60).count(r"\label{tab:t}") == 1


def test_macros_are_commands_with_escaped_text():
    assert macro_file({"WorstGap": "1.2e-07"}) == "\\newcommand{\\WorstGap}{$1.2\\times10^{-7}$}\n"
