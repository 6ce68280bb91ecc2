"""Numbers and hostile text in LaTeX and HTML."""

import html.parser
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_optima.config.validate import validate_group
from relu_optima.publish.formats import format_value, html_text, latex_text
from relu_optima.publish.products import Column, TableResult
from relu_optima.publish.writers import csv_table, html_table, latex_table, macro_file

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
        ("λ / λₘₐₓ", r"$\lambda$ / $\lambda_{\max}$"),
        ("{$#^~\\}", r"\{\$\#\textasciicircum{}\textasciitilde{}\textbackslash{}\}"),
        ("snow☃", "snowU+2603"),
    ],
)
def test_latex_escapes(text, latex):
    assert latex_text(text) == latex


@given(st.text(max_size=60))
def test_any_text_is_safe_in_latex(text):
    out = latex_text(text)
    # outside the replacements made on purpose, no special character is left bare
    bare = re.sub(r"\\[a-zA-Z]+(\{\}|(?![a-zA-Z]))|\\[{}$&%#_]|\{[\[*]\}|\$[^$]*\$", "", out)
    assert not set(bare) & set("\\{}$&%#_^")
    assert out.count("$") % 2 == 0 or r"\$" in out


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
        return latex_table(result, TABLE)

    assert r"\begin{tabular}{r}" in table(40)
    assert r"\begin{longtable}{r}" in table(41)


def test_macros_are_commands_with_escaped_text():
    assert macro_file({"WorstGap": "1.2e-07"}) == "\\newcommand{\\WorstGap}{$1.2\\times10^{-7}$}\n"
