"""All tables and macros compile in LaTeX, where LaTeX is present."""

import re
import shutil
import subprocess

import pytest

from relu_optima.config.validate import validate_group
from relu_optima.publish.render import render_figure, render_table
from tests.publish import sweeps
from tests.publish.test_products import products

END = r"\end{tabular}"
WIDEST = 6.75  # inches, the text of a two-column page; tables of single runs may be wider
PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs, longtable, graphicx}
\usepackage[a0paper]{geometry}
\newsavebox\tablebox
\begin{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tables_macros_and_figures_compile(tmp_path):
    frames = sweeps.all_sweeps()
    body = []
    for entry in products("table"):
        name, values = entry.values
        render_table(frames, validate_group("table", values), tmp_path / name)
        body.append(rf"\section*{{}} \input{{{name}}}")
        body.append(rf"\input{{{name}.macros}}")
        table = (tmp_path / f"{name}.tex").read_text(encoding="utf-8")
        if "longtable}" not in table and not name.startswith("runs_"):
            # the note below the table is not part of its width
            alone = table[table.index("{") : table.index(END) + len(END)] + "}"
            body.append(rf"\sbox\tablebox{{{alone}}}\typeout{{WIDTH {name} \the\wd\tablebox}}")
        body += [rf"\{macro}" for macro in values.get("macros", {})]
    name, values = next(iter(products("figure"))).values
    render_figure(frames, validate_group("figure", values), tmp_path / "figure")
    body.append(r"\includegraphics{figure}")
    text = PREAMBLE + "\n\n".join(body) + "\n\\end{document}\n"
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout
    widths = re.findall(r"WIDTH (\S+) ([0-9.]+)pt", done.stdout)
    assert len(widths) > 8
    assert {n: w for n, w in widths if float(w) / 72.27 > WIDEST} == {}
