"""The paper: no number typed, stale or unknown; the same bytes; sources that compile alone."""

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relu_optima.cli import app
from relu_optima.publish.typeset import latex_text
from relu_optima.run.report import paper
from relu_optima.run.report.paper import PaperError, paper_sources
from relu_optima.run.report.typesetting import (
    _refuse_bad_pages,
    missing_programs,
    packed,
    typeset,
)
from tests.report import made_up
from tests.studies import parts

TEXTS = Path(__file__).resolve().parents[2] / "workflow" / "paper"
TEXT = r"""
\section{Theory} The $2$ layers. \begin{results}
\section{Results} The largest is \LargestLoss{}, see Figure~\ref{fig:losses} \cite{le2023}.
\input{figures/losses}
\end{results}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    manifest, runs = made_up.publish(results / "made_up")
    return manifest, runs, results


@pytest.fixture
def texts(tmp_path):
    for name in paper.SHARED:
        (tmp_path / name).write_bytes((TEXTS / name).read_bytes())
    return tmp_path


@pytest.fixture
def sources(published, texts, monkeypatch):
    monkeypatch.setattr(paper, "inspect", lambda *_: iter(()))
    manifest, _, results = published

    def write(text):
        (texts / "made_up.tex").write_text(text)
        return paper_sources(manifest, results, texts.joinpath, "times")

    return write


def test_numbers_are_macros_with_their_source(sources, published):
    _, runs, _ = published
    macros = sources(TEXT)["macros.tex"].decode()
    found = re.search(r"% (.*)\n\\newcommand\{\\LargestLoss\}\{(.*)\}", macros)
    assert found
    assert found[1] == "max of loss in sweep lu_training: tables/findings.csv"
    largest = runs["loss"].max()
    digits = 3
    assert float(found[2].replace(r"$", "").replace(r"\times10^{", "e").rstrip("}")) == (
        pytest.approx(largest, rel=10.0 ** (1 - digits))
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("The largest is", "The 12 largest are", "line 3: '12' is typed"),
        (r"\LargestLoss", r"\LargestLos", r"no table computes \LargestLos; did you mean"),
        (r"\input{figures/losses}", r"\input{figures/loses}", "no figure 'loses'; did you mean"),
        (r"\ref{fig:losses}", r"\ref{tab:losses}", "no table 'losses'"),
    ],
)
def test_a_text_that_says_what_no_run_says_is_refused_with_the_repair(sources, old, new, said):
    assert old in TEXT
    with pytest.raises(PaperError) as caught:
        sources(TEXT.replace(old, new))
    assert said in str(caught.value)
    assert "relu-optima paper made_up" in str(caught.value)


def test_a_stale_number_is_refused_with_the_command_that_repairs_it(published, texts):
    manifest, _, results = published
    with pytest.raises(PaperError, match="relu-optima study made_up") as caught:
        paper_sources(manifest, results, texts.joinpath, "times")
    assert "figure losses" in str(caught.value)


def test_the_text_of_the_default_study_names_only_what_its_tables_compute():
    text = (TEXTS / "default.tex").read_text()
    own = {k: v for k, v in parts("table").items() if k.startswith("default/")}
    macros = {name for table in own.values() for name in table.get("macros", {})}
    assert list(paper._typed_digits(text)) == []
    assert list(paper._unknown_macros(text, macros)) == []
    named = re.findall(r"\\input\{(figure|table)s/([a-z_]+)\}", text)
    assert len(named) > 5
    assert all(f"default/{name}" in parts(kind) for kind, name in named)
    cited = {k for keys in re.findall(r"\\cite[a-z]*\{([^}]*)\}", text) for k in keys.split(",")}
    known = set(re.findall(r"@\w+\{(\w+),", (TEXTS / "references.bib").read_text()))
    assert cited
    assert cited <= known


def test_a_line_that_sticks_out_and_a_reference_to_nothing_are_refused():
    _refuse_bad_pages("Overfull \\hbox (0.9pt too wide) in paragraph at lines 1--2\n")
    for line in (
        "Overfull \\hbox (1.1pt too wide) in paragraph at lines 1--2",
        "LaTeX Warning: Reference `fig:a' on page 1 undefined on input line 3.",
        "Package natbib Warning: Citation `a' on page 1 undefined on input line 3.",
    ):
        with pytest.raises(PaperError, match="not sound"):
            _refuse_bad_pages(f"{line}\n")


def test_settings_seeds_and_compute_are_in_the_appendix(sources):
    text = sources(TEXT)["appendix.tex"].decode()
    assert latex_text("training.weight_decay = {") in text
    assert "Seeds: 0" in text
    assert "all & & 3.5" in text


def test_without_latex_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["paper"])
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "no paper: pdflatex and bibtex not installed (TeX Live has them); all else works"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_programs()), reason="LaTeX is not installed")
@pytest.mark.parametrize("font", paper.FONTS)
def test_the_archive_compiles_in_an_empty_folder_to_the_same_bytes(sources, font, tmp_path):
    files = sources(TEXT)
    files["paper.tex"] = files["paper.tex"].replace(b"[times]", f"[{font}]".encode())
    pdf, all_files = typeset(files)
    assert typeset(files)[0] == pdf
    archive = packed(all_files)
    assert archive == packed(dict(reversed(all_files.items())))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(tmp_path / "empty", filter="data")
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        subprocess.run(command, cwd=tmp_path / "empty", check=True, capture_output=True)
    assert (tmp_path / "empty/paper.pdf").stat().st_size > 10_000
    files["macros.tex"] = re.sub(rb"(LargestLoss\}\{).*\}", rb"\g<1>another}", files["macros.tex"])
    assert typeset(files)[0] != pdf
