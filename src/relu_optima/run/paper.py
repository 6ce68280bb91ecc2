"""The job that writes a paper."""

from __future__ import annotations

from pathlib import Path

from relu_optima.config.places import workflow_file
from relu_optima.files import write_atomically
from relu_optima.plan.model import read_manifest
from relu_optima.run.report.paper import paper_sources
from relu_optima.run.report.typesetting import packed, typeset
from relu_optima.store.layout import results_of


def write_paper(plan: Path, root: Path, font: str) -> None:
    """Write the PDF of a study's paper and the archive that compiles to it."""

    def texts(name: str) -> Path:
        return workflow_file(root, f"workflow/paper/{name}")

    manifest, results = read_manifest(plan), results_of(plan)
    pdf, files = typeset(paper_sources(manifest, results, texts, font))
    folder = results / manifest.study / "paper"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "arxiv.tar.gz", packed(files))
    write_atomically(folder / "paper.pdf", pdf)
