"""The paper of a study through Snakemake: the rule, what stops it, what it leaves alone."""

import pytest

from relu_optima.run.report.typesetting import missing_programs

TEXT = r"""\begin{results}
\section{Results} The study has \RunsOfStudy{} runs \cite{le2023}.
\input{figures/tiny_objective}
\end{results}
"""


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_programs()), reason="LaTeX is not installed")
def test_a_paper_is_made_again_to_the_same_bytes_and_a_typed_digit_stops_it(finished):
    text = finished.root / "workflow/paper/tiny.tex"
    text.write_text(TEXT)
    before = finished.products()
    finished.run("paper", "tiny")
    folder = finished.root / "results/tiny/paper"
    made = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert set(made) == {"paper.pdf", "arxiv.tar.gz"}
    finished.run("paper", "tiny")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == made
    assert finished.products() == before
    text.write_text(TEXT.replace("The study", "In 2 words, the study"))
    said = finished.run("paper", "tiny", code=2)
    assert "line 2: '2' is typed" in said
    assert "relu-optima paper tiny" in said
